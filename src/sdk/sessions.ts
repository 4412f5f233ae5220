import { millis } from '#base/brand.ts'
import type { Millis } from '#base/brand.ts'
import { encodeCommand } from '#core/lock/command-codec.ts'
import type { LockAnswer, LockCommand } from '#core/lock/types.ts'
import { clientId, sessionId } from '#core/lock/types.ts'
import type { Cancel } from '#ports/clock.ts'
import { clientLimits } from '#wire/client-limits.ts'
import type { KeptState } from '#wire/client-message.ts'
import type { Calls, OpenCall, Outcome } from './calls.ts'
import { errorOfAnswer, LockstepError } from './errors.ts'
import { Hold } from './hold.ts'
import { sdkLimits } from './limits.ts'
import type { SdkPorts } from './ports.ts'
import { Session } from './session.ts'

export interface SessionsPorts extends Pick<SdkPorts, 'clock' | 'leaseClock' | 'entropy'> {
  readonly calls: Calls
  /** The node that was asked to keep sessions alive knows no answer, or gives none. */
  readonly unanswered: () => void
}

/**
 * The sessions of this client: they are opened, kept alive with one message for all, found lost, and closed. A session's first commands are sent
 * right behind the one that opens it.
 */
export class Sessions {
  readonly #ports: SessionsPorts
  readonly #ttlMs: number
  /** What the names of owners begin with. */
  readonly #client: string
  readonly #sessions = new Map<string, Session>()
  #count = 0
  /** Keep-alives one after the other that its node knew no answer to. */
  #doubts = 0
  #cancelKeepAlive: Cancel = () => {}
  /** When the end of the first lease is looked for. */
  #look: { readonly at: Millis; readonly cancel: Cancel } | null = null

  constructor(ports: SessionsPorts, options: { readonly ttlMs: number; readonly client: string }) {
    this.#ports = ports
    this.#ttlMs = options.ttlMs
    this.#client = options.client
  }

