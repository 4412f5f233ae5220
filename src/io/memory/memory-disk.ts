import { assert, present } from '#base/assert.ts'
import type { Entry, HardState, LogIndex, LogRange, SnapshotMeta, Term } from '#core/raft/types.ts'
import { logIndex, term } from '#core/raft/types.ts'
import { copyEntry } from '#io/entry-codec/entries.ts'
import type { Compaction, FetchedBodies, GroupWrite, SnapshotBytes, StoreBatch, StoredGroup, StoreFailure } from '#ports/log-store.ts'

interface MemorySnapshot {
  readonly index: LogIndex
  readonly term: Term
  readonly chunks: Uint8Array[]
  length: number
}

/** One group, and what its replica was told to keep. */
class MemoryGroup {
  about: Uint8Array | null = null
  hardState: HardState = { term: term(0), vote: null }
  base = { index: logIndex(0), term: term(0) }
  last = logIndex(0)
  /** By index: all after the base, live ones at or before it. */
  entries = new Map<LogIndex, Entry>()
  snapshot: SnapshotMeta | null = null
  /** Complete ones, the newest and those kept; and those still being written. */
  snapshots: readonly MemorySnapshot[] = []
  partials: readonly MemorySnapshot[] = []
  #fetched: { readonly from: LogIndex; readonly upTo: LogIndex; readonly entries: Map<LogIndex, Entry> } | null = null

  write(write: GroupWrite): void {
    this.about = write.about ?? this.about
    this.hardState = write.hardState ?? this.hardState
    if (write.snapshotChunk !== null) this.#addChunk(write.snapshotChunk)
    if (write.bodies !== null) this.#fetch(write.bodies)
    if (write.install !== null) this.#install(write.install)
    if (write.truncateFrom !== null) this.#truncate(write.truncateFrom)
    for (const entry of write.entries) this.#append(entry)
    if (write.compact !== null) this.#compact(write.compact)
  }

  /** At most `bytesMax` bytes of a complete snapshot, of one chunk of it. */
  snapshotBytes(index: LogIndex, offset: number, bytesMax: number): SnapshotBytes | null {
    const snapshot = this.snapshots.find((candidate) => candidate.index === index)
    if (snapshot === undefined || offset > snapshot.length) return null
    let at = 0
    for (const chunk of snapshot.chunks) {
      if (offset < at + chunk.length) {
        const bytes = new Uint8Array(chunk.subarray(offset - at, offset - at + bytesMax))
        return { bytes, last: offset + bytes.length === snapshot.length }
      }
      at += chunk.length
    }
    return { bytes: new Uint8Array(0), last: true }
  }

  stored(group: number): StoredGroup {
    const { about, hardState, snapshot, base } = this
    const entries: Entry[] = []
    for (let index = base.index + 1; index <= this.last; index++) entries.push(copyEntry(this.#entryAt(logIndex(index))))
    const [resumable] = this.partials.filter(({ index }) => index > this.last).sort((left, right) => right.index - left.index)
    const partial = resumable === undefined ? null : { index: resumable.index, term: resumable.term, offset: resumable.length }
    const bodies = this.#fetched === null ? null : { after: this.#fetched.from, upTo: this.#fetched.upTo }
    return { group, about, hardState, snapshot, base, entries, partial, bodies }
  }

  #entryAt(index: LogIndex): Entry {
    return present(this.entries.get(index), 'all entries after the base are there')
  }

  #append(entry: Entry): void {
    assert(entry.index === this.last + 1, 'entries follow one another without a gap')
    this.entries.set(entry.index, entry)
    this.last = entry.index
  }

