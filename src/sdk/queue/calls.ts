import { millis } from '#base/brand.ts'
import type { Millis } from '#base/brand.ts'
import type { Prng } from '#base/prng.ts'
import type { Clock } from '#ports/clock.ts'
import { Deadlines } from '#runtime/deadlines.ts'
import type { LockstepErrorCode } from '#sdk/errors.ts'
import { LockstepError } from '#sdk/errors.ts'
import { Retries } from '#sdk/retries.ts'
import type { QueueClientMessage, QueueServerMessage } from '#wire/queue-client-message.ts'
import { queueSdkLimits as limits } from './limits.ts'
import type { QueueLine } from './links.ts'

type Told = Extract<QueueServerMessage, { readonly call: number }>
export type Answer = Exclude<Told, { readonly type: 'failed' }>

/** `doubtful`: an earlier attempt, or the only one, may have been carried out and nobody said so. */
export type Outcome =
  | { readonly type: 'answered'; readonly answer: Answer; readonly doubtful: boolean }
  | { readonly type: 'failed'; readonly error: LockstepError; readonly doubtful: boolean }

export interface CallTerms {
  /**
   * Made anew whenever it is sent. `doubtful`: an earlier attempt may have been carried out, so what it asks for must stay the same. Null: there is
   * nothing to ask for any more, and the call fails as `aborted`.
   */
  readonly message: (call: number, doubtful: boolean) => QueueClientMessage | null
  /** Whose leader it had best be sent to; null for none. */
  readonly slot: number | null
  readonly deadline: Millis
  /** Whether it may be carried out twice. One that may not ends as `unknown` instead of being made again. */
  readonly repeatable: boolean
  /** It keeps up or gives back what this client has, so it is asked for again until it is answered. */
  readonly keeps: boolean
  readonly done: (outcome: Outcome) => void
}

export interface OpenCall extends CallTerms {
  readonly id: number
  /** Over which it was sent; null while it waits here. */
  line: QueueLine | null
  doubtful: boolean
  failure: string | null
  refusals: number
}

interface CallsPorts {
  readonly clock: Clock
  readonly prng: Prng
  readonly lineFor: (slot: number | null) => QueueLine | null
  /** A call over it was not answered in time. */
  readonly unanswered: (line: QueueLine) => void
  /** An answer that nobody waits for any more. */
  readonly stray: (answer: Answer) => void
}

/**
 * The calls of one client, many at once, each over the best line there is. When its line breaks, a call is made again over another; so is what a
 * node could not do at that moment, and what it left unanswered after another one began to lead: it may hear nobody, and not know. Every call
 * ends by its deadline.
 */
export class QueueCalls {
  readonly #ports: CallsPorts
  readonly #open = new Map<number, OpenCall>()
  readonly #deadlines: Deadlines<OpenCall>
  #next = 1
  readonly #retries: Retries<OpenCall>
  readonly #resting = new Set<OpenCall>()
  /** Slots whose leader has changed, and when what the former one has not answered goes to the next. */
  readonly #moved: Deadlines<{ readonly slot: number; readonly deadline: Millis }>
  #closed: LockstepError | null = null

