import type { Millis } from '#base/brand.ts'
import { Deque } from '#base/deque.ts'
import type { Prng } from '#base/prng.ts'
import { decodeAnswer } from '#core/lock/command-codec.ts'
import type { LockAnswer } from '#core/lock/types.ts'
import type { ClientLink } from '#ports/client.ts'
import type { Clock } from '#ports/clock.ts'
import { Deadlines } from '#runtime/deadlines.ts'
import type { ClientMessage, KeptState, ServerMessage } from '#wire/client-message.ts'
import type { LockstepErrorCode } from './errors.ts'
import { LockstepError } from './errors.ts'
import { sdkLimits } from './limits.ts'
import { Retries } from './retries.ts'

/** What a call came to. */
export type Outcome =
  | { readonly type: 'answered'; readonly answer: LockAnswer }
  | { readonly type: 'kept'; readonly sessions: readonly KeptState[] }
  | { readonly type: 'view'; readonly view: Uint8Array }
  | { readonly type: 'failed'; readonly error: LockstepError }

export interface CallTerms {
  /** The same whenever it is sent, but for the number. */
  readonly message: (call: number) => ClientMessage
  /** For the first answer, which may be that it waits; `never` for what somebody else ends. */
  readonly deadline: Millis
  /** It keeps up or gives back what this client has: it passes what else waits here, and is asked for again until it is answered. */
  readonly keeps: boolean
  /** False for an answer that says nothing yet: the call is made again. */
  readonly accepts?: (answer: LockAnswer) => boolean
  readonly done: (outcome: Outcome) => void
}

/** A call that was not answered for good. */
export interface OpenCall extends CallTerms {
  /** Of the last time that it was sent; zero before the first. */
  number: number
  state: 'held' | 'sent' | 'queued' | 'resting'
  /** Why the last attempt failed. */
  failure: string | null
  /** An attempt may have been carried out. */
  doubtful: boolean
  refusals: number
}

export const never = Infinity as Millis

type Answer = Extract<ServerMessage, { readonly call: number }>

/**
 * The calls of one client: many at once over whatever link there is. When a link breaks, or another takes its place, every open call is made again
 * over the next one; that does no harm, for commands bear identities. So is what a node could not do at that moment.
 *
 * Each time under another number: a node may answer twice, once when it hears how a wait has ended and once when the log answers the command, and
 * what comes late says nothing about the next attempt.
 */
export class Calls {
  readonly #open = new Set<OpenCall>()
  /** Sent, and by the number under which an answer counts. */
  readonly #sent = new Map<number, OpenCall>()
  readonly #held = new Deque<OpenCall>()
  /** In front of those that are held, and beyond what may be under way. */
  readonly #urgent = new Deque<OpenCall>()
  readonly #deadlines: Deadlines<OpenCall>
  #link: ClientLink | null = null
  #next = 1
  #inFlight = 0
  readonly #retries: Retries<OpenCall>
  #closed: LockstepError | null = null

