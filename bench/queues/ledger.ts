import { numberOf, textOf } from './body.ts'

const sent = 1
const confirmed = 2
const delivered = 4
const sizeMin = 65_536

export interface Sending {
  readonly numbers: readonly number[]
  readonly texts: readonly string[]
}

/** What was sent to one queue, and what came of it. Numbers begin with `first`, so that a message of another queue is seen. */
export class Ledger {
  readonly #first: number
  #flags = new Uint8Array(sizeMin)
  #sentAt = new Float64Array(sizeMin)
  #issued = 0
  #confirmed = 0
  #deliveredOnce = 0
  #duplicates = 0
  #missing = 0

  constructor(first: number) {
    this.#first = first
  }

  /** New messages, to be sent now. */
  issue(count: number, now: number): Sending {
    const numbers = Array.from({ length: count }, (_, at) => this.#first + this.#issued + at)
    this.#issued += count
    this.#grow()
    for (const number of numbers) {
      this.#flags[number - this.#first] = sent
      this.#sentAt[number - this.#first] = now
    }
    return { numbers, texts: numbers.map(textOf) }
  }

  /** The service has them, it says. */
  confirm({ numbers }: Sending): void {
    for (const number of numbers) {
      const flags = this.#flags[number - this.#first] as number
      if ((flags & delivered) === 0) this.#missing++
      this.#flags[number - this.#first] = flags | confirmed
    }
    this.#confirmed += numbers.length
  }

  /** When what has come was sent. Throws for what was not sent, or is not as it was sent. */
  deliver(text: string): number {
    const number = numberOf(text)
    const at = number === null ? -1 : number - this.#first
    if (at < 0 || at >= this.#issued) throw new Error(`a message came that nobody has sent: ${JSON.stringify(text.slice(0, 64))}…`)
    const flags = this.#flags[at] as number
    if ((flags & delivered) !== 0) this.#duplicates++
    else {
      this.#deliveredOnce++
      this.#flags[at] = flags | delivered
      if ((flags & confirmed) !== 0) this.#missing--
    }
    return this.#sentAt[at] as number
  }

  get issued(): number {
    return this.#issued
  }
  get confirmed(): number {
    return this.#confirmed
  }
  /** Different ones. */
  get delivered(): number {
    return this.#deliveredOnce
  }
  /** Deliveries of what was delivered before. */
  get duplicates(): number {
    return this.#duplicates
  }
  /** Confirmed and not delivered yet. */
  get missing(): number {
    return this.#missing
  }

  #grow(): void {
    if (this.#issued <= this.#flags.length) return
    const size = Math.max(this.#issued, this.#flags.length * 2)
    const flags = new Uint8Array(size)
    const sentAt = new Float64Array(size)
    flags.set(this.#flags)
    sentAt.set(this.#sentAt)
    this.#flags = flags
    this.#sentAt = sentAt
  }
}
