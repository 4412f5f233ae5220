import { setTimeout as sleep } from 'node:timers/promises'
import { HttpConnection, NoAnswer } from './http-connection.ts'
import type { HttpAnswer } from './http-connection.ts'

/** Of a node that is busy, before it is asked again. */
const restMs = 100
/** Shorter than the nodes keep a connection that nothing is asked on: none is used as it is being closed. */
const idleMsMax = 30_000
const deadlineMsDefault = 60_000

interface Idle {
  readonly connection: HttpConnection
  readonly since: number
}

/** Connections to one node that are kept: every call that is under way has one, and none waits for another. */
export class HttpPool implements Disposable {
  readonly #address: string
  readonly #deadlineMs: number
  readonly #all = new Set<HttpConnection>()
  readonly #idle: Idle[] = []
  #isDisposed = false

  constructor(address: string, deadlineMs = deadlineMsDefault) {
    this.#address = address
    this.#deadlineMs = deadlineMs
  }

  /** Rejects when there is no answer in time, with the `code` `deadline`, and with what befell the connection. */
  async ask(method: string, path: string, body: string): Promise<HttpAnswer> {
    const connection = this.#take()
    const deadline = setTimeout(
      () => connection.close(new NoAnswer('deadline', `no answer within ${this.#deadlineMs} ms`)),
      this.#deadlineMs,
    )
    try {
      const answer = await connection.ask(method, path, body)
      this.#idle.push({ connection, since: performance.now() })
      return answer
    } catch (error) {
      this.#drop(connection)
      throw error
    } finally {
      clearTimeout(deadline)
    }
  }

  /**
   * What a busy node refuses is asked again, and takes that much longer; after a deadline's time it is refused. What is `repeatable` is asked again, too, when nobody
   * knows what came of it.
   */
  async askUntilTaken(method: string, path: string, body: string, repeatable = false): Promise<HttpAnswer> {
    const startedAt = performance.now()
    for (;;) {
      const answer = await this.ask(method, path, body)
      const isTooBusy = answer.status === 503 || answer.status === 429
      const isFinal = !isTooBusy && !(answer.status === 504 && repeatable)
      if (isFinal || performance.now() - startedAt >= this.#deadlineMs) return answer
      await sleep(restMs)
    }
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true
    for (const connection of this.#all) this.#drop(connection)
  }

  #take(): HttpConnection {
    if (this.#isDisposed) throw new Error(`the connections to ${this.#address} were closed`)
    for (let last = this.#idle.pop(); last !== undefined; last = this.#idle.pop()) {
      if (last.connection.isOpen && performance.now() - last.since < idleMsMax) return last.connection
      this.#drop(last.connection)
    }
    const connection = new HttpConnection(this.#address)
    this.#all.add(connection)
    return connection
  }

  #drop(connection: HttpConnection): void {
    connection.close()
    this.#all.delete(connection)
  }
}
