import type { Version } from '#core/cache/types.ts'
import { grant, homeTerm } from '#core/cache/types.ts'
import { invalid } from '#sdk/options.ts'

/** Of a text that a cache gave out. */
export function versionOf(text: string): Version {
  const match = typeof text === 'string' ? /^(\d{1,15})\.(\d{1,15})\.(\d{1,15})$/.exec(text) : null
  if (match === null) throw invalid('version', 'one that was read')
  return { term: homeTerm(Number(match[1])), grant: grant(Number(match[2])), sequence: Number(match[3]) }
}
