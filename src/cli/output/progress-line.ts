import type { Screen } from './terminal.ts'

const toItsBegin = '\r\u001b[K'

/** One line at the bottom of a terminal that says how far something is, written over itself; nothing elsewhere. */
export class ProgressLine {
  readonly #screen: Screen
  #shown = ''

  constructor(screen: Screen) {
    this.#screen = screen
  }

  show(text: string): void {
    const { isTerminal, width } = this.#screen
    if (!isTerminal || text === this.#shown) return
    this.#shown = text
    // A line that wraps cannot be written over.
    this.#screen.print(`${toItsBegin}${text.slice(0, Math.max(0, width - 1))}`)
  }

  /** Before anything else is printed, and at the end. */
  clear(): void {
    if (this.#shown === '') return
    this.#shown = ''
    this.#screen.print(toItsBegin)
  }
}
