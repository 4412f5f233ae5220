/** What happened, line by line, so that a run can be read and two runs compared. Lines are made only when somebody wants them. */
export class Trace {
  readonly #write: ((line: string) => void) | null
  readonly #now: () => number
  #lines = 0

  constructor(write: ((line: string) => void) | null, now: () => number) {
    this.#write = write
    this.#now = now
  }

  get on(): boolean {
    return this.#write !== null
  }
  get lines(): number {
    return this.#lines
  }

  line(who: string, what: string, details: Readonly<Record<string, unknown>> = {}): void {
    if (this.#write === null) return
    this.#lines++
    const fields = Object.entries(details).map(([name, value]) => `${name}=${typeof value === 'string' ? value : textOf(value)}`)
    this.#write(`${this.#now().toFixed(3).padStart(12)} ${who.padEnd(8)} ${what} ${fields.join(' ')}`.trimEnd())
  }
}

/** Bytes as what they spell. */
const textOf = (value: unknown): string =>
  JSON.stringify(value, (_, each: unknown) => (each instanceof Uint8Array ? Buffer.from(each).toString('latin1') : each))
