import { queueApiLimits } from '#api/queues/limits.ts'
import type { Flag } from '#cli/flags/flag.ts'
import { duration, patternText } from '#cli/flags/kinds.ts'

/** What commands about queues share. */

const { nameBytesMax, visibilityMsMax } = queueApiLimits
const nameRule = `1 to ${nameBytesMax} bytes without control characters`

export function checkQueue(name: string, mistakes: string[]): void {
  const isName = name.isWellFormed() && Buffer.byteLength(name) <= nameBytesMax && !/\p{Cc}/u.test(name)
  if (name !== '' && !isName) mistakes.push(`the name of a queue has ${nameRule}`)
}

export const consumer = patternText('ID', 'who consumes, for people who look at the queue; a name of its own by default', {
  pattern: /^[^]{1,256}$/,
  rule: `1 to ${nameBytesMax} bytes`,
})

export const visibility = (description: string): Flag<number | undefined> =>
  duration('DURATION', description, { min: 1, max: visibilityMsMax })
