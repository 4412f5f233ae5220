import { lockApiLimits } from '#api/locks/limits.ts'
import type { Flag } from '#cli/flags/flag.ts'
import { duration, patternText, toggle } from '#cli/flags/kinds.ts'

/** What commands about one lock share. */

const { nameBytesMax } = lockApiLimits
const nameRule = `1 to ${nameBytesMax} bytes`

const isName = (name: string): boolean => name !== '' && name.isWellFormed() && Buffer.byteLength(name) <= nameBytesMax

export function checkName(name: string, mistakes: string[]): void {
  if (name !== '' && !isName(name)) mistakes.push(`the name of a lock has ${nameRule}`)
}

export const shared = toggle('shared: many may hold it at once, but not together with an exclusive holder')
export const client = (description: string): Flag<string | undefined> =>
  patternText('ID', description, { pattern: /^[^]{1,256}$/, rule: nameRule })
export const wait = (description: string): Flag<number | undefined> => duration('DURATION', description, { min: 0, max: Infinity })
