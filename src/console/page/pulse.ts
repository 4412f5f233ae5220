/** When a loop goes round again: after its time, or sooner when something has happened. */
export class Pulse {
  #wake: (() => void) | null = null
  #timer: ReturnType<typeof setTimeout> | null = null
  #dueAt = Infinity
  #isMissed = false

  /** Ends the pause after so long, or at once. One that comes outside of a pause ends the next one. */
  beat(afterMs = 0): void {
    if (this.#wake === null) this.#isMissed = true
    else this.#set(afterMs)
  }

  /** Resolves when it is time, and nobody rests. */
  async next(afterMs: number, isResting: () => boolean): Promise<void> {
    do {
      const pause = new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      this.#set(this.#isMissed ? Math.min(afterMs, missedMs) : afterMs)
      this.#isMissed = false
      await pause
    } while (isResting())
  }

  #set(afterMs: number): void {
    const dueAt = performance.now() + afterMs
    if (dueAt >= this.#dueAt) return
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#dueAt = dueAt
    this.#timer = setTimeout(() => this.#end(), afterMs)
  }

  #end(): void {
    const wake = this.#wake
    this.#wake = null
    this.#dueAt = Infinity
    this.#timer = null
    wake?.()
  }
}

const missedMs = 120
