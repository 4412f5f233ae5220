import { createInterface } from 'node:readline'
import { deferred } from '#base/deferred.ts'
import type { Screen } from '#cli/output/terminal.ts'

/** Waits for Enter. Where nobody types, or no more, it does not wait. */
export class EnterKey implements Disposable {
  readonly #lines = createInterface({ input: process.stdin, terminal: false })
  readonly #screen: Screen
  #waiting: (() => void) | null = null
  #closed = false

  constructor(screen: Screen) {
    this.#screen = screen
    this.#lines.on('line', () => this.#waiting?.())
    this.#lines.on('close', () => {
      this.#closed = true
      this.#waiting?.()
    })
  }

  /** Resolves also when the signal aborts. */
  async pressed(signal: AbortSignal): Promise<void> {
    if (this.#closed || signal.aborted) return
    const pressed = deferred<void>()
    this.#waiting = () => pressed.resolve()
    signal.addEventListener('abort', this.#waiting, { once: true })
    this.#screen.print(this.#screen.paint('dim', '  Enter goes on '))
    await pressed.promise
    signal.removeEventListener('abort', this.#waiting)
    this.#waiting = null
    // What was typed has ended the line.
    this.#screen.print('\u001b[A\r\u001b[K')
  }

  [Symbol.dispose](): void {
    this.#lines.close()
  }
}
