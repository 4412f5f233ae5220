import type { Grant, LockMode, ResourceName } from '#core/lock/types.ts'
import { LockstepError } from './errors.ts'
import type { Dependent, Session } from './session.ts'

/**
 * Why a lock is held no more, though it was not released:
 * - `expired`: the lease could not be renewed in time;
 * - `session-lost`: the service has ended the session;
 * - `forced`: an operator has taken it away, or somebody has released it by the name of its client;
 * - `closed`: the client, or the owner, was closed.
 */
export type LossReason = 'expired' | 'session-lost' | 'forced' | 'closed'

/** One lock as the service holds it for an owner, however many times the owner has taken it (decision L2). */
export class Hold implements Dependent {
  readonly session: Session
  readonly name: ResourceName
  /** Handles that were not released, and requests for more. */
  count = 0
  #mode: LockMode
  #token: number
  #controller: AbortController | null = null
  #error: LockstepError | null = null
  /** It is lost, or ought to be given up. */
  #warning: LockstepError | null = null
  #isOver = false

  constructor(session: Session, { resource, mode, token }: Grant) {
    this.session = session
    this.name = resource
    this.#mode = mode
    this.#token = token
    session.add(this)
  }

  get mode(): LockMode {
    return this.#mode
  }
  get token(): number {
    return this.#token
  }
  /** Looks at the clock: a process that was paused finds out here, before any timer fires. */
  get isHeld(): boolean {
    return !this.#isOver && this.session.error === null
  }
  /** Whether it was given back. */
  get isReleased(): boolean {
    return this.#isOver && this.#error === null
  }
  get lost(): LossReason | null {
    return this.isHeld || this.#error === null ? null : reasonOf(this.#error)
  }
  get error(): LockstepError | null {
    return this.#error
  }

  /** Made when somebody asks for it: most locks are released before anybody does. */
  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController()
      const isLost = !this.isHeld && this.#error !== null
      if (isLost || this.#warning !== null) this.#controller.abort(this.#error ?? this.#warning)
    }
    return this.#controller.signal
  }

  changed(grant: Pick<Grant, 'mode' | 'token'>): void {
    this.#mode = grant.mode
    this.#token = grant.token
  }

  over(error: LockstepError): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#error = error
    this.session.remove(this)
    this.#controller?.abort(error)
  }

  forced(): void {
    this.over(
      new LockstepError('forced', `${JSON.stringify(this.name)} was taken away: by an operator, or by a release that names its client`),
    )
  }

  /** Decision L5: it is still held, and the signal asks to give it up. */
  wounded(): void {
    this.#warning ??= new LockstepError(
      'wounded',
      `${JSON.stringify(this.name)} ought to be given up: an older client waits for a lock of this one; release all, then begin again`,
    )
    this.#controller?.abort(this.#warning)
  }

  released(): void {
    this.#isOver = true
    this.session.remove(this)
  }
}

function reasonOf({ code }: LockstepError): LossReason {
  switch (code) {
    case 'lease_expired':
      return 'expired'
    case 'forced':
      return 'forced'
    case 'closed':
      return 'closed'
    default:
      return 'session-lost'
  }
}
