import type { Cancel, Clock } from '#ports/clock.ts'
import { queueLimits } from '#core/queue/limits.ts'
import { LockstepError } from '#sdk/errors.ts'
import { checkFunction, checkSignal } from '#sdk/options.ts'
import type { BackOff } from './back-off.ts'
import { queueSdkLimits as limits } from './limits.ts'
import type { Message } from './message.ts'
import { checkInteger } from './options.ts'
import type { ReceiveOptions } from './receiver.ts'

export interface WorkOptions {
  /** Handlers at a time, 1 unless given. Messages of one key are handled one after the other all the same. */
  readonly concurrency?: number | undefined
  /** For how long a message stays with this process when that says nothing more; as the queue says unless given. */
  readonly visibilityTimeoutMs?: number | undefined
  /** When a message comes again whose handler threw; as the queue retries unless given. */
  readonly backOff?: BackOff | undefined
  readonly consumerId?: string | undefined
  /** Stops the work, as `stop()` does. */
  readonly signal?: AbortSignal | undefined
  /** Told of everything that goes wrong: what a handler threw, a message whose ack was refused, a service that does not answer. */
  readonly onError?: ((error: unknown, message: Message<unknown> | null) => unknown) | undefined
}

/** What a handler is told besides the message. */
export interface HandlerContext {
  /** Aborts when the message is not this process's any more, before anybody else can have it; and when the work is to end now. */
  readonly signal: AbortSignal
}

export type Handler<T> = (message: Message<T>, context: HandlerContext) => unknown

export interface StopOptions {
  /** How long handlers that are at it may go on, in milliseconds; for ever unless given. Then their signals abort. */
  readonly timeoutMs?: number | undefined
}

export interface WorkerPorts<T> {
  readonly clock: Clock
  /** `extending` is told for how long any of the messages is to be extended, before it is. */
  readonly receive: (options: ReceiveOptions, extending: (visibilityMs: number) => void) => Promise<readonly Message<T>[]>
}

/**
 * Hands messages to a handler: several at a time, each kept for as long as the handler is at it, acked when it returns and given back when it
 * throws. It takes no more messages than it can begin with at once.
 */
export class Worker<T> implements AsyncDisposable {
  /** Resolves when it has stopped. */
  readonly done: Promise<void>
  readonly #ports: WorkerPorts<T>
  readonly #handler: Handler<T>
  readonly #options: WorkOptions
  readonly #concurrency: number
  readonly #stopping = new AbortController()
  /** Of those handlers that are not waited for any more. */
  readonly #ending = new AbortController()
  readonly #active = new Set<Message<T>>()
  #roomAgain: () => void = () => {}
  #allDone: () => void = () => {}
  #extend: { readonly at: number; readonly cancel: Cancel } | null = null

