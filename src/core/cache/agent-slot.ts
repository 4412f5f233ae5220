import type { Millis } from '#base/brand.ts'
import { millis } from '#base/brand.ts'
import type { Push } from './messages.ts'
import type { HomeTerm, RequestNumber, SessionId, SlotId } from './types.ts'
import { homeTerm } from './types.ts'

/** How an agent stands with the home of one slot. */
export interface Slot {
  readonly id: SlotId
  /** The highest one heard of; 0 before any. */
  term: HomeTerm
  standing: Standing
  /** Raised with each session that is asked for. */
  nonce: number
  /** Lines are used before then: the lease, or never while it has to be renewed first. */
  usableUntil: Millis
  /** The lease. When it is over, so is the session, whatever the home says. */
  leaseUntil: Millis
  /** The home is in this process. */
  local: boolean
  /** When the home was last asked to open, welcome or renew. */
  askedAt: Millis
  /** Requests that are not answered, the oldest first. */
  readonly open: Set<RequestNumber>
  /** At the level `owner`, in lines and in what snoops took from them. */
  dirtyLines: number
  dirtyBytes: number
  /** Until then nothing new is written at the level `owner`: the home in this process is about to hand its leadership over, and its lease. */
  settlingUntil: Millis
}

type Standing =
  /** No home is known, or nothing is wanted of it yet. */
  | { readonly type: 'apart' }
  /** A session was asked for. There are no lines. */
  | { readonly type: 'opening' }
  /** The session is older than the home, which was told that there are no lines any more (rule 10). */
  | { readonly type: 'arriving'; readonly session: SessionId; readonly pushes: readonly Push[] }
  | { readonly type: 'open'; readonly session: SessionId }

const never = millis(-Infinity)

export const newSlot = (id: SlotId): Slot => ({
  id,
  term: homeTerm(0),
  standing: { type: 'apart' },
  nonce: 0,
  usableUntil: never,
  leaseUntil: never,
  local: false,
  askedAt: never,
  open: new Set(),
  dirtyLines: 0,
  dirtyBytes: 0,
  settlingUntil: never,
})

/** Nothing may be used any more. What the leader in this process said of its lease stays said. */
export function endLease(slot: Slot): void {
  slot.usableUntil = never
  if (!slot.local) slot.leaseUntil = never
}

/** The lease has to be renewed before anything is used again. */
export function suspend(slot: Slot): void {
  slot.usableUntil = never
}
