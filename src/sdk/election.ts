import type { Prng } from '#base/prng.ts'
import type { Cancel, Clock } from '#ports/clock.ts'
import { LockstepError } from './errors.ts'
import { sdkLimits } from './limits.ts'
import type { Locking } from './locking.ts'
import { checkFunction, checkLockName, checkObject } from './options.ts'

export interface ElectionOptions {
  /**
   * Leads until it returns, which resigns. It must stop when the signal aborts: another may lead then. Send the fencing token along with
   * what is done as the leader.
   */
  readonly onLeader: (signal: AbortSignal, fencingToken: number) => void | Promise<void>
  /** Another one leads, or nobody yet. */
  readonly onFollower?: () => void
}

/** A campaign for a role, which is the name of a lock: it leads while it holds that, and campaigns again when it lost it. */
export class Election implements AsyncDisposable {
  readonly role: string
  /** Resolves when it is closed; rejects when a handler threw, which ends it. */
  readonly done: Promise<void>
  readonly #ports: { readonly clock: Clock; readonly prng: Prng }
  readonly #locking: Pick<Locking, 'withLock'>
  readonly #options: ElectionOptions
  readonly #closing = new AbortController()
  #isLeader = false
  #cancelRest: Cancel = () => {}

  constructor(
    ports: { readonly clock: Clock; readonly prng: Prng; readonly locking: Pick<Locking, 'withLock'> },
    role: string,
    options: ElectionOptions,
  ) {
    checkLockName(role)
    checkObject('options', options)
    checkFunction('onLeader', options.onLeader)
    if (options.onFollower !== undefined) checkFunction('onFollower', options.onFollower)
    this.#ports = ports
    this.#locking = ports.locking
    this.role = role
    this.#options = options
    this.done = this.#campaign()
    // Whoever wants to know waits for it; nobody has to.
    this.done.catch(() => {})
  }

  get isLeader(): boolean {
    return this.#isLeader
  }

  /** Resigns, and campaigns no more. It waits for `onLeader` to return, which therefore must not wait for it. */
  async close(): Promise<void> {
    this.#closing.abort(new LockstepError('closed', 'the campaign was ended'))
    await this.done.catch(() => {})
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #campaign(): Promise<void> {
    const { signal } = this.#closing
    while (!signal.aborted) {
      this.#options.onFollower?.()
      // What a handler throws is passed on; what the service could not do is tried again.
      let thrown: { readonly error: unknown } | null = null
      try {
        await this.#locking.withLock(this.role, { signal }, async (lock) => {
          try {
            this.#isLeader = true
            await this.#options.onLeader(AbortSignal.any([lock.signal, signal]), lock.fencingToken)
          } catch (error) {
            thrown = { error }
          } finally {
            this.#isLeader = false
          }
        })
      } catch (error) {
        if (!isPassing(error) && !signal.aborted) throw error
      }
      if (thrown !== null) throw (thrown as { readonly error: unknown }).error
      await this.#rest(signal)
    }
  }

  /** So that another one gets the chance, and a failing service some peace. */
  #rest(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve()
      const { clock, prng } = this.#ports
      const end = (): void => {
        this.#cancelRest()
        signal.removeEventListener('abort', end)
        resolve()
      }
      this.#cancelRest = clock.after(prng.between(sdkLimits.restMsMin, sdkLimits.restMsMax), end)
      signal.addEventListener('abort', end)
    })
  }
}

const isPassing = (error: unknown): boolean => error instanceof LockstepError && (error.retryable || error.code === 'session_lost')
