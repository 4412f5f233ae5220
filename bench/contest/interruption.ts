/** Ctrl-C and SIGTERM while servers are up: what is awaited fails, so that whoever awaits can take them down. */
export class Interruption {
  readonly #controller = new AbortController()
  readonly #happened: Promise<never>

  constructor() {
    const { signal } = this.#controller
    for (const name of ['SIGINT', 'SIGTERM'] as const) {
      process.on(name, () => this.#controller.abort(new Error(`stopped by ${name}`)))
    }
    this.#happened = new Promise<never>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error))
    })
    this.#happened.catch(() => {})
  }

  throwIfHappened(): void {
    this.#controller.signal.throwIfAborted()
  }

  orDone<Value>(work: Promise<Value>): Promise<Value> {
    return Promise.race([work, this.#happened])
  }
}
