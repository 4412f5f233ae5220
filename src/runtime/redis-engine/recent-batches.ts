import { assert } from '#base/assert.ts'
import { entryBytes } from '#core/raft/log.ts'
import { logIndex } from '#core/raft/types.ts'
import type { Entry } from '#core/raft/types.ts'
import type { Batch, LoggedEntry, Tail } from '#ports/redis-slots.ts'

export const isSameTail = (left: Tail, right: Tail): boolean => left.index === right.index && left.batch === right.batch

const tailOf = ({ id, previous, entries }: Batch): Tail => ({ index: logIndex(previous.index + entries.length), batch: id })

const bytesOf = ({ entries }: Batch): number => entries.reduce((sum, entry) => sum + entryBytes(entry), 0)

/** The end of a log as its owner remembers it, so that it can append again what Redis has lost (decision Q3). Bounded by bytes. */
export class RecentBatches {
  readonly #bytesMax: number
  readonly #batches: Batch[] = []
  #bytes = 0
  #tail: Tail
  /** A batch whose entries have not all been read back. */
  #reading: (Batch & { readonly entries: Entry[] }) | null = null

  constructor(tail: Tail, bytesMax: number) {
    this.#tail = tail
    this.#bytesMax = bytesMax
  }

  /** Of the log that is confirmed. */
  get tail(): Tail {
    return this.#tail
  }

  add(batch: Batch): void {
    assert(isSameTail(batch.previous, this.#tail), 'batches follow each other')
    this.#batches.push(batch)
    this.#bytes += bytesOf(batch)
    this.#tail = tailOf(batch)
    while (this.#bytes > this.#bytesMax) this.#bytes -= bytesOf(this.#batches.shift() as Batch)
  }

  /** Entries that Redis has, one after the other, as the batches they were written in. */
  readBack(logged: readonly LoggedEntry[]): void {
    for (const { entry, batch: id } of logged) {
      if (this.#reading?.id !== id) {
        this.readToEnd()
        this.#reading = { id, previous: this.#tail, entries: [] }
      }
      this.#reading.entries.push(entry)
    }
  }

  readToEnd(): void {
    if (this.#reading !== null) this.add(this.#reading)
    this.#reading = null
  }

  /** What follows that end, in order; null when that is not remembered, or never was an end of this log. */
  after(tail: Tail): readonly Batch[] | null {
    if (isSameTail(tail, this.#tail)) return []
    const at = this.#batches.findIndex(({ previous }) => isSameTail(previous, tail))
    return at < 0 ? null : this.#batches.slice(at)
  }

  /** What a log that ends there has to be given: the batch under way last, also when it is there already, for only a new write confirms it (decision Q4). */
  missingAfter(tail: Tail, inFlight: Batch | null): readonly Batch[] | null {
    if (inFlight !== null && isSameTail(tail, tailOf(inFlight))) return [inFlight]
    const lost = this.after(tail)
    return lost === null || inFlight === null ? lost : [...lost, inFlight]
  }
}
