import { Agent, request } from 'undici'

class HttpFailure extends Error {
  readonly code: string

  constructor(code: string, cause?: unknown) {
    super(`the call ended with ${code}`, { cause })
    this.code = code
  }
}

/** Calls over HTTP to the nodes of a cluster in turn, with as many connections as there are calls under way: none waits for another. */
export class HttpCalls implements AsyncDisposable {
  readonly #urls: readonly string[]
  readonly #deadlineMs: number
  readonly #connections = new Agent({ pipelining: 1 })

  constructor(urls: readonly string[], deadlineMs: number) {
    this.#urls = urls
    this.#deadlineMs = deadlineMs
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#connections.destroy()
  }

  /** What was answered; rejects with the status of anything that is no success, with `deadline`, or with what befell the connection. */
  async call(number: number, path: string, body: object): Promise<unknown> {
    const signal = AbortSignal.timeout(this.#deadlineMs)
    try {
      const { statusCode, body: answer } = await request(`${this.#urls[number % this.#urls.length]}${path}`, {
        dispatcher: this.#connections,
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        signal,
      })
      const text = await answer.text()
      if (statusCode >= 300) throw new HttpFailure(String(statusCode))
      return JSON.parse(text)
    } catch (error) {
      if (error instanceof HttpFailure) throw error
      throw new HttpFailure(signal.aborted ? 'deadline' : codeOf(error), error)
    }
  }
}

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : String(error))
