import type { CacheInput } from './cache-model.ts'
import type { Claim } from './claims.ts'
import type { Moment } from './key-log.ts'

/** What a change makes of its key that nothing else does; null when that is not so. An addition is known by what it adds. */
export function effectOf({ input }: Pick<Claim, 'input'>): string | null {
  if (input.type === 'add') return `+${input.by}`
  return 'value' in input ? String(input.value) : null
}

/** What it may be known by in the log. */
export function effectsIn({ value }: Moment, before: Moment): readonly string[] {
  return value === null ? [] : [String(value), `+${value - (before.value ?? 0)}`]
}

/** `sum`: what an addition was answered. */
export function madeBy(input: CacheInput, sum: number | null): number | null {
  if (input.type === 'add') return sum
  return 'value' in input ? input.value : null
}
