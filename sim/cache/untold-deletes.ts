import type { Claim } from './claims.ts'
import type { KeyLog } from './key-log.ts'

/** What became of deletes of one key that nobody was told of. */
export interface UntoldDeletes {
  /** By the id of the claim, the place in the log. */
  readonly placed: ReadonlyMap<number, number>
  /** They found nothing to delete. */
  readonly void: readonly Claim[]
}

/**
 * At rest, each delete in the log that nobody was told of is one of those, it does not matter which. `isTold` says of a version whether it was told of. Null when the
 * log has one that none of them can be.
 */
export function untoldDeletes(log: KeyLog, open: readonly Claim[], isTold: (version: string) => boolean): UntoldDeletes | null {
  const left = new Set(open)
  const placed = new Map<number, number>()
  for (const moment of log.filter(({ value, cause, version }) => value === null && cause === 'write' && !isTold(version))) {
    const { value } = log.before(moment)
    const by = [...left].find(
      ({ at, input }) => at <= moment.since && (input.type === 'delete' || ('expected' in input && input.expected === value)),
    )
    if (by === undefined) return null
    left.delete(by)
    placed.set(by.id, moment.position)
  }
  return { placed, void: [...left] }
}
