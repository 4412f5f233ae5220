import { assert, present } from '#base/assert.ts'
import type { RestoredLog } from './log.ts'
import { logIndex, term } from './types.ts'
import type { Entry, HardState, LogIndex, Membership, Message, Persist, ReplicaId, SnapshotMeta, Term } from './types.ts'

/** What the disk of a test was asked to do; requests finish in order. */
export type DiskJob =
  | { readonly type: 'persist'; readonly persist: Persist; readonly messages: Message[] }
  | { readonly type: 'chunk'; readonly snapshot: SnapshotMeta; readonly offset: number; readonly bytes: Uint8Array; readonly last: boolean }
  | { readonly type: 'compact'; readonly snapshot: SnapshotMeta; readonly dropUpTo: LogIndex; readonly bytes: Uint8Array }
  | { readonly type: 'read'; readonly to: ReplicaId; readonly index: LogIndex; readonly offset: number }

interface Partial {
  readonly index: LogIndex
  readonly term: Term
  readonly offset: number
  readonly bytes: Uint8Array
}

/**
 * The disk of one replica in a test: what is durable, and the queue of what is not. A crash loses the queue, except for as many of its
 * first jobs as the test says had reached the platter although nobody was told.
 */
export class TestDisk {
  hardState: HardState = { term: term(0), vote: null }
  base: { index: LogIndex; term: Term } = { index: logIndex(0), term: term(0) }
  snapshot: SnapshotMeta | null = null
  snapshotBytes: Uint8Array = new Uint8Array(0)
  entries: Entry[] = []
  partial: Partial | null = null
  jobs: DiskJob[] = []
  #lastPersist = 0

  get lastIndex(): LogIndex {
    return logIndex(this.base.index + this.entries.length)
  }

  termAt(index: LogIndex): Term | null {
    if (index === this.base.index) return this.base.term
    return this.entries[index - this.base.index - 1]?.term ?? null
  }

  /** Makes the oldest job durable and returns it. */
  finish(): DiskJob {
    const job = present(this.jobs.shift(), 'a job is under way')
    if (job.type === 'persist') this.#persist(job.persist)
    else if (job.type === 'chunk') this.#store(job)
    else if (job.type === 'compact') this.#compact(job)
    return job
  }

  crash(flushed: number): void {
    for (let count = 0; count < flushed && this.jobs.length > 0; count++) this.finish()
    this.jobs = []
    this.#lastPersist = 0
  }

  restored(initial: Membership): RestoredLog {
    return { base: this.base, snapshot: this.snapshot, entries: this.entries, initial }
  }

  read(index: LogIndex, offset: number, chunkBytes: number): { readonly bytes: Uint8Array | null; readonly last: boolean } {
    if (this.snapshot?.index !== index) return { bytes: null, last: false }
    const bytes = this.snapshotBytes.slice(offset, offset + chunkBytes)
    return { bytes, last: offset + bytes.length >= this.snapshotBytes.length }
  }

  #persist(persist: Persist): void {
    assert(persist.id === this.#lastPersist + 1, 'writes are numbered without a gap')
    this.#lastPersist = persist.id
    if (persist.hardState !== null) {
      assert(persist.hardState.term >= this.hardState.term, 'a durable term never goes back')
      const sameTerm = persist.hardState.term === this.hardState.term
      assert(!sameTerm || this.hardState.vote === null || this.hardState.vote === persist.hardState.vote, 'a durable vote stands')
      this.hardState = persist.hardState
    }
    if (persist.install !== null) this.#install(persist.install)
    if (persist.truncateFrom !== null) {
      assert(persist.truncateFrom > this.base.index, 'nothing compacted is truncated')
      this.entries.length = Math.max(0, Math.min(this.entries.length, persist.truncateFrom - this.base.index - 1))
    }
    for (const entry of persist.entries) {
      assert(entry.index === this.lastIndex + 1, 'entries reach the disk without a gap')
      this.entries.push(entry)
    }
    assert(this.hardState.term >= (this.entries.at(-1)?.term ?? 0), 'no entry is durable before its term')
  }

  #install(snapshot: SnapshotMeta): void {
    const partial = present(this.partial, 'a snapshot is installed from what was received')
    assert(partial.index === snapshot.index && partial.term === snapshot.term, 'the snapshot installed is the one received')
    assert(partial.offset === snapshot.bytes, 'a snapshot is installed when it is complete')
    this.snapshot = snapshot
    this.snapshotBytes = partial.bytes.slice(0, partial.offset)
    this.partial = null
    this.base = { index: snapshot.index, term: snapshot.term }
    this.entries = []
  }

  #store(job: Extract<DiskJob, { type: 'chunk' }>): void {
    const { index, term: ofTerm } = job.snapshot
    const fresh = this.partial?.index !== index || this.partial.term !== ofTerm || job.offset === 0
    const held = fresh ? new Uint8Array(0) : present(this.partial, 'a partial snapshot').bytes
    assert(held.length >= job.offset, 'a snapshot is received without a gap')
    const bytes = new Uint8Array(job.offset + job.bytes.length)
    bytes.set(held.subarray(0, job.offset))
    bytes.set(job.bytes, job.offset)
    this.partial = { index, term: ofTerm, offset: bytes.length, bytes }
  }

  #compact(job: Extract<DiskJob, { type: 'compact' }>): void {
    if (this.snapshot !== null && job.snapshot.index <= this.snapshot.index) return
    this.snapshot = job.snapshot
    this.snapshotBytes = job.bytes
    if (job.dropUpTo <= this.base.index) return
    const dropTerm = present(this.termAt(job.dropUpTo), 'the new base is on disk')
    this.entries = this.entries.slice(job.dropUpTo - this.base.index)
    this.base = { index: job.dropUpTo, term: dropTerm }
  }
}
