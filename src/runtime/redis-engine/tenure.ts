import type { Millis } from '#base/brand.ts'
import { millis } from '#base/brand.ts'
import { logIndex } from '#core/raft/types.ts'
import type { Entry, Instant, Term } from '#core/raft/types.ts'
import type { Batch, Ownership } from '#ports/redis-slots.ts'
import type { Applier } from '#runtime/applier.ts'
import type { RecentBatches } from './recent-batches.ts'
import type { SlotSnapshots } from './slot-snapshots.ts'

/**
 * `away`: not owned, as far as is known. `claiming`, `loading`: on the way to `serving`. `suspended`: owned, and nothing is appended before the ownership
 * was asserted anew, which is `asserting`. `failed`: entries are missing that nobody has.
 */
export type Phase = 'away' | 'claiming' | 'loading' | 'serving' | 'suspended' | 'asserting' | 'failed'

/** What the owner of a slot has, from when it has loaded it until it steps down. */
export interface Tenure {
  readonly ownership: Ownership
  readonly epoch: Term
  readonly applier: Applier
  readonly snapshots: SlotSnapshots
  readonly recent: RecentBatches
  /** Machine time goes on from here at the pace of the own clock (decision R5). */
  readonly loadedAt: { readonly time: Millis; readonly now: Millis }
}

/** What an entry made now is stamped with. */
export function machineTimeAt({ applier, loadedAt }: Tenure, now: Millis): Millis {
  return millis(Math.max(applier.last.time, loadedAt.time + Math.max(0, now - loadedAt.now)))
}

/** The commands as the next entries of the log. */
export function batchOf(tenure: Tenure, id: string, commands: readonly Uint8Array[], { now, wall }: Instant): Batch {
  const { tail } = tenure.recent
  const time = machineTimeAt(tenure, now)
  const entries = commands.map((bytes, at): Entry => ({
    index: logIndex(tail.index + 1 + at),
    term: tenure.epoch,
    time,
    wall,
    payload: { type: 'command', bytes },
  }))
  return { id, previous: tail, entries }
}
