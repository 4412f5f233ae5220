import { present } from '#base/assert.ts'
import { LockstepError } from '#sdk/errors.ts'
import type { Message } from '#sdk/queue/message.ts'
import type { QueueClient } from '#sdk/queue/queue-client.ts'
import type { Worker } from '#sdk/queue/worker.ts'
import { Failed, Handling } from './handling.ts'
import type { QueueProgram } from './queue-program.ts'
import { survive } from './refusals.ts'

/** A worker of a program for a while: its handlers, and what it says of what they came to. */
export class Work {
  readonly #program: QueueProgram
  readonly #startedAt: number
  readonly #handled = new Map<Message<unknown>, Handling>()
  /** Their handlers have returned, so the worker acks them. */
  readonly #returned = new Set<Message<unknown>>()
  readonly #worker: Worker<unknown>

  constructor(program: QueueProgram, sync: QueueClient, { queue, concurrency }: { readonly queue: string; readonly concurrency: number }) {
    const { ports, prng, leaseMs } = program
    this.#program = program
    this.#startedAt = ports.world.scheduler.now
    ports.did('library-work')
    const backOff = prng.chance(0.5) ? { backOff: { delayMs: 100, maxMs: 1_000 } } : {}
    const onError = (error: unknown, message: Message<unknown> | null): void => {
      try {
        this.#wentWrong(error, message)
      } catch (violation) {
        ports.failed(violation)
      }
    }
    this.#worker = sync
      .queue<unknown>(queue)
      .work((message, { signal }) => this.#handle(message, signal), { concurrency, visibilityTimeoutMs: leaseMs, onError, ...backOff })
    this.#worker.done.then(() => this.#ended()).catch((error: unknown) => ports.failed(error))
  }

  /** Until its handlers are done, or for a moment. */
  async stop(): Promise<void> {
    const { ports, prng } = this.#program
    const timeoutMs = prng.chance(0.5) ? prng.between(1, 3_000) : undefined
    ports.did(timeoutMs === undefined ? 'library-stop' : 'library-stop-in-time')
    if (timeoutMs === undefined) await this.#worker.stop()
    else await this.#program.bounded('stop', timeoutMs, this.#worker.stop({ timeoutMs }))
  }

  async #handle(message: Message<unknown>, signal: AbortSignal): Promise<void> {
    const { ports, prng, leaseMs } = this.#program
    const handling = new Handling(this.#program, message, this.#startedAt)
    this.#handled.set(message, handling)
    try {
      // Some take longer than a lease lasts by itself.
      const isLong = prng.chance(0.05)
      const ms = isLong ? leaseMs * (1 + prng.float()) : -Math.log(1 - prng.float()) * ports.options.consumeThinkMs
      await this.#program.sleepUnder(signal, ms)
      if (isLong && message.isHeld) ports.did('library-kept-beyond-a-lease')
      if (!message.isHeld) ports.did('library-lost')
      if (prng.chance(ports.options.failShare)) throw new Failed()
      if (prng.chance(0.1)) return await (prng.chance(0.5) ? handling.ack() : handling.giveBack())
      this.#returned.add(message)
    } finally {
      handling.loosen()
    }
    return undefined
  }

  /** Where it is a handling that is refused, nobody knows any more what was said of it: what has returned is acked, and nothing else. */
  #wentWrong(error: unknown, message: Message<unknown> | null): void {
    if (error instanceof Failed) return this.#program.ports.did('library-handler-throws')
    if (!(error instanceof LockstepError)) throw error
    if (message === null || !this.#returned.delete(message)) return survive(this.#program, error)
    return present(this.#handled.get(message), 'every message is handled').refused('ack', error)
  }

  #ended(): void {
    // Those that are at it longer than was waited for are not known to be acked.
    if (this.#worker.active > 0) return
    for (const message of this.#returned) present(this.#handled.get(message), 'every message is handled').acked()
  }
}
