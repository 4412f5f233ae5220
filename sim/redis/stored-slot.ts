import { assert } from '#base/assert.ts'
import type { Entry, LogIndex, Term } from '#core/raft/types.ts'
import { logIndex, term } from '#core/raft/types.ts'
import type {
  Appended,
  Batch,
  Claimed,
  Fenced,
  LoggedEntry,
  Ownership,
  SlotRecord,
  SnapshotChunk,
  SnapshotPlace,
  SnapshotRecord,
  Tail,
  Trim,
} from '#ports/redis-slots.ts'
import { trimMax } from '#ports/redis-slots.ts'

/** One slot as Redis has it. Each call is one step of the server. */
export class StoredSlot {
  #owner: string | null = null
  #epoch: Term = term(0)
  #tail: Tail = { index: logIndex(0), batch: '' }
  #snapshot: SnapshotRecord | null = null
  #trimmed: LogIndex = logIndex(0)
  #failed: string | null = null
  #log = new Map<LogIndex, LoggedEntry>()
  #kept = new Set<LogIndex>()
  #chunks: Record<SnapshotPlace, StoredChunks> = { a: noChunks, b: noChunks }

  /** As it is now, whatever becomes of this one. */
  copy(): StoredSlot {
    const copy = new StoredSlot()
    copy.#owner = this.#owner
    copy.#epoch = this.#epoch
    copy.#tail = this.#tail
    copy.#snapshot = this.#snapshot
    copy.#trimmed = this.#trimmed
    copy.#failed = this.#failed
    copy.#log = new Map(this.#log)
    copy.#kept = new Set(this.#kept)
    copy.#chunks = { ...this.#chunks }
    return copy
  }

  get record(): SlotRecord {
    const [owner, epoch, tail, snapshot] = [this.#owner, this.#epoch, this.#tail, this.#snapshot]
    return { owner, epoch, tail, snapshot, trimmed: this.#trimmed, failed: this.#failed }
  }

  /** All that can be read back, in order. */
  get log(): readonly LoggedEntry[] {
    return [...this.#log.values()].sort((left, right) => left.entry.index - right.entry.index)
  }

  claim(expected: Ownership, owner: string): Claimed {
    const held = this.#isOwned(expected) && this.#failed === null
    if (held) {
      this.#owner = owner
      this.#epoch = term(this.#epoch + 1)
    }
    return { type: held ? 'held' : 'lost', slot: this.record }
  }

  assertOwner(ownership: Ownership): Claimed {
    const held = ownership.epoch > this.#epoch || this.#isOwned(ownership)
    if (held) {
      this.#owner = ownership.owner
      this.#epoch = ownership.epoch
    }
    return { type: held ? 'held' : 'lost', slot: this.record }
  }

  release(ownership: Ownership): Fenced {
    return this.#fenced(ownership, () => {
      this.#owner = null
    })
  }

  fail(ownership: Ownership, reason: string): Fenced {
    return this.#fenced(ownership, () => {
      this.#failed = reason
    })
  }

  /** Takes the mark away, as a person does. */
  forgive(): void {
    this.#failed = null
  }

  append(ownership: Ownership, batch: Batch): Appended {
    if (!this.#isOwned(ownership)) return 'lost'
    if (this.#tail.batch === batch.id) return 'written'
    if (this.#tail.index !== batch.previous.index || this.#tail.batch !== batch.previous.batch) return 'elsewhere'
    for (const entry of batch.entries) {
      assert(entry.index === this.#tail.index + 1, 'a batch has no gap')
      this.#log.set(entry.index, { entry, batch: batch.id })
      this.#tail = { index: entry.index, batch: batch.id }
    }
    return 'written'
  }

  readLog({ from, to }: { readonly from: LogIndex; readonly to: LogIndex }): readonly LoggedEntry[] {
    const entries: LoggedEntry[] = []
    for (let index = from; index <= to && entries.length < readMax; index = logIndex(index + 1)) {
      const entry = this.#log.get(index)
      if (entry === undefined) break
      entries.push(entry)
    }
    return entries
  }

  readEntry(index: LogIndex): Entry | null {
    return this.#log.get(index)?.entry ?? null
  }

  writeChunk(ownership: Ownership, { place, index, number, bytes }: SnapshotChunk): Fenced {
    return this.#fenced(ownership, () => {
      assert(this.#snapshot?.place !== place, 'the snapshot that counts is not written over')
      const before = this.#chunks[place]
      const chunks = [...before.chunks.slice(0, number), bytes]
      assert(chunks.length === number + 1, 'chunks come in order')
      this.#chunks = { ...this.#chunks, [place]: { index: number === 0 ? index : before.index, chunks } }
    })
  }

  install(ownership: Ownership, snapshot: SnapshotRecord): Fenced | 'incomplete' {
    if (!this.#isOwned(ownership)) return 'lost'
    const { index, chunks } = this.#chunks[snapshot.place]
    if (index !== snapshot.index || chunks.length !== snapshot.chunks) return 'incomplete'
    this.#snapshot = snapshot
    this.#chunks = { ...this.#chunks, [snapshot.place === 'a' ? 'b' : 'a']: noChunks }
    return 'written'
  }

  readChunk(place: SnapshotPlace, chunk: number): Uint8Array | null {
    return this.#chunks[place].chunks[chunk] ?? null
  }

  trim(ownership: Ownership, { drop, keep, trimmed }: Trim): Fenced {
    return this.#fenced(ownership, () => {
      assert(drop.length + keep.length <= trimMax, 'the work of a trim is bounded')
      for (const index of drop) {
        this.#log.delete(index)
        this.#kept.delete(index)
      }
      for (const index of keep) this.#kept.add(index)
      this.#trimmed = trimmed
    })
  }

  readKept(after: LogIndex): readonly LogIndex[] {
    return [...this.#kept]
      .filter((index) => index > after)
      .sort((left, right) => left - right)
      .slice(0, trimMax)
  }

  #isOwned({ owner, epoch }: Ownership): boolean {
    return this.#owner === owner && this.#epoch === epoch
  }

  #fenced(ownership: Ownership, write: () => void): Fenced {
    if (!this.#isOwned(ownership)) return 'lost'
    write()
    return 'written'
  }
}

/** Small, so that whoever reads a log has to go on. */
const readMax = 16

interface StoredChunks {
  /** Of the snapshot. */
  readonly index: LogIndex
  readonly chunks: readonly Uint8Array[]
}

const noChunks: StoredChunks = { index: logIndex(0), chunks: [] }