  /** Each under a client of its own: the service takes a client for one thread of control. */
  open(): Session {
    const { clock, leaseClock, entropy, calls } = this.#ports
    const id = sessionId(entropy.hex(16))
    const session = new Session(id, clientId(`${this.#client}/${++this.#count}`), { ttlMs: this.#ttlMs, clock: leaseClock })
    const command = encodeCommand({ type: 'open-session', session: id, client: session.client, ttlMs: this.#ttlMs, lockDelayMs: 0 })
    const done = (outcome: Outcome): void => this.#opened(session, outcome)
    // What was never opened is told to have been late, with the reason, rather than to have expired.
    const deadline = millis(clock.now() + (session.trustedUntil - leaseClock.now()) - sdkLimits.leaseMarginMs)
    const call = calls.begin({ message: (number) => ({ type: 'command', call: number, command }), deadline, keeps: false, done })
    session.add(new Opening(calls, call))
    if (this.#sessions.size === 0) this.#keepAliveIn(this.#everyMs)
    this.#sessions.set(id, session)
    this.#lookAt(session.trustedUntil)
    return session
  }

  /** What it holds is released, and what it waits for is given up. */
  close(session: Session, done: () => void = () => {}): void {
    const { clock, calls } = this.#ports
    this.#sessions.delete(session.id)
    if (session.error !== null) return done()
    session.end(new LockstepError('closed', 'its owner was closed'))
    const command: LockCommand = { type: 'close-session', session: session.id }
    const encoded = encodeCommand(command)
    const deadline = millis(clock.now() + sdkLimits.timeoutMs)
    calls.begin({ message: (call) => ({ type: 'command', call, command: encoded }), deadline, keeps: true, done: () => done() })
  }

  /** There is a connection again, and nobody knows for how long there was none. */
  linked(): void {
    if (this.#sessions.size > 0) this.#keepAlive()
  }

  /** The service says that it has ended. */
  ended(id: string): void {
    const session = this.#sessions.get(id)
    if (session !== undefined) this.#lost(session)
  }

  forced(id: string, resource: string, token: number): void {
    for (const dependent of this.#sessions.get(id)?.dependents() ?? []) {
      if (dependent instanceof Hold && dependent.name === resource && dependent.token === token) dependent.forced()
    }
  }

  all(): readonly Session[] {
    return [...this.#sessions.values()]
  }

  stop(): void {
    this.#cancelKeepAlive()
    this.#look?.cancel()
    this.#look = null
  }

  get #everyMs(): number {
    return this.#ttlMs / sdkLimits.keepAlivesPerTtl
  }

  #opened(session: Session, outcome: Outcome): void {
    if (outcome.type === 'failed') session.end(outcome.error)
    else if (outcome.type === 'answered') this.#answered(session, outcome.answer)
    if (session.error !== null) this.#sessions.delete(session.id)
  }

  #answered(session: Session, answer: LockAnswer): void {
    if (answer.type === 'session') session.opened(answer.ttlMs)
    else session.end(errorOfAnswer(answer, []))
  }

  #lost(session: Session): void {
    this.#sessions.delete(session.id)
    session.end(new LockstepError('session_lost', 'the session has ended at the service: whatever was held is lost'))
  }

  #keepAlive(): void {
    const { calls, clock, leaseClock, unanswered } = this.#ports
    this.#expire()
    const open = this.all().filter((session) => session.isOpen)
    const sentAt = leaseClock.now()
    const deadline = millis(clock.now() + this.#everyMs)
    for (let from = 0; from < open.length; from += clientLimits.keepAliveSessionsMax) {
      const part = open.slice(from, from + clientLimits.keepAliveSessionsMax)
      const ids = part.map(({ id }) => id)
      const cancel = clock.after(Math.min(sdkLimits.patienceMs, this.#everyMs / 2), unanswered)
      const done = (outcome: Outcome): void => {
        cancel()
        this.#kept(part, outcome, sentAt)
      }
      calls.begin({ message: (call) => ({ type: 'keep-alive', call, sessions: ids }), deadline, keeps: true, done })
    }
    if (this.#sessions.size > 0) this.#keepAliveIn(this.#everyMs)
  }

  /** What was not answered is asked for again, sooner. */
  #kept(sessions: readonly Session[], outcome: Outcome, sentAt: Millis): void {
    const states: readonly KeptState[] = outcome.type === 'kept' ? outcome.sessions : []
    for (const [place, session] of sessions.entries()) {
      const state = states[place]
      if (state === 'lost') this.#lost(session)
      else if (state === 'kept' || state === 'wounded') session.renewedFrom(sentAt)
      if (state === 'wounded') wound(session)
    }
    const isDoubtful = outcome.type !== 'failed' && states.includes('unknown')
    this.#doubts = isDoubtful ? this.#doubts + 1 : 0
    // A node may hear nobody and not know; one that does not know once may be in an election.
    if (this.#doubts >= sdkLimits.doubtsMax) {
      this.#doubts = 0
      this.#ports.unanswered()
    }
    if (isDoubtful && this.#sessions.size > 0) this.#keepAliveIn(this.#everyMs / sdkLimits.keepAlivesPerTtl)
  }

  #keepAliveIn(delayMs: number): void {
    this.#cancelKeepAlive()
    this.#cancelKeepAlive = this.#ports.clock.after(delayMs, () => this.#keepAlive())
  }

  #lookAt(at: Millis): void {
    if (this.#look !== null && this.#look.at <= at) return
    this.#look?.cancel()
    const { clock, leaseClock } = this.#ports
    const cancel = clock.after(Math.max(0, at - leaseClock.now()), () => {
      this.#look = null
      this.#expire()
      const next = Math.min(...this.all().map(({ trustedUntil }) => trustedUntil))
      if (next < Infinity) this.#lookAt(millis(next))
    })
    this.#look = { at, cancel }
  }

  /** Who asks a session for its error makes it look at the clock. */
  #expire(): void {
    for (const session of this.all()) if (session.error !== null) this.#sessions.delete(session.id)
  }
}

/** The call that opens a session need not be made again when that is over. */
class Opening {
  readonly #calls: Calls
  readonly #call: OpenCall | null

  constructor(calls: Calls, call: OpenCall | null) {
    this.#calls = calls
    this.#call = call
  }

  over(): void {
    this.#calls.drop(this.#call)
  }
}

function wound(session: Session): void {
  for (const dependent of session.dependents()) if (dependent instanceof Hold) dependent.wounded()
}