  constructor(ports: WorkerPorts<T>, handler: Handler<T>, options: WorkOptions) {
    const { concurrency = 1, visibilityTimeoutMs, signal } = options
    checkInteger('concurrency', concurrency, 1, limits.concurrencyMax)
    checkFunction('handler', handler)
    checkSignal(signal)
    if (visibilityTimeoutMs !== undefined)
      checkInteger('visibilityTimeoutMs', visibilityTimeoutMs, limits.visibilityMsMin, queueLimits.visibilityMsMax)
    this.#ports = ports
    this.#handler = handler
    this.#options = options
    this.#concurrency = concurrency
    const onAbort = (): void => void this.stop()
    signal?.addEventListener('abort', onAbort, { once: true })
    if (signal?.aborted === true) this.#stopping.abort()
    this.done = this.#work().finally(() => {
      signal?.removeEventListener('abort', onAbort)
      this.#extend?.cancel()
    })
  }

  /** Messages that are being handled. */
  get active(): number {
    return this.#active.size
  }

  /** Takes no more messages, and waits for those that are being handled; so a handler must not wait for it. */
  async stop({ timeoutMs }: StopOptions = {}): Promise<void> {
    this.#stopping.abort()
    this.#roomAgain()
    if (timeoutMs === undefined) return this.done
    const cancel = this.#ports.clock.after(timeoutMs, () => {
      this.#ending.abort(new LockstepError('closed', 'the worker has stopped, and this handler took too long'))
      this.#allDone()
    })
    await this.done
    return cancel()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #work(): Promise<void> {
    let restMs: number = limits.restMs
    while (!this.#stopping.signal.aborted) {
      if (this.#active.size >= this.#concurrency) {
        await this.#room()
        continue
      }
      try {
        for (const message of await this.#receive()) void this.#handle(message)
        restMs = limits.restMs
      } catch (error) {
        if (this.#stopping.signal.aborted) break
        void this.#report(error, null)
        if (error instanceof LockstepError && error.code === 'closed') break
        await this.#rest(restMs)
        restMs = Math.min(2 * restMs, limits.restMsMax)
      }
    }
    if (this.#active.size > 0 && !this.#ending.signal.aborted) await new Promise<void>((resolve) => (this.#allDone = resolve))
  }

  #receive(): Promise<readonly Message<T>[]> {
    const { visibilityTimeoutMs, consumerId } = this.#options
    const max = Math.min(this.#concurrency - this.#active.size, limits.receiptsMax)
    const asked = { max, waitMs: limits.waitMsMax, visibilityTimeoutMs, consumerId, signal: this.#stopping.signal }
    return this.#ports.receive(asked, (visibilityMs) => this.#extendLater(visibilityMs))
  }

  async #handle(message: Message<T>): Promise<void> {
    this.#active.add(message)
    this.#extendLater(message.visibilityTimeoutMs)
    try {
      await this.#run(message)
      if (!message.isSettled) await message.ack()
    } catch (error) {
      void this.#report(error, message)
    }
    this.#active.delete(message)
    this.#roomAgain()
    if (this.#active.size === 0) this.#allDone()
  }

  async #run(message: Message<T>): Promise<void> {
    try {
      await this.#handler(message, contextOf(message, this.#ending.signal))
    } catch (error) {
      if (!message.isSettled) {
        const { backOff } = this.#options
        // One that cannot be given back comes again when its lease is over.
        await message.nack(backOff === undefined ? {} : { backOff }).catch(() => {})
      }
      throw error
    }
  }

  /** All that are being handled are prolonged together, several times in the shortest of their leases. */
  #extendLater(visibilityMs: number): void {
    const { clock } = this.#ports
    const afterMs = visibilityMs / limits.extendsPerLease
    const at = clock.now() + afterMs
    if (this.#active.size === 0 || (this.#extend !== null && this.#extend.at <= at)) return
    this.#extend?.cancel()
    const cancel = clock.after(afterMs, () => {
      this.#extend = null
      if (this.#ending.signal.aborted) return
      for (const message of this.#active) {
        if (message.isSettled || !message.isHeld) continue
        // What becomes of it, the lease knows: its signal aborts.
        message.extend().catch(() => {})
      }
    })
    this.#extend = { at, cancel }
  }

  #room(): Promise<void> {
    return new Promise((resolve) => (this.#roomAgain = resolve))
  }

  #rest(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#ports.clock.after(ms, resolve)
      this.#roomAgain = () => {
        cancel()
        resolve()
      }
    })
  }

  /** A listener that throws must not end the work. */
  async #report(error: unknown, message: Message<T> | null): Promise<void> {
    try {
      await this.#options.onError?.(error, message)
    } catch {
      // There is nobody else to tell.
    }
  }
}

/** A signal of several is dear, and made when somebody asks for it: many handlers do not. */
function contextOf(message: Pick<Message<unknown>, 'signal'>, ending: AbortSignal): HandlerContext {
  let signal: AbortSignal | null = null
  return {
    get signal() {
      signal ??= AbortSignal.any([message.signal, ending])
      return signal
    },
  }
}
