import type { Queue } from '#index.ts'
import { until } from './until.ts'

/** Sends numbers through the library, several at a time and not far ahead of those that are handled, until it is stopped. */
export class SdkNumberSender implements AsyncDisposable {
  readonly sent = new Map<number, string>()
  readonly failures: string[] = []
  #next = 0
  #running = true
  readonly #handled: { readonly size: number }
  readonly #tasks: Promise<unknown>

  constructor(queue: Queue<number>, handled: { readonly size: number }) {
    this.#handled = handled
    this.#tasks = Promise.all(Array.from({ length: 8 }, (_, task) => this.#drive(queue, task)))
  }

  async stop(): Promise<void> {
    this.#running = false
    await this.#tasks
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #drive(queue: Queue<number>, task: number): Promise<void> {
    while (this.#running) {
      await until('the handlers keep up', () => !this.#running || this.#next < this.#handled.size + 100, 60_000)
      const number = this.#next++
      try {
        this.sent.set(number, (await queue.send(number, { key: `task-${task}` })).id)
      } catch (error) {
        this.failures.push(`${number}: ${String(error)}`)
      }
    }
  }
}
