import type { RedisOptions } from '#composition/node-options.ts'
import type { Result } from '#base/result.ts'
import { variableOf } from './flag.ts'
import type { Flag, ValuesOf } from './flag.ts'
import { integer, patternText, text } from './kinds.ts'

/** Says in words what is wrong with a URL, and never repeats it: it may hold a password. */
export type ParsePlace = (url: string) => Result<RedisOptions['place'], string>

/** What keeps the queues. Each has a variable of the environment, which is `LOCKSTEP_` and its name, for when it is left out. */
export const engineFlags = {
  engine: patternText('ENGINE', 'what keeps the queues: embedded, by default: the nodes themselves, or redis; LOCKSTEP_ENGINE', {
    pattern: /^(?:embedded|redis)$/,
    rule: 'embedded or redis',
  }),
  'redis-url': text(
    'URL',
    'redis://HOST:PORT, redis+sentinel://HOST,HOST/MASTER or redis+cluster://HOST,HOST; rediss for TLS; USER:PASSWORD@ before the hosts. LOCKSTEP_REDIS_URL keeps a password out of the list of processes',
  ),
  'redis-name': patternText('NAME', 'of the cluster in Redis, which several can share: their keys begin with it; queues by default', {
    pattern: /^[a-z0-9][a-z0-9._-]{0,62}$/i,
    rule: 'a name of letters, digits, dots, dashes and underscores',
  }),
  'redis-replicas': integer('N', 'replicas of Redis that must confirm each write too; 0 by default', { min: 0, max: 16 }),
  'redis-durability': patternText('MODE', 'strict, by default: unsafe settings of Redis are refused; or relaxed: they are reported', {
    pattern: /^(?:strict|relaxed)$/,
    rule: 'strict or relaxed',
  }),
} as const

type EngineValues = ValuesOf<typeof engineFlags>

/** With where it is, as it was written. */
export interface Redis extends RedisOptions {
  readonly url: string
}

interface Reading {
  readonly parse: ParsePlace
  /** Of the cluster, unless another is given. */
  readonly usualName: string
  readonly mistakes: string[]
}

/** Null for the embedded engine. What is wrong is added to `mistakes`. */
export function redisOf(values: EngineValues, { parse, usualName, mistakes }: Reading): Redis | null {
  const settingOf = <Name extends keyof EngineValues>(name: Name): EngineValues[Name] => {
    const value = process.env[variableOf(name)] ?? ''
    if (values[name] !== undefined || value === '') return values[name]
    const flag = engineFlags[name] as Flag<EngineValues[Name]>
    return flag.read({ name: variableOf(name), texts: [value] }, mistakes)
  }
  if (settingOf('engine') !== 'redis') {
    const useless = (Object.keys(engineFlags) as (keyof EngineValues)[]).filter((name) => name !== 'engine' && values[name] !== undefined)
    for (const name of useless) mistakes.push(`--${name} is for --engine redis`)
    return null
  }
  const url = settingOf('redis-url')
  const place = url === undefined ? null : parse(url)
  if (place === null) mistakes.push('--engine redis needs --redis-url, or LOCKSTEP_REDIS_URL')
  if (place?.ok === false) mistakes.push(`${values['redis-url'] === undefined ? 'LOCKSTEP_REDIS_URL' : '--redis-url'}: ${place.error}`)
  if (url === undefined || place === null || !place.ok) return null
  return {
    url,
    place: place.value,
    name: settingOf('redis-name') ?? usualName,
    replicas: settingOf('redis-replicas') ?? 0,
    relaxed: settingOf('redis-durability') === 'relaxed',
  }
}
