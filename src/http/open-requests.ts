import type { ServerResponse } from 'node:http'

/** The requests that are being answered, so that a node that stops can finish them first. */
export class OpenRequests {
  #count = 0
  #draining = false
  #emptied: () => void = () => {}

  get count(): number {
    return this.#count
  }

  /** False once the node drains: the request must be refused. */
  add(response: ServerResponse): boolean {
    if (this.#draining) return false
    this.#count++
    // Also when the client went away before its answer.
    response.once('close', () => {
      this.#count--
      if (this.#count === 0) this.#emptied()
    })
    return true
  }

  drain(withinMs: number): Promise<void> {
    this.#draining = true
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, withinMs)
      this.#emptied = () => {
        clearTimeout(timer)
        resolve()
      }
      if (this.#count === 0) this.#emptied()
    })
  }
}
