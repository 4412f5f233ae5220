import type { LogIndex } from '#core/raft/types.ts'
import type { StoreBatch } from '#ports/log-store.ts'

/** Batches that are durable in the journal, and that the store beneath has not been given yet. */
export class Backlog {
  #batches: StoreBatch[] = []
  #bytes = 0
  /** By group: the lowest index whose entry may not be as the store beneath has it. */
  readonly #lowest = new Map<number, LogIndex>()

  get bytes(): number {
    return this.#bytes
  }
  get empty(): boolean {
    return this.#batches.length === 0
  }

  add(batch: StoreBatch, bytes: number): void {
    this.#batches.push(batch)
    this.#bytes += bytes
    for (const { group, truncateFrom, entries } of batch.groups) {
      const lowest = truncateFrom ?? entries[0]?.index
      if (lowest !== undefined) this.#lowest.set(group, Math.min(lowest, this.#lowest.get(group) ?? lowest) as LogIndex)
    }
  }

  concerns(group: number, index: LogIndex): boolean {
    return index >= (this.#lowest.get(group) ?? Number.POSITIVE_INFINITY)
  }

  /** All of it as one batch; the backlog is empty then. */
  take(): StoreBatch {
    const batches = this.#batches
    this.#batches = []
    this.#bytes = 0
    this.#lowest.clear()
    return merged(batches)
  }
}

export function merged(batches: readonly StoreBatch[]): StoreBatch {
  const node = batches.findLast((batch) => batch.node !== null)?.node ?? null
  return { node, groups: batches.flatMap(({ groups }) => groups) }
}
