/** Watches from outside that a lock excludes: all clients of a run are in one process, so what is seen here did happen. */
export class Exclusion {
  readonly #held = new Set<string>()
  readonly #tokens = new Map<string, number>()

  /** Right after a client was told that it holds the lock. */
  entered(name: string, token: number | null): void {
    if (this.#held.has(name)) throw new Error(`two clients hold ${name} at once`)
    this.#held.add(name)
    if (token === null) return
    const last = this.#tokens.get(name) ?? 0
    if (token <= last) throw new Error(`${name} was granted with token ${token} after token ${last}`)
    this.#tokens.set(name, token)
  }

  /** Right before a client gives it back. */
  leaving(name: string): void {
    this.#held.delete(name)
  }
}