  constructor(ports: { readonly clock: Clock; readonly prng: Prng }) {
    this.#retries = new Retries(ports, (call) => {
      if (this.#open.has(call)) this.#offer(call)
    })
    this.#deadlines = new Deadlines({ clock: ports.clock, post: (task) => task() }, (call) => this.#overdue(call))
  }

  /** Null when it has failed already. */
  begin(terms: CallTerms): OpenCall | null {
    const refusal = this.#closed ?? (!terms.keeps && this.#open.size >= sdkLimits.callsMax ? tooMany() : null)
    if (refusal !== null) {
      terms.done({ type: 'failed', error: refusal })
      return null
    }
    const call: OpenCall = { ...terms, number: 0, state: 'held', failure: null, doubtful: false, refusals: 0 }
    this.#open.add(call)
    if (call.deadline < never) this.#deadlines.add(call)
    this.#offer(call)
    return call
  }

  /** Nobody cares any more what it comes to. */
  drop(call: OpenCall | null): void {
    if (call !== null) this.#take(call)
  }

  attach(link: ClientLink): void {
    this.#link = link
    this.#inFlight = 0
    this.#held.clear()
    this.#urgent.clear()
    this.#sent.clear()
    for (const call of this.#open) {
      call.doubtful ||= call.state === 'sent' || call.state === 'queued'
      if (call.state !== 'resting') this.#hold(call)
    }
    this.#pump()
  }

  detach(): void {
    this.#link = null
  }

  received(message: Answer): void {
    const call = this.#sent.get(message.call)
    if (call === undefined) return
    switch (message.type) {
      case 'answered':
      case 'settled':
        return this.#answered(call, message)
      case 'failed':
        return this.#failed(call, message)
      case 'kept':
        return this.#end(call, { type: 'kept', sessions: message.sessions })
      case 'view':
        return this.#end(call, { type: 'view', view: message.view })
    }
  }

  close(error: LockstepError): void {
    this.#closed = error
    this.#retries.close()
    this.#deadlines.drain()
    for (const call of this.#open) this.#end(call, { type: 'failed', error })
  }

  #answered(call: OpenCall, { type, answer: bytes }: Extract<Answer, { type: 'answered' | 'settled' }>): void {
    const answer = decodeAnswer(bytes)
    if (!answer.ok) {
      this.#end(call, { type: 'failed', error: new LockstepError('internal', `an answer cannot be read: ${answer.error}`) })
    } else if (type === 'answered' && answer.value.type === 'queued') {
      this.#queued(call)
    } else if (call.accepts?.(answer.value) === false) {
      call.doubtful = true
      this.#rest(call)
    } else {
      this.#end(call, { type: 'answered', answer: answer.value })
    }
  }

  #queued(call: OpenCall): void {
    this.#landed(call)
    call.state = 'queued'
    this.#deadlines.delete(call)
  }

  #failed(call: OpenCall, { code, message }: Extract<Answer, { type: 'failed' }>): void {
    call.failure = code
    call.doubtful ||= code === 'unknown'
    if (!passing.has(code) || !this.#rest(call, code)) {
      this.#end(call, { type: 'failed', error: new LockstepError(code as LockstepErrorCode, message) })
    }
  }

  #overdue(call: OpenCall): void {
    const reached = this.#link === null ? 'no node can be reached' : (call.failure ?? 'nothing was answered')
    const error = new LockstepError('timeout', `no answer in time: ${reached}`, { details: { last: reached } })
    this.#end(call, { type: 'failed', error })
  }

  #end(call: OpenCall, outcome: Outcome): void {
    if (outcome.type !== 'failed') this.#retries.done()
    if (this.#take(call)) call.done(outcome)
  }

  #take(call: OpenCall): boolean {
    if (!this.#open.delete(call)) return false
    this.#sent.delete(call.number)
    this.#landed(call)
    this.#deadlines.delete(call)
    return true
  }

  /** Room for another one, which leaves now if it can. */
  #landed(call: OpenCall): void {
    if (call.state !== 'sent') return
    call.state = 'held'
    this.#inFlight--
    this.#pump()
  }

  #offer(call: OpenCall): void {
    this.#hold(call)
    this.#pump()
  }

  #hold(call: OpenCall): void {
    call.state = 'held'
    if (this.#link === null) return
    if (call.keeps) this.#urgent.push(call)
    else this.#held.push(call)
  }

  #pump(): void {
    for (;;) {
      if (this.#link === null) return
      const call = this.#urgent.shift() ?? (this.#inFlight < sdkLimits.inFlightMax ? this.#held.shift() : undefined)
      if (call === undefined) return
      if (call.state !== 'held' || !this.#open.has(call)) continue
      call.state = 'sent'
      call.number = this.#next++
      this.#sent.set(call.number, call)
      this.#inFlight++
      this.#link.send(call.message(call.number))
    }
  }

  /** False when it is not made again. */
  #rest(call: OpenCall, code: string | null = null): boolean {
    if (!this.#retries.rest(call, code)) return false
    this.#landed(call)
    this.#sent.delete(call.number)
    call.state = 'resting'
    return true
  }
}

const tooMany = (): LockstepError => new LockstepError('overloaded', `${sdkLimits.callsMax} calls are open already`)

/** What another attempt may overcome. */
const passing: ReadonlySet<string> = new Set(['no_leader', 'unavailable', 'overloaded', 'rate_limited', 'stopping', 'unknown', 'disk_full'])