  constructor(ports: CallsPorts) {
    this.#ports = ports
    this.#retries = new Retries(ports, (call) => {
      this.#resting.delete(call)
      if (this.#open.has(call.id)) this.#offer(call)
    })
    const timing = { clock: ports.clock, post: (task: () => void): void => task() }
    this.#deadlines = new Deadlines(timing, (call) => this.#overdue(call))
    this.#moved = new Deadlines(timing, ({ slot }) => this.#turnOver(slot))
  }

  /** Null when it has failed already. */
  begin(terms: CallTerms): OpenCall | null {
    const refusal = this.#closed ?? (this.#open.size >= limits.callsMax ? tooMany() : null)
    if (refusal !== null) {
      terms.done({ type: 'failed', error: refusal, doubtful: false })
      return null
    }
    const call: OpenCall = { ...terms, id: this.#next++, line: null, doubtful: false, failure: null, refusals: 0 }
    this.#open.set(call.id, call)
    this.#deadlines.add(call)
    this.#offer(call)
    return call
  }

  /** Ends the wait of a consume, whether or not a node can be told: what is delivered to it all the same is a stray. */
  leave(call: OpenCall): void {
    if (!this.#open.has(call.id)) return
    call.line?.link.send({ type: 'leave', call: call.id })
    this.#end(call, { type: 'delivered', call: call.id, paused: false, messages: [] })
  }

  lineUp(): void {
    for (const call of this.#open.values()) if (call.line === null && !this.#resting.has(call)) this.#offer(call)
  }

  lineDown(line: QueueLine): void {
    const lost = [...this.#open.values()].filter((call) => call.line === line)
    for (const call of lost) {
      call.line = null
      call.doubtful = true
      call.failure = 'the connection broke'
    }
    for (const call of lost) {
      if (call.repeatable) this.#offer(call)
      else this.#fail(call, unknown(call))
    }
  }

  /** Another node leads the slot. */
  moved(slot: number): void {
    // A line to it is made if there is none.
    this.#ports.lineFor(slot)
    this.#moved.add({ slot, deadline: millis(this.#ports.clock.now() + limits.patienceMs) })
  }

  received(line: QueueLine, message: QueueServerMessage): void {
    if (!('call' in message)) return
    const call = this.#open.get(message.call)
    if (call === undefined || call.line !== line) {
      if (message.type !== 'failed') this.#ports.stray(message)
    } else if (message.type === 'failed') {
      this.#failed(call, message)
    } else {
      this.#end(call, message)
    }
  }

  close(error: LockstepError): void {
    this.#closed = error
    this.#retries.close()
    this.#resting.clear()
    this.#moved.drain()
    this.#deadlines.drain()
    for (const call of this.#open.values()) {
      call.doubtful ||= call.line !== null
      this.#fail(call, error)
    }
  }

  #failed(call: OpenCall, { code, message }: Extract<Told, { type: 'failed' }>): void {
    call.line = null
    call.failure = code
    call.doubtful ||= code === 'unknown'
    if (!passing.has(code)) this.#fail(call, new LockstepError(code as LockstepErrorCode, message))
    else if (call.doubtful && !call.repeatable) this.#fail(call, unknown(call))
    else if (this.#retries.rest(call, code)) this.#resting.add(call)
    else this.#fail(call, new LockstepError(code as LockstepErrorCode, message))
  }

  /** As when their lines broke; nobody has to wait any more for what waits there. */
  #turnOver(slot: number): void {
    const next = this.#ports.lineFor(slot)
    const left = [...this.#open.values()].filter(
      (call) => call.slot === slot && call.line !== null && call.line !== next && call.repeatable,
    )
    for (const call of left) {
      call.line?.link.send({ type: 'leave', call: call.id })
      call.line = null
      call.doubtful = true
      call.failure = 'its leader has changed'
    }
    for (const call of left) this.#offer(call)
  }

  #overdue(call: OpenCall): void {
    if (call.line !== null) this.#ports.unanswered(call.line)
    call.doubtful ||= call.line !== null
    if (call.doubtful && !call.repeatable) return this.#fail(call, unknown(call))
    const last = call.failure ?? (call.line === null ? 'no node can be reached' : 'nothing was answered')
    this.#fail(call, new LockstepError('timeout', `no answer in time: ${last}`, { details: { last } }))
  }

  #offer(call: OpenCall): void {
    const line = this.#ports.lineFor(call.slot)
    if (line === null) return
    const message = call.message(call.id, call.doubtful)
    if (message === null) return this.#fail(call, new LockstepError('aborted', 'nobody waits for it any more'))
    call.line = line
    line.link.send(message)
  }

  #end(call: OpenCall, answer: Answer): void {
    const { doubtful } = call
    this.#retries.done()
    if (this.#take(call)) call.done({ type: 'answered', answer, doubtful })
  }

  #fail(call: OpenCall, error: LockstepError): void {
    const { doubtful } = call
    if (this.#take(call)) call.done({ type: 'failed', error, doubtful })
  }

  #take(call: OpenCall): boolean {
    this.#deadlines.delete(call)
    return this.#open.delete(call.id)
  }
}

const tooMany = (): LockstepError => new LockstepError('overloaded', `${limits.callsMax} calls are open already`)

const unknown = ({ failure }: OpenCall): LockstepError =>
  new LockstepError('unknown', `it may have been carried out or not: ${failure ?? 'nothing was answered'}`, { retryable: false })

/** What another attempt may overcome. */
const passing: ReadonlySet<string> = new Set([
  'no_leader',
  'unavailable',
  'overloaded',
  'rate_limited',
  'stopping',
  'unknown',
  'disk_full',
  'queue_deleting',
  'too_many_producers',
])
