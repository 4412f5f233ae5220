/**
 * Who may ask the service for something about a name, one after another: two requests of one owner for one name could be mistaken for each other
 * by whoever carries them out.
 */
export class Turns {
  /** Names that are taken, with those who wait for them. */
  readonly #lines = new Map<string, (() => void)[]>()

  /** Whether it is somebody's turn from now on: nobody had it. */
  tryEnter(name: string): boolean {
    if (this.#lines.has(name)) return false
    this.#lines.set(name, [])
    return true
  }

  /** Resolves when the turn has come. */
  async enter(name: string): Promise<void> {
    if (this.tryEnter(name)) return
    await new Promise<void>((resolve) => void this.#lines.get(name)?.push(resolve))
  }

  /** The next one gets its turn. */
  leave(name: string): void {
    const next = this.#lines.get(name)?.shift()
    if (next === undefined) this.#lines.delete(name)
    else next()
  }

  /** Nobody has a turn, or waits for one. */
  get isIdle(): boolean {
    return this.#lines.size === 0
  }
}
