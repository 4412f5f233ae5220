import { HttpPool } from '#bench/kit/http-pool.ts'

class Refused extends Error {
  readonly code: string

  constructor(status: number, answer: string) {
    super(`${status}: ${answer}`)
    this.code = String(status)
  }
}

/** Calls over HTTP to the nodes of a cluster in turn. */
export class HttpCalls implements Disposable {
  readonly #nodes: readonly HttpPool[]

  constructor(urls: readonly string[], deadlineMs: number) {
    this.#nodes = urls.map((url) => new HttpPool(new URL(url).host, deadlineMs))
  }

  [Symbol.dispose](): void {
    for (const node of this.#nodes) node[Symbol.dispose]()
  }

  /** What was answered; rejects with the status of anything that is no success, and otherwise as the pool does. */
  async call(number: number, path: string, body: object): Promise<unknown> {
    const { status, text } = await (this.#nodes[number % this.#nodes.length] as HttpPool).ask('POST', path, JSON.stringify(body))
    if (status >= 300) throw new Refused(status, text)
    return JSON.parse(text)
  }
}
