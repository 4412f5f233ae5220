import type { LockState } from '#core/lock/state.ts'
import type { Attempt, LockAnswer } from '#core/lock/types.ts'
import { serviceLimits } from './limits.ts'
import type { Asked, LockSlot } from './lock-slot.ts'

type Settled = (answer: LockAnswer) => void

/** Takes a request off again; harmless when it was settled. */
export type Leave = () => void

/**
 * The requests whose clients wait for an answer here, until the log decides. What the own replica applies settles them; a node without one
 * asks a member that has one, again and again, which does no harm. When this node is gone its session ends, and their waits with it
 * (decision L3).
 */
export class Parking {
  readonly #slot: LockSlot
  readonly #parked = new Map<string, Set<Parked>>()

  constructor(slot: LockSlot) {
    this.#slot = slot
  }

  /** Calls once when the request is settled, if it ever is. To be parked before it is sent, for its answer may come first. */
  park(attempt: Attempt, settled: Settled): Leave {
    const key = keyOf(attempt)
    const parked: Parked = { attempt, settled }
    const others = this.#parked.get(key)
    if (others === undefined) this.#parked.set(key, new Set([parked]))
    else others.add(parked)
    return () => this.#leave(key, parked)
  }

  /** From now on a node without a replica asks for this one, which is in the log by now. */
  follow(attempt: Attempt): void {
    if (this.#slot.hasReplica || !this.#parked.has(keyOf(attempt))) return
    this.#slot.askMember(
      { type: 'settlement', attempt },
      (asked) => {
        if (asked.type === 'settled') this.settle(attempt, asked.answer)
        else this.follow(attempt)
      },
      serviceLimits.settlementMs,
    )
  }

  /**
   * For a request under a client's own session, of which the leader cannot know where its client is: it is asked, as a replica that follows learns
   * the end of a wait only with the next entry or heartbeat.
   */
  followLeader(attempt: Attempt): void {
    if (!this.#parked.has(keyOf(attempt)) || this.#slot.leadsHere) return
    if (!this.#slot.hasReplica) return this.follow(attempt)
    const done = (asked: Asked): void => {
      if (asked.type === 'settled') this.settle(attempt, asked.answer)
      else this.followLeader(attempt)
    }
    this.#slot.waitAtLeader({ type: 'settlement', attempt }, done, serviceLimits.settlementMs)
  }

  settle(attempt: Attempt, answer: LockAnswer): void {
    const key = keyOf(attempt)
    const parked = this.#parked.get(key)
    if (parked === undefined) return
    this.#parked.delete(key)
    for (const { settled } of parked) settled(answer)
  }

  /** The replica has got its state as a whole: what settled a request may not have been told. */
  recheck(state: LockState): void {
    const attempts = [...this.#parked.values()].flatMap((parked) => [...parked].map(({ attempt }) => attempt))
    for (const attempt of attempts) {
      const answer = settlementOf(state, attempt)
      if (answer !== null) this.settle(attempt, answer)
    }
  }

  #leave(key: string, parked: Parked): void {
    const all = this.#parked.get(key)
    if (all?.delete(parked) === true && all.size === 0) this.#parked.delete(key)
  }
}

interface Parked {
  readonly attempt: Attempt
  readonly settled: Settled
}

const keyOf = ({ session, sequence }: Attempt): string => `${session}#${sequence}`

/**
 * How a request has ended, as far as a state knows; null while it waits, or is not known yet. Of a session that it does not know a state may be from before that was opened, so
 * it says nothing.
 */
export function settlementOf(state: LockState, { session, sequence }: Attempt): LockAnswer | null {
  const found = state.sessions.get(session)?.outcomes.find(sequence) ?? null
  if (found === null) return null
  if (found.type === 'forgotten') return { type: 'refused', code: 'already_answered', detail: '' }
  return found.type === 'answered' ? found.answer : null
}
