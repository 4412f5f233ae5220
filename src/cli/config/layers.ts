import { variableOf } from '#cli/flags/flag.ts'
import type { Found, Given, Layers } from '#cli/flags/flag.ts'

export type Environment = Readonly<Record<string, string | undefined>>

interface Sources {
  readonly flags: readonly string[]
  readonly environment: Environment
  /** Settings by the names of flags. */
  readonly file: Layers
}

/**
 * What is only for a node whose queues are in Redis: the environment and the file may be those of nodes of several services. And nodes that
 * meet in Redis have no list of peers, which their environment may still have.
 */
const ofRedis: ReadonlySet<string> = new Set(['engine', 'redis-url', 'redis-name', 'redis-replicas', 'redis-durability'])
const peers: ReadonlySet<string> = new Set(['join', 'seeds', 'expect'])
/** What other nodes refuse. */
const ofCache: ReadonlySet<string> = new Set(['store'])

/** Settings of a node beneath its command line: a variable of each flag, then the short names that compose files use, then the file. */
export function nodeLayers(found: Found, { flags, environment, file }: Sources): Layers {
  const said = (flag: string): string | undefined => found.get(flag)?.find((text) => text !== null) ?? layers.get(flag)?.texts[0]
  const layers = new Map<string, Given>()
  const add = (flag: string): void => {
    const given = ofVariable(environment, flag) ?? shortNames[flag]?.(environment) ?? null
    if (given !== null) layers.set(flag, given)
    else if (file.has(flag)) layers.set(flag, file.get(flag) as Given)
  }
  add('service')
  if (said('service') === 'queue') add('engine')
  const isRedis = said('service') === 'queue' && said('engine') === 'redis'
  const ofOthers = [isRedis ? peers : ofRedis, ...(said('service') === 'cache' ? [] : [ofCache])]
  for (const flag of flags) if (flag !== 'engine' && !ofOthers.some((others) => others.has(flag))) add(flag)
  dropOverruled(layers, (flag) => rankOf(flag, found, environment))
  return layers
}

/** Both say the same thing, such as who forms the cluster: who says one has not said the other, and so wins over what says that beneath. */
const alternatives = [
  ['join', 'expect'],
  ['secret', 'secret-file'],
] as const

function dropOverruled(layers: Map<string, Given>, rank: (flag: string) => number): void {
  for (const [one, other] of alternatives) {
    if (rank(one) < rank(other)) layers.delete(other)
    if (rank(other) < rank(one)) layers.delete(one)
  }
}

/** Where it is said if it is, from the command line down. */
function rankOf(flag: string, found: Found, environment: Environment): number {
  if ((found.get(flag)?.length ?? 0) > 0) return 0
  if (ofVariable(environment, flag) !== null) return 1
  return (shortNames[flag]?.(environment) ?? null) === null ? 3 : 2
}

/** What variables say of these flags, and nothing else does. */
export const variablesOf = (flags: readonly string[], environment: Environment): Layers =>
  new Map(
    flags.flatMap((flag) => {
      const given = ofVariable(environment, flag)
      return given === null ? [] : [[flag, given] as const]
    }),
  )

function ofVariable(environment: Environment, flag: string): Given | null {
  const name = variableOf(flag)
  const text = environment[name] ?? ''
  return text === '' ? null : { name, texts: [text] }
}

type Short = (environment: Environment) => Given | null

const one =
  (name: string, change: (text: string) => string = (text) => text): Short =>
  (environment) => {
    const text = environment[name] ?? ''
    return text === '' ? null : { name, texts: [change(text)] }
  }

const levels = new Map([
  ['warning', 'warn'],
  ['critical', 'fatal'],
])

/** What stands for a flag in the environment besides its own variable. */
const shortNames: Readonly<Record<string, Short | undefined>> = {
  id: one('NODE_ID'),
  join: one('PEERS', (text) => text.replaceAll(/\s/g, '')),
  heartbeat: one('HEARTBEAT_INTERVAL'),
  'cache-lines': one('CACHE_CAPACITY'),
  'log-level': one('LOG_LEVEL', (text) => levels.get(text.toLowerCase()) ?? text.toLowerCase()),
  engine: ({ REDIS_HOST = '' }) => (REDIS_HOST === '' ? null : { name: 'REDIS_HOST', texts: ['redis'] }),
  'redis-url': ({ REDIS_HOST = '', REDIS_PORT = '' }) =>
    REDIS_HOST === '' ? null : { name: 'REDIS_HOST', texts: [`redis://${REDIS_HOST}:${REDIS_PORT === '' ? '6379' : REDIS_PORT}`] },
  listen: ({ LISTEN = '', PORT = '' }) => {
    if (LISTEN.includes(':')) return { name: 'LISTEN', texts: [LISTEN] }
    // A host alone is no address; it is told rather than passed over.
    if (PORT === '') return LISTEN === '' ? null : { name: 'LISTEN, without PORT,', texts: [LISTEN] }
    return { name: 'PORT', texts: [`${LISTEN === '' ? '127.0.0.1' : LISTEN}:${PORT}`] }
  },
  election: ({ ELECTION_TIMEOUT_MIN: min = '', ELECTION_TIMEOUT_MAX: max = '' }) => {
    if (min === '' && max === '') return null
    const shortest = min === '' ? '500' : min
    return {
      name: 'ELECTION_TIMEOUT_MIN and ELECTION_TIMEOUT_MAX',
      texts: [`${shortest}-${max === '' ? String(2 * Number(shortest)) : max}`],
    }
  },
}
