import { formatDuration, parseDuration } from './duration.ts'
import type { Flag, Given } from './flag.ts'

/** The kinds of flags there are. */

export const toggle = (description: string): Flag<boolean> => ({
  placeholder: null,
  description,
  repeatable: true,
  read: ({ texts }) => texts.length > 0,
})

const words: ReadonlyMap<string, boolean> = new Map([
  // The flag alone, without a value.
  ['null', true],
  ...['true', 'yes', '1'].map((word) => [word, true] as const),
  ...['false', 'no', '0'].map((word) => [word, false] as const),
])

/** A toggle that the environment and a file may have too, where it is there with a word that says which. */
export const setting = (description: string): Flag<boolean> => ({
  placeholder: null,
  description,
  repeatable: true,
  read({ name, texts: [value] }, mistakes) {
    if (value === undefined) return false
    const isOn = words.get(value.toLowerCase())
    if (isOn === undefined) mistakes.push(`${name} must be true or false; it is ${JSON.stringify(value)}`)
    return isOn ?? false
  },
})

export const text = (placeholder: string, description: string): Flag<string | undefined> =>
  single(placeholder, description, (value) => value)

/** One that must fit a pattern; `rule` says how in words. */
export const patternText = (
  placeholder: string,
  description: string,
  { pattern, rule }: { readonly pattern: RegExp; readonly rule: string },
): Flag<string | undefined> =>
  single(placeholder, description, (value, mistake) => {
    if (!pattern.test(value)) mistake(rule)
    return value
  })

interface Bounds {
  readonly min: number
  readonly max: number
}

export const integer = (placeholder: string, description: string, { min, max }: Bounds): Flag<number | undefined> =>
  single(placeholder, description, (value, mistake) => {
    const number = /^\d{1,16}$/.test(value) ? Number(value) : NaN
    if (!(number >= min && number <= max)) mistake(`a number from ${min} to ${max}`)
    return number
  })

/** In milliseconds. */
export const duration = (placeholder: string, description: string, { min, max }: Bounds): Flag<number | undefined> =>
  single(placeholder, description, (value, mistake) => {
    const ms = parseDuration(value)
    const range = max === Infinity ? `${formatDuration(min)} or more` : `from ${formatDuration(min)} to ${formatDuration(max)}`
    if (ms === null || ms < min || ms > max) mistake(`a length of time such as 500ms, 10s or 1m, ${range}`)
    return ms ?? min
  })

/** The first choice is the default. */
export function choice<const Choices extends readonly [string, ...string[]]>(
  placeholder: string,
  description: string,
  choices: Choices,
): Flag<Choices[number]> {
  const [first] = choices
  const flag = single(placeholder, description, (value, mistake): Choices[number] => {
    if (!choices.includes(value)) mistake(listed(choices))
    return value
  })
  return withDefault(flag, first)
}

/** `host:port`. */
export const address = (placeholder: string, description: string): Flag<string | undefined> =>
  single(placeholder, description, (value, mistake) => {
    if (!isAddress(value)) mistake('host:port, such as 127.0.0.1:8001')
    return value
  })

/** `host:port,host:port,…`. */
export const addresses = (placeholder: string, description: string): Flag<readonly string[]> => {
  const flag = single(placeholder, description, (value, mistake): readonly string[] => {
    const parts = value.split(',').filter((part) => part !== '')
    const wrong = parts.filter((part) => !isAddress(part))
    if (wrong.length > 0) mistake('host:port,host:port,…', wrong.map((part) => JSON.stringify(part)).join(', '))
    return parts
  })
  return withDefault(flag, [])
}

/** Urls of nodes, each time it is given one or several between commas; `fallback` when it is not, of which null is none. */
export const urls = (description: string, fallback: () => Given | null): Flag<readonly string[]> => ({
  placeholder: 'URL,…',
  description,
  repeatable: true,
  read(given, mistakes) {
    const found = given.texts.length > 0 ? given : fallback()
    if (found === null) return []
    const { name, texts } = found
    const all = texts.flatMap((each) => each.split(',')).filter((part) => part !== '')
    const wrong = all.filter((part) => originOf(part) === null)
    if (wrong.length > 0 || all.length === 0)
      mistakes.push(`${name} must be urls of nodes, such as http://127.0.0.1:8001; wrong: ${JSON.stringify(wrong.join(','))}`)
    return [...new Set(all.flatMap((part) => originOf(part) ?? []))]
  },
})

/** Of a flag that was left out. */
export const withDefault = <T>(flag: Flag<T | undefined>, value: T): Flag<T> => ({
  ...flag,
  read: (given, mistakes) => flag.read(given, mistakes) ?? value,
})

export const required = (flag: Flag<string | undefined>): Flag<string> => ({
  ...flag,
  read(given, mistakes) {
    if (given.texts.length === 0) mistakes.push(`${given.name} must be given: ${flag.placeholder ?? ''}`)
    return flag.read(given, mistakes) ?? ''
  },
})

type Mistake = (rule: string, seen?: string) => void

function single<T>(placeholder: string, description: string, parse: (value: string, mistake: Mistake) => T): Flag<T | undefined> {
  return {
    placeholder,
    description,
    repeatable: false,
    read({ name, texts: [value] }, mistakes) {
      if (value === undefined) return undefined
      return parse(value, (rule, seen = JSON.stringify(value)) => mistakes.push(`${name} must be ${rule}; it is ${seen}`))
    },
  }
}

const listed = (choices: readonly string[]): string => `${choices.slice(0, -1).join(', ')} or ${choices.at(-1) ?? ''}`

function isAddress(value: string): boolean {
  const [, port] = /^[^\s:,]+:(\d{1,5})$/.exec(value) ?? []
  return port !== undefined && Number(port) >= 1 && Number(port) <= 65_535
}

/** `127.0.0.1:8001` is taken for http; null for what is no url of a server. */
function originOf(value: string): string | null {
  const url = /^https?:\/\//.test(value) ? value : `http://${value}`
  if (!URL.canParse(url)) return null
  const { origin, pathname, search, username } = new URL(url)
  return pathname === '/' && search === '' && username === '' ? origin : null
}
