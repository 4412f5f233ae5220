import { isRole, roles } from '#core/access/roles.ts'
import type { HashedToken } from '#core/access/types.ts'
import type { Result } from '#base/result.ts'
import { err, ok } from '#base/result.ts'
import { fitsBytes } from '#api/schemas.ts'
import { accessLimits as limits } from './limits.ts'

/**
 * The file that says which tokens there are:
 *
 *     {"tokens": [{"name": "ci", "sha256": "9f86d0…", "roles": ["lock"], "prefixes": ["ci-"], "expires": "2027-01-01T00:00:00Z"}]}
 *
 * `prefixes` and `expires` may be left out. The secret itself is nowhere: it is drawn by `lockstep token create`, and so long that its SHA-256 says nothing
 * about it.
 */
export interface TokenEntry {
  readonly name: string
  readonly sha256: string
  readonly roles: readonly string[]
  readonly prefixes?: readonly string[]
  readonly expires?: string
}

/** Every mistake is told, by its place, and none of them quotes a hash. */
export function parseTokenFile(text: string): Result<readonly HashedToken[], readonly string[]> {
  const content = parsed(text)
  if (content === null || !isObject(content)) return err(['must be an object of JSON with a list of tokens'])
  const mistakes = unknownFields(content, ['tokens'], '')
  const { tokens: list } = content
  if (!Array.isArray(list)) return err([...mistakes, 'tokens: must be a list'])
  if (list.length > limits.tokensMax) return err([...mistakes, `tokens: must be at most ${limits.tokensMax}`])
  const tokens = list.map((entry: unknown, at) => tokenOf(entry, `tokens[${at}]`, mistakes))
  for (const field of ['name', 'sha256'] as const) {
    const seen = new Set<string>()
    for (const [at, token] of tokens.entries()) {
      if (token !== null && seen.has(token[field])) mistakes.push(`tokens[${at}].${field}: another token has the same`)
      if (token !== null) seen.add(token[field])
    }
  }
  return mistakes.length > 0 ? err(mistakes) : ok(tokens.filter((token) => token !== null))
}

export const tokenNamePattern = /^[A-Za-z0-9][\w.-]{0,63}$/
const hashPattern = /^[0-9a-f]{64}$/

/** Null when something is wrong with it, which is added to `mistakes`. */
function tokenOf(entry: unknown, at: string, mistakes: string[]): HashedToken | null {
  const before = mistakes.length
  if (!isObject(entry)) {
    mistakes.push(`${at}: must be an object`)
    return null
  }
  mistakes.push(...unknownFields(entry, ['name', 'sha256', 'roles', 'prefixes', 'expires'], `${at}.`))
  const { name, sha256, roles: own, prefixes = [], expires } = entry
  if (typeof name !== 'string' || !tokenNamePattern.test(name))
    mistakes.push(`${at}.name: must be 1 to ${limits.nameLengthMax} letters, digits, dots, dashes and underscores`)
  if (typeof sha256 !== 'string' || !hashPattern.test(sha256)) mistakes.push(`${at}.sha256: must be 64 digits, 0 to 9 and a to f`)
  if (!Array.isArray(own) || own.length === 0 || !own.every(isRole)) mistakes.push(`${at}.roles: must be a list of ${roles.join(', ')}`)
  if (!Array.isArray(prefixes) || prefixes.length > limits.prefixesMax || !prefixes.every(isPrefix))
    mistakes.push(`${at}.prefixes: must be a list of at most ${limits.prefixesMax} texts of 1 to ${limits.prefixBytesMax} bytes`)
  const expiresAt = expires === undefined ? null : typeof expires === 'string' ? instantMs(expires) : NaN
  if (Number.isNaN(expiresAt)) mistakes.push(`${at}.expires: must be an instant, as 2027-01-31T12:00:00Z`)
  if (mistakes.length > before) return null
  return { name: name as string, sha256: sha256 as string, roles: own as HashedToken['roles'], prefixes: prefixes as string[], expiresAt }
}

/** An instant without its zone would mean another one on each machine. */
const instantMs = (text: string): number =>
  /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : NaN

export const isPrefix = (text: unknown): text is string =>
  typeof text === 'string' && text !== '' && !/\p{Cc}/u.test(text) && fitsBytes(limits.prefixBytesMax, text)

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const unknownFields = (object: object, known: readonly string[], at: string): string[] =>
  Object.keys(object)
    .filter((field) => !known.includes(field))
    .map((field) => `${at}${field.slice(0, 64)}: is not known here: expected is ${known.join(', ')}`)

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // What the parser says may quote what stands nearby.
    return null
  }
}
