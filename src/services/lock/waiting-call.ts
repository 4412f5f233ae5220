import { err, ok } from '#base/result.ts'
import type { Call } from '#api/call.ts'
import { callEndOf } from '#api/call.ts'
import { stopping, unknownOutcome } from '#api/common/faults.ts'
import type { Acquire, Attempt, LockAnswer } from '#core/lock/types.ts'
import type { Cancel, Clock } from '#ports/clock.ts'
import { pathLimits } from '#services/common/limits.ts'
import { serviceLimits } from './limits.ts'
import type { Answered, LockSlot } from './lock-slot.ts'
import type { Ticket } from './node-session.ts'
import type { Leave, Parking } from './parking.ts'

/**
 * One request whose client waits here for the lock.
 *
 * Its end is decided in the log and nowhere else (decision L3). 1. The wait is over here, and 408 is answered. 2. The grant was committed
 * before, and the client holds what it does not know of. So the end of the wait is in the command, and the leader's to carry out; and when
 * a client goes away, or this node stops, or the end is overdue, a logged cancellation asks what came first. What was granted to a client
 * that is gone is given back by it.
 */
export class WaitingCall {
  readonly #ports: WaitingPorts
  readonly #ticket: Ticket
  readonly #call: Call
  readonly #done: (answered: Answered) => void
  readonly #onAbort = (): void => this.#aborted()
  #leave: Leave = () => {}
  #overdue: Cancel = () => {}
  #stage: 'sent' | 'queued' | 'cancelling' | 'decided' = 'sent'

  constructor(ports: WaitingPorts, ticket: Ticket, call: Call, done: (answered: Answered) => void) {
    this.#ports = ports
    this.#ticket = ticket
    this.#call = call
    this.#done = done
  }

  start(command: Acquire & { readonly waitMs: number }): void {
    const { attempt } = this.#ticket
    this.#leave = this.#ports.parking.park(attempt, (answer) => this.#ended(answer))
    this.#call.signal.addEventListener('abort', this.#onAbort)
    this.#ports.slot.submit(command, (answered) => this.#answered(answered, command.waitMs))
  }

  #answered(answered: Answered, waitMs: number): void {
    if (this.#stage !== 'sent') return
    if (!answered.ok || answered.value.type !== 'queued') {
      this.#decided(answered)
      return
    }
    this.#stage = 'queued'
    this.#ports.parking.follow(this.#ticket.attempt)
    this.#overdue = this.#ports.clock.after(waitMs + serviceLimits.waitGraceMs, () => this.#askTheLog())
    if (this.#call.signal.aborted) this.#aborted()
  }

  /** What is on its way to the log is waited for: only then is it known whether there is anything to give back. */
  #aborted(): void {
    if (this.#stage !== 'queued') return
    if (callEndOf(this.#call) === 'stopping') this.#askTheLog()
    else this.#decided(ok(cancelled))
  }

  #askTheLog(): void {
    this.#stage = 'cancelling'
    this.#ports.slot.submit({ type: 'cancel', attempt: this.#ticket.attempt, ifGranted: 'keep' }, (answered) => {
      if (answered.ok) this.#ended(answered.value)
      else this.#decided(err(unknownOutcome()))
    })
  }

  /** A cancellation of this node's own may be heard of here as what ended the wait before it is answered. */
  #ended(answer: LockAnswer): void {
    if (this.#stage !== 'cancelling' || answer.type !== 'cancelled') this.#decided(ok(answer))
    else this.#decided(callEndOf(this.#call) === 'stopping' ? err(stopping()) : ok(timedOut))
  }

  #decided(answered: Answered): void {
    if (this.#stage === 'decided') return
    this.#stage = 'decided'
    this.#leave()
    this.#overdue()
    this.#call.signal.removeEventListener('abort', this.#onAbort)
    endOrGiveBack(this.#ports, this.#ticket, { answered, isWanted: callEndOf(this.#call) !== 'client-gone' })
    this.#done(answered)
  }
}

export interface WaitingPorts {
  readonly slot: Pick<LockSlot, 'submit'>
  readonly parking: Pick<Parking, 'park' | 'follow'>
  readonly clock: Clock
}

const cancelled: LockAnswer = { type: 'cancelled' }
/** Who held it is not known here. */
const timedOut: LockAnswer = { type: 'timed-out', holders: [], retryAfterMs: null }

/** What a request has come to: when nobody is left to be told, what it may hold is given back. */
export function endOrGiveBack(
  ports: Pick<WaitingPorts, 'slot' | 'clock'>,
  ticket: Ticket,
  { answered, isWanted }: { readonly answered: Answered; readonly isWanted: boolean },
): void {
  if (!isWanted && mayHold(answered)) giveBack(ports, ticket)
  else ticket.end()
}

const mayHold = (answered: Answered): boolean =>
  answered.ok ? answered.value.type === 'granted' || answered.value.type === 'cancelled' : answered.error.code === 'unknown'

/** Until the log has it, or this node stops: then its session ends. */
function giveBack(ports: Pick<WaitingPorts, 'slot' | 'clock'>, ticket: Ticket): void {
  const attempt: Attempt = ticket.attempt
  ports.slot.submit({ type: 'cancel', attempt, ifGranted: 'release' }, (answered) => {
    if (answered.ok || answered.error.code === 'stopping') ticket.end()
    else ports.clock.after(pathLimits.restMs, () => giveBack(ports, ticket))
  })
}
