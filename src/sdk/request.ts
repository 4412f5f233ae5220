import { millis } from '#base/brand.ts'
import type { Millis } from '#base/brand.ts'
import { encodeCommand } from '#core/lock/command-codec.ts'
import type { Granted, Item, LockAnswer, LockCommand } from '#core/lock/types.ts'
import type { Clock } from '#ports/clock.ts'
import type { Deadlines } from '#runtime/deadlines.ts'
import type { Calls, OpenCall, Outcome } from './calls.ts'
import { never } from './calls.ts'
import { abortedBy, errorOfAnswer, LockstepError } from './errors.ts'
import { sdkLimits } from './limits.ts'
import type { Dependent, Session, Ticket } from './session.ts'

export interface RequestPorts {
  readonly calls: Calls
  readonly clock: Clock
  /** Waits whose time is over. */
  readonly waits: Deadlines<LockRequest>
}

export interface RequestTerms {
  readonly session: Session
  readonly items: readonly Item[]
  /** 0: now or never; null: for as long as the session is trusted. */
  readonly waitMs: number | null
  readonly lockDelayMs: number
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
  /** A grant that comes too late would end with the shared lock that was there before, so it is kept. */
  readonly isUpgrade: boolean
}

export interface RequestEvents {
  /** Once. */
  told(granted: Granted | LockstepError): void
  /** Nothing of it is under way any more; with what it was granted after it was told otherwise. Once, after `told`. */
  over(late: Granted | null): void
}

/**
 * One request for locks, until it is known what became of it.
 *
 * Its end is decided in the log (decision L3). A call that is aborted, or out of time, tells its caller at once, and then asks the log to take back
 * whatever came of it; until that is answered, the name is not asked for again by the same owner, for the two could be mistaken for each other.
 */
export class LockRequest implements Dependent {
  /** When the wait is over, for this client. */
  readonly deadline: Millis
  readonly #ports: RequestPorts
  readonly #terms: RequestTerms
  readonly #events: RequestEvents
  readonly #ticket: Ticket
  readonly #answerBy: Millis
  readonly #onAbort = (): void => this.#aborted()
  #call: OpenCall | null = null
  /** Sent last before it was known that the session is open. */
  #isEarly = false
  #stage: 'asking' | 'cancelling' | 'over' = 'asking'
  #told = false

  constructor(ports: RequestPorts, terms: RequestTerms, events: RequestEvents) {
    this.#ports = ports
    this.#terms = terms
    this.#events = events
    this.#ticket = terms.session.begin()
    const { waitMs, timeoutMs } = terms
    const now = ports.clock.now()
    this.#answerBy = millis(now + timeoutMs + (waitMs ?? 0))
    const graceMs = waitMs !== null && waitMs <= sdkLimits.commandWaitMsMax ? graceOf(timeoutMs) : 0
    this.deadline = waitMs === null || waitMs === 0 ? never : millis(now + waitMs + graceMs)
  }

  start(): void {
    const { session, items, waitMs, lockDelayMs, signal } = this.#terms
    const { identity } = this.#ticket
    if (signal?.aborted === true) {
      this.#tell(abortedBy(signal))
      this.#finish(null)
      return
    }
    session.add(this)
    signal?.addEventListener('abort', this.#onAbort)
    if (this.deadline < never) this.#ports.waits.add(this)
    const limited = waitMs !== null && waitMs > sdkLimits.commandWaitMsMax ? null : waitMs
    const command: LockCommand = { type: 'acquire', identity, owner: session.owner, items, ttlMs: 0, lockDelayMs, waitMs: limited }
    this.#send(command, this.#answerBy, (outcome) => this.#answered(outcome))
  }

  /** The time to wait is over: did the lock come first? */
  overdue(): void {
    if (this.#stage === 'asking') this.#cancel('keep')
  }

  over(error: LockstepError): void {
    this.#tell(error)
    this.#finish(null)
  }

  #answered(outcome: Outcome): void {
    if (outcome.type === 'failed') {
      this.#tell(outcome.error)
      if (outcome.error.code === 'timeout') this.#takeBack()
      else this.#finish(null)
    } else if (outcome.type === 'answered') {
      this.#decided(outcome.answer)
    }
  }

  #aborted(): void {
    const { signal } = this.#terms
    if (this.#stage === 'over' || this.#told || signal === undefined) return
    this.#tell(abortedBy(signal))
    if (this.#stage === 'asking') this.#takeBack()
  }

  #takeBack(): void {
    this.#cancel(this.#terms.isUpgrade ? 'keep' : 'release')
  }

  #cancel(ifGranted: 'keep' | 'release'): void {
    this.#stage = 'cancelling'
    this.#ports.calls.drop(this.#call)
    const command: LockCommand = { type: 'cancel', attempt: this.#ticket.attempt, ifGranted }
    this.#send(command, this.#told ? never : this.#answerBy, (outcome) => this.#cancelled(outcome))
  }

  #cancelled(outcome: Outcome): void {
    if (outcome.type === 'answered') {
      this.#decided(outcome.answer)
    } else if (outcome.type === 'failed') {
      this.#tell(outcome.error)
      if (outcome.error.code === 'timeout') this.#takeBack()
      else this.#finish(null)
    }
  }

  #decided(answer: LockAnswer): void {
    const { session, items } = this.#terms
    if (answer.type === 'refused' && answer.code === 'session_lost') {
      // Ends this request too.
      session.end(new LockstepError('session_lost', 'the session has ended at the service: whatever was held is lost'))
      return
    }
    const names = items.map(({ resource }) => resource)
    const late = answer.type === 'granted' && this.#told ? answer : null
    if (answer.type === 'granted') this.#tell(answer)
    else this.#tell(errorOfAnswer(answer.type === 'cancelled' ? timedOut : answer, names))
    this.#finish(late)
  }

  #send(command: LockCommand, deadline: Millis, done: (outcome: Outcome) => void): void {
    const encoded = encodeCommand(command)
    this.#call = this.#ports.calls.begin({
      message: (call) => {
        this.#isEarly = this.#terms.session.isOpening
        return { type: 'command', call, command: encoded }
      },
      deadline,
      keeps: command.type !== 'acquire',
      accepts: (answer) => this.#accepts(answer),
      done,
    })
  }

  /**
   * Not known yet: the request has overtaken the one that opens its session, which may be open by the time that this is heard; or a replica
   * that lagged behind took the request for one that had ended.
   */
  #accepts(answer: LockAnswer): boolean {
    if (answer.type === 'refused' && answer.code === 'session_lost') return !this.#isEarly
    return answer.type !== 'cancelled' || this.#stage === 'cancelling'
  }

  #tell(granted: Granted | LockstepError): void {
    if (this.#told) return
    this.#told = true
    this.#terms.signal?.removeEventListener('abort', this.#onAbort)
    this.#events.told(granted)
  }

  #finish(late: Granted | null): void {
    if (this.#stage === 'over') return
    this.#stage = 'over'
    this.#ports.calls.drop(this.#call)
    this.#ports.waits.delete(this)
    this.#terms.session.remove(this)
    this.#terms.session.confirm(this.#ticket)
    this.#events.over(late)
  }
}

const graceOf = (timeoutMs: number): number => Math.min(sdkLimits.waitGraceMs, timeoutMs * sdkLimits.waitGraceShare)

/** Who held it is not known here. */
const timedOut: LockAnswer = { type: 'timed-out', holders: [], retryAfterMs: null }
