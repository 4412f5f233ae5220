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
 * What a window had when it was asked about may still be on its way, and is kept with the probe. `snapshot`: the entries it needs are compacted; chunks are sent one by one.
 */
export type Sending =
  | { readonly type: 'probe'; waiting: boolean; readonly asked: Asked | null }
  | Window
  | { readonly type: 'snapshot'; readonly snapshot: SnapshotMeta; offset: number }

interface Window {
  readonly type: 'replicate'
  readonly inflight: Deque<Flight>
  inflightBytes: number
}

/** A window, and what would have been sent next. */
interface Asked {
  readonly window: Window
  readonly next: LogIndex
}

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
  sending: Sending = { type: 'probe', waiting: false, asked: null }
  /** The newest heartbeat round that it was sent. */
  sentRound = 0
  /** The newest that it answered, and when that one was sent. */
  round = 0
  contactAt: Millis = millis(Number.NEGATIVE_INFINITY)
  /** The commit index it was last told. */
  toldCommit: LogIndex = logIndex(0)
  /** It goes on with a window that may have been lost: what comes next shows that. */
  inDoubt = false
  readonly catchUp: CatchUp
  readonly #silence = new Silence()

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
    this.moved()
    if (match >= this.next) this.next = logIndex(match + 1)
    const { sending } = this
    if (sending.type === 'replicate') land(sending, match)
    else if (sending.type === 'snapshot' && match >= sending.snapshot.index) this.replicate()
    else if (sending.type === 'probe' && reached) this.#goOn(sending.asked)
    return true
  }

  /** From the place where the logs are known to agree. */
  probe(): void {
    this.next = logIndex(this.match + 1)
    this.sending = { type: 'probe', waiting: false, asked: null }
  }

  /**
   * What was sent is asked about. A probe is repeated where it stood: from the start would often mean a needless snapshot. A window may be on its way still: heartbeats pass
   * what is large on a slow link, where a window that is sent again and again would leave no room for anything.
   */
  retry(): void {
    const { sending, next } = this
    if (sending.type === 'probe') {
      sending.waiting = false
      return
    }
    this.probe()
    if (sending.type === 'replicate') this.sending = { type: 'probe', waiting: false, asked: { window: sending, next } }
  }

  /** An answer to that round while something is on its way; true when that is to be asked about. */
  silent(round: number): boolean {
    // The first answer may be to the round that left together with a probe.
    const isOver = this.#silence.lasts(round, this.sending.type === 'probe' ? 1 : 0)
    if (isOver) this.#silence.begin(this.sentRound)
    return isOver
  }

  /** The follower has taken something, or is sent something of another kind. */
  moved(): void {
    this.#silence.broken()
    this.#silence.begin(this.sentRound)
  }

  replicate(): void {
    this.next = logIndex(this.match + 1)
    this.sending = { type: 'replicate', inflight: new Deque(), inflightBytes: 0 }
  }

  #goOn(asked: Asked | null): void {
    this.replicate()
    if (asked === null || asked.next <= this.next) return
    land(asked.window, this.match)
    this.sending = asked.window
    this.next = asked.next
    this.inDoubt = true
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
      this.#silence.begin(this.sentRound)
    } else if (this.sending.type === 'replicate' && last >= this.next) {
      this.sending.inflight.push({ last, bytes })
      this.sending.inflightBytes += bytes
      this.next = logIndex(last + 1)
    }
  }
}

function land(window: Window, match: LogIndex): void {
  for (let first = window.inflight.at(0); first !== undefined && first.last <= match; first = window.inflight.at(0)) {
    window.inflightBytes -= first.bytes
    window.inflight.shift()
  }
}

/**
 * How many heartbeats are answered before what was sent is asked about: twice as many after each question that brought nothing, so that a slow link is not filled with
 * questions, and one less with each thing that comes unasked. Late answers to old rounds say nothing: many of them may come at once.
 */
class Silence {
  #rounds = 0
  #since = 0
  #patience: number = limits.silentRounds
  #asked = false

  /** From that round on. */
  begin(round: number): void {
    this.#rounds = 0
    this.#since = round
  }

  /** That round is answered, and so many more count as answered; true when that is as much as there is patience for. */
  lasts(round: number, headStart: number): boolean {
    if (round <= this.#since) return false
    this.#since = round
    this.#rounds++
    if (this.#rounds + headStart < this.#patience) return false
    this.#asked = true
    this.#patience = Math.min(2 * this.#patience, limits.silentRoundsMax)
    return true
  }

  /** Something was taken. */
  broken(): void {
    if (!this.#asked) this.#patience = Math.max(this.#patience - 1, limits.silentRounds)
    this.#asked = false
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
