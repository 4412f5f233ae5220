import type { MessageId } from './types.ts'

interface Remembered {
  readonly message: MessageId
  readonly bytes: number
  expires: number
}

/** What the windows of all partitions of a slot hold together. */
export interface DedupeTotals {
  ids: number
  bytes: number
}

/** The first message of each dedupe id of a partition, for as long as the queue says; settled or not. Oldest first, and first to be forgotten. */
export class DedupeWindow {
  readonly #totals: DedupeTotals
  readonly #byId = new Map<string, Remembered>()

  constructor(totals: DedupeTotals) {
    this.#totals = totals
  }

  get size(): number {
    return this.#byId.size
  }

  find(id: string, now: number): MessageId | null {
    const known = this.#byId.get(id)
    return known === undefined || known.expires <= now ? null : known.message
  }

  add(id: string, { message, bytes, expires }: Remembered): void {
    this.#delete(id)
    this.#byId.set(id, { message, bytes, expires })
    this.#totals.ids++
    this.#totals.bytes += bytes
  }

  /** Invariant: those that are over come first. */
  forget(now: number): void {
    for (const [id, { expires }] of this.#byId) {
      if (expires > now) return
      this.#delete(id)
    }
  }

  /** The window has become shorter. */
  shorten(expires: number): void {
    for (const known of this.#byId.values()) known.expires = Math.min(known.expires, expires)
  }

  clear(): void {
    for (const id of this.#byId.keys()) this.#delete(id)
  }

  entries(): IterableIterator<[string, Remembered]> {
    return this.#byId.entries()
  }

  #delete(id: string): void {
    const known = this.#byId.get(id)
    if (known === undefined) return
    this.#byId.delete(id)
    this.#totals.ids--
    this.#totals.bytes -= known.bytes
  }
}