  #truncate(from: LogIndex): void {
    assert(from > this.base.index, 'what was compacted is never truncated')
    for (let index = from; index <= this.last; index++) this.entries.delete(index)
    if (from <= this.last) this.last = logIndex(from - 1)
  }

  #addChunk({ index, term: snapshotTerm, offset, bytes }: NonNullable<GroupWrite['snapshotChunk']>): void {
    const known = this.partials.find((partial) => partial.index === index && partial.term === snapshotTerm)
    if (offset === 0) {
      const begun = { index, term: snapshotTerm, chunks: [bytes], length: bytes.length }
      this.partials = [...this.partials.filter((partial) => partial !== known), begun]
      return
    }
    assert(known?.length === offset, 'chunks of a snapshot come in order, without a gap')
    known.chunks.push(bytes)
    known.length += bytes.length
  }

  #complete(meta: SnapshotMeta): MemorySnapshot {
    const known = this.partials.find((partial) => partial.index === meta.index && partial.term === meta.term)
    assert((known?.length ?? 0) === meta.bytes, 'a snapshot is named when all of it was written')
    return known ?? { index: meta.index, term: meta.term, chunks: [], length: 0 }
  }

  #fetch({ anew, after, upTo, entries }: FetchedBodies): void {
    const fetched = anew ? { from: after, upTo: after, entries: new Map<LogIndex, Entry>() } : this.#fetched
    assert(fetched?.upTo === after, 'bodies come in order, without a gap')
    for (const entry of entries) fetched.entries.set(entry.index, entry)
    this.#fetched = { ...fetched, upTo }
  }

  #install(meta: SnapshotMeta): void {
    this.snapshots = [this.#complete(meta)]
    this.snapshot = meta
    this.partials = []
    const fetched = this.#fetched ?? { from: logIndex(0), entries: new Map<LogIndex, Entry>() }
    for (const index of this.entries.keys()) if (index > fetched.from) this.entries.delete(index)
    for (const [index, entry] of fetched.entries) if (index <= meta.index) this.entries.set(index, entry)
    this.#fetched = null
    this.base = { index: meta.index, term: meta.term }
    this.last = meta.index
  }

  #compact({ snapshot, dropUpTo, dropTerm, live, dead, keepSnapshots }: Compaction): void {
    assert(dropUpTo >= this.base.index && dropUpTo <= Math.min(this.last, snapshot.index), 'a base lies within the log')
    const isNew = this.snapshot?.index !== snapshot.index || this.snapshot.term !== snapshot.term
    const newest = isNew ? this.#complete(snapshot) : present(this.snapshots[0], 'the newest snapshot is there')
    this.snapshots = [newest, ...this.snapshots.filter((older) => older !== newest && keepSnapshots.includes(older.index))]
    this.partials = this.partials.filter(({ index }) => index > snapshot.index)
    this.snapshot = snapshot
    const kept = (index: LogIndex): boolean => (index <= this.base.index && dead !== null ? !includes(dead, index) : includes(live, index))
    for (const index of this.entries.keys()) if (index <= dropUpTo && !kept(index)) this.entries.delete(index)
    this.base = { index: dropUpTo, term: dropTerm }
    this.#fetched = null
  }
}

const includes = (ranges: readonly LogRange[], index: LogIndex): boolean => ranges.some(({ from, to }) => index >= from && index <= to)

/** What a memory store is opened on: outlives the store as a disk would, and can be made to fail as one. */
export class MemoryDisk {
  node: Uint8Array | null = null
  readonly groups = new Map<number, MemoryGroup>()
  readonly tombstones = new Map<number, Uint8Array>()
  /** What every write answers from now on. */
  failure: StoreFailure | null = null
  inUse = false

  apply(batch: StoreBatch): void {
    this.node = batch.node ?? this.node
    for (const write of batch.groups) this.#write(write)
  }

  #write(write: GroupWrite): void {
    if (write.remove !== null) {
      this.groups.delete(write.group)
      this.tombstones.set(write.group, write.remove.tombstone)
      return
    }
    const group = this.groups.get(write.group) ?? new MemoryGroup()
    this.groups.set(write.group, group)
    group.write(write)
  }
}
