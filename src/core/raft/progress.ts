import { assert } from '#base/assert.ts'
import type { Millis } from '#base/brand.ts'
import { millis } from '#base/brand.ts'
import { Deque } from '#base/deque.ts'
import { limits } from './limits.ts'
import { logIndex } from './types.ts'
import type { LogIndex, ReplicaId, SnapshotMeta } from './types.ts'

/**
 * How the leader sends to one follower.
 * `probe`: the place where the logs agree is not known; one append at a time. `replicate`: it is known; appends are pipelined within a window.
 * `snapshot`: the entries it needs are compacted; chunks are sent one by one.
 */
export type Sending =
  | { readonly type: 'probe'; waiting: boolean }
  | { readonly type: 'replicate'; readonly inflight: Deque<Flight>; inflightBytes: number }
  | { readonly type: 'snapshot'; readonly snapshot: SnapshotMeta; offset: number }

interface Flight {
  readonly last: LogIndex
  readonly bytes: number
}

/**
 * What a leader knows of one other replica.
 * Invariant: 0 ≤ match < next.
 */
export class Progress {
  readonly replica: ReplicaId
  match: LogIndex = logIndex(0)
  next: LogIndex
  sending: Sending = { type: 'probe', waiting: false }
  /** The newest heartbeat round it answered, and when that round was sent. */
  round = 0
  contactAt: Millis = millis(Number.NEGATIVE_INFINITY)
  /** The commit index it was last told. */
  toldCommit: LogIndex = logIndex(0)
  /** Answers to heartbeats since it last made progress while something was on its way to it. */
  silentRounds = 0
  readonly catchUp: CatchUp

  /** `lastIndex` is that of the entry just appended: the first to be sent. */
  constructor(replica: ReplicaId, lastIndex: LogIndex, now: Millis) {
    this.replica = replica
    this.next = lastIndex
    this.catchUp = new CatchUp(lastIndex, now)
  }

  /** Takes an acknowledgement; false when it says nothing new. */
  acknowledge(match: LogIndex): boolean {
    if (match <= this.match) return false
    // A probe asks about one place; an answer that does not reach it says nothing about it.
    const reached = match >= this.next - 1
    this.match = match
    this.silentRounds = 0
    if (match >= this.next) this.next = logIndex(match + 1)
    if (this.sending.type === 'replicate') this.#land(this.sending, match)
    else if (this.sending.type === 'probe' ? reached : match >= this.sending.snapshot.index) this.replicate()
    return true
  }

  /** From the place where the logs are known to agree. */
  probe(): void {
    this.next = logIndex(this.match + 1)
    this.sending = { type: 'probe', waiting: false }
  }

  /** What was sent is taken for lost. A probe is repeated where it stood: from the start would often mean a needless snapshot. */
  retry(): void {
    if (this.sending.type === 'probe') this.sending.waiting = false
    else this.probe()
  }

  replicate(): void {
    this.next = logIndex(this.match + 1)
    this.sending = { type: 'replicate', inflight: new Deque(), inflightBytes: 0 }
  }

  /** Steps back over a conflict; false for an answer to something else than what is being asked (pitfall 21). */
  backOff(rejected: LogIndex, retryAfter: LogIndex): boolean {
    if (rejected <= this.match) return false
    if (this.sending.type === 'replicate') {
      this.probe()
      return true
    }
    if (this.sending.type === 'snapshot' || rejected !== this.next - 1) return false
    this.next = logIndex(Math.max(this.match + 1, Math.min(rejected, retryAfter + 1)))
    this.sending.waiting = false
    assert(this.next > this.match, 'next stays past match')
    return true
  }

  /** Whether one more append may leave now. */
  get open(): boolean {
    switch (this.sending.type) {
      case 'probe':
        return !this.sending.waiting
      case 'replicate':
        return this.sending.inflight.length < limits.inflightAppendsMax && this.sending.inflightBytes < limits.inflightBytesMax
      case 'snapshot':
        return false
    }
  }

  sent(last: LogIndex, bytes: number): void {
    if (this.sending.type === 'probe') {
      this.sending.waiting = true
      this.silentRounds = 0
    } else if (this.sending.type === 'replicate' && last >= this.next) {
      this.sending.inflight.push({ last, bytes })
      this.sending.inflightBytes += bytes
      this.next = logIndex(last + 1)
    }
  }

  #land(sending: Extract<Sending, { type: 'replicate' }>, match: LogIndex): void {
    for (let first = sending.inflight.at(0); first !== undefined && first.last <= match; first = sending.inflight.at(0)) {
      sending.inflightBytes -= first.bytes
      sending.inflight.shift()
    }
  }
}

/**
 * Whether a learner would keep up as a voter: it catches up in rounds, each to the end the log had when the round began; when a round
 * takes less than an election time-out the learner is near enough (dissertation 4.2.1, pitfall 32).
 */
export class CatchUp {
  #caughtUpOnce = false
  #lastRoundMs = 0
  #target: LogIndex
  #since: Millis

  constructor(lastIndex: LogIndex, now: Millis) {
    this.#target = lastIndex
    this.#since = now
  }

  /** Told of every answer, so that a round with nothing to catch up with ends at the next heartbeat, however long the group idles. */
  advance(match: LogIndex, lastIndex: LogIndex, now: Millis): void {
    if (match < this.#target) return
    this.#caughtUpOnce = true
    this.#lastRoundMs = now - this.#since
    this.#target = lastIndex
    this.#since = now
  }

  /** Judged at `now`, so that a learner that falls behind after a good round is not taken for a fast one. */
  near(match: LogIndex, now: Millis, withinMs: number): boolean {
    if (!this.#caughtUpOnce || this.#lastRoundMs > withinMs) return false
    return match >= this.#target || now - this.#since <= withinMs
  }
}
