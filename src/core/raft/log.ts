import { assert, present } from '#base/assert.ts'
import type { Millis } from '#base/brand.ts'
import { millis } from '#base/brand.ts'
import { Deque } from '#base/deque.ts'
import { logIndex, term } from './types.ts'
import type { Entry, LogIndex, Membership, SnapshotMeta, Term } from './types.ts'

/**
 * The replicated log as this replica knows it: entries after `base` in memory, what is known to be committed, what is known to be durable here.
 *
 * Memory runs ahead of the disk. Durability is tracked by the numbered writes under way, each with the last index it makes durable;
 * truncation lowers that index, so the end of an old write never vouches for newer entries at the same indexes (pitfall 19).
 * The membership in force is that of the newest entry that holds one, so truncation also rolls the membership back (pitfall 27).
 *
 * Invariant: base ≤ emitted ≤ commit ≤ last, durable ≤ last.
 */
export class RaftLog {
  #base: { index: LogIndex; term: Term }
  #entries: Entry[]
  #snapshot: SnapshotMeta | null
  #memberships: { index: LogIndex; membership: Membership }[]
  #commit: LogIndex
  #durable: LogIndex
  #uncommittedBytes = 0
  #lastWrite = 0
  #endedWrite = 0
  readonly #writes = new Deque<{ readonly id: number; upTo: LogIndex; readonly since: Millis }>()

  constructor(restored: RestoredLog) {
    this.#base = { ...restored.base }
    this.#entries = [...restored.entries]
    this.#snapshot = restored.snapshot
    this.#memberships = [
      restored.snapshot
        ? { index: restored.snapshot.membershipIndex, membership: restored.snapshot.membership }
        : { index: logIndex(0), membership: restored.initial },
    ]
    this.#commit = logIndex(restored.snapshot?.index ?? 0)
    this.#durable = this.lastIndex
    for (const entry of restored.entries) {
      if (entry.index <= this.#commit) continue
      this.#uncommittedBytes += entryBytes(entry)
      this.#learn(entry)
    }
    assert(this.#base.index <= this.#commit, 'the base of a log is covered by its snapshot')
    assert(this.lastIndex >= this.#commit, 'a log reaches its snapshot')
  }

  get base(): Readonly<{ index: LogIndex; term: Term }> {
    return this.#base
  }
  get lastIndex(): LogIndex {
    return logIndex(this.#base.index + this.#entries.length)
  }
  get lastTerm(): Term {
    return this.#entries.at(-1)?.term ?? this.#base.term
  }
  /** Machine time of the last entry, from which the next leader's time goes on (decision R5). */
  get lastTime(): Millis {
    return this.#entries.at(-1)?.time ?? this.#snapshot?.time ?? millis(0)
  }
  get commit(): LogIndex {
    return this.#commit
  }
  get durable(): LogIndex {
    return this.#durable
  }
  get snapshot(): SnapshotMeta | null {
    return this.#snapshot
  }
  get membership(): Membership {
    return present(this.#memberships.at(-1), 'a log has a membership').membership
  }
  get membershipIndex(): LogIndex {
    return present(this.#memberships.at(-1), 'a log has a membership').index
  }
  /** The one in force at the commit index, and all that are appended since. */
  get membershipsSinceCommit(): readonly { readonly index: LogIndex; readonly membership: Membership }[] {
    const first = this.#memberships.findLastIndex((known) => known.index <= this.#commit)
    return this.#memberships.slice(first)
  }
  get uncommittedBytes(): number {
    return this.#uncommittedBytes
  }
  /** The newest write that is durable. */
  get endedWrite(): number {
    return this.#endedWrite
  }
  /** When the oldest write that is still under way began. */
  get writingSince(): Millis | null {
    return this.#writes.at(0)?.since ?? null
  }

  /** Null where this replica cannot say: behind the base or past the end. */
  termAt(index: LogIndex): Term | null {
    if (index === this.#base.index) return this.#base.term
    return this.#at(index)?.term ?? null
  }

  entryAt(index: LogIndex): Entry | null {
    return this.#at(index) ?? null
  }

  /** The membership in force at an index that is not behind the oldest one remembered. */
  membershipAt(index: LogIndex): { readonly index: LogIndex; readonly membership: Membership } {
    return present(
      this.#memberships.findLast((known) => known.index <= index),
      'the membership at an index that is not compacted is known',
    )
  }

  /** Entries from `from` on: at least one if there is one, within the limits otherwise. */
  slice(from: LogIndex, most: { readonly entries: number; readonly bytes: number }): readonly Entry[] {
    assert(from > this.#base.index, 'compacted entries cannot be read')
    const start = from - this.#base.index - 1
    let end = start
    let bytes = 0
    while (end < this.#entries.length && end - start < most.entries) {
      bytes += entryBytes(this.#entries[end] as Entry)
      if (bytes > most.bytes && end > start) break
      end++
    }
    return this.#entries.slice(start, end)
  }

  append(entries: readonly Entry[]): void {
    for (const entry of entries) {
      assert(entry.index === this.lastIndex + 1, 'entries are appended without a gap')
      assert(entry.term >= this.lastTerm, 'terms never go back along a log')
      this.#entries.push(entry)
      this.#uncommittedBytes += entryBytes(entry)
      this.#learn(entry)
    }
  }

  truncateFrom(index: LogIndex): void {
    assert(index > this.#commit, 'a committed entry is never truncated')
    const removed = this.#entries.splice(index - this.#base.index - 1)
    for (const entry of removed) this.#uncommittedBytes -= entryBytes(entry)
    while (this.membershipIndex >= index) this.#memberships.pop()
    this.#capDurability(logIndex(index - 1))
  }

  /** The leader's snapshot takes the place of a log that does not hold the entry it ends at. */
  install(snapshot: SnapshotMeta): void {
    assert(snapshot.index > this.#commit, 'a snapshot is installed only to go forward')
    this.#capDurability(this.#commit)
    this.#base = { index: snapshot.index, term: snapshot.term }
    this.#entries = []
    this.#uncommittedBytes = 0
    this.#snapshot = snapshot
    this.#memberships = [{ index: snapshot.membershipIndex, membership: snapshot.membership }]
    this.#commit = snapshot.index
  }

  /** An own snapshot is durable: entries up to `dropUpTo` leave memory. */
  compact(snapshot: SnapshotMeta, dropUpTo: LogIndex): void {
    assert(snapshot.index <= this.#commit && dropUpTo <= snapshot.index, 'only committed entries are compacted')
    if (this.#snapshot !== null && snapshot.index <= this.#snapshot.index) return
    this.#snapshot = snapshot
    const known = this.membershipAt(snapshot.index)
    this.#memberships = this.#memberships.filter(({ index }) => index >= known.index)
    if (dropUpTo <= this.#base.index) return
    const dropTerm = present(this.termAt(dropUpTo), 'the new base is in the log')
    this.#entries = this.#entries.slice(dropUpTo - this.#base.index)
    this.#base = { index: dropUpTo, term: dropTerm }
  }

  commitTo(index: LogIndex): void {
    assert(index >= this.#commit && index <= this.lastIndex, 'the commit index only grows, within the log')
    for (let at = this.#commit + 1; at <= index; at++) this.#uncommittedBytes -= entryBytes(this.#at(logIndex(at)) as Entry)
    this.#commit = index
  }

  /** Numbers a write of everything appended so far. */
  beginWrite(now: Millis): number {
    this.#lastWrite++
    this.#writes.push({ id: this.#lastWrite, upTo: this.lastIndex, since: now })
    return this.#lastWrite
  }

  /** The write with this id and all before it are durable. */
  endWrite(id: number): void {
    assert(id > this.#endedWrite && id <= this.#lastWrite, 'a write ends once, after it began')
    this.#endedWrite = id
    for (let first = this.#writes.at(0); first !== undefined && first.id <= id; first = this.#writes.at(0)) {
      this.#durable = logIndex(Math.max(this.#durable, first.upTo))
      this.#writes.shift()
    }
    assert(this.#durable <= this.lastIndex, 'what is durable is in the log')
  }

  #at(index: LogIndex): Entry | undefined {
    return index > this.#base.index ? this.#entries[index - this.#base.index - 1] : undefined
  }

  #learn(entry: Entry): void {
    if (entry.payload.type === 'membership') this.#memberships.push({ index: entry.index, membership: entry.payload.membership })
  }

  #capDurability(index: LogIndex): void {
    this.#durable = logIndex(Math.min(this.#durable, index))
    for (const write of this.#writes) write.upTo = logIndex(Math.min(write.upTo, index))
  }
}

export interface RestoredLog {
  readonly base: { readonly index: LogIndex; readonly term: Term }
  readonly snapshot: SnapshotMeta | null
  readonly entries: readonly Entry[]
  /** The membership before the first entry that holds one. */
  readonly initial: Membership
}

export const emptyLog = (initial: Membership): RestoredLog => ({
  base: { index: logIndex(0), term: term(0) },
  snapshot: null,
  entries: [],
  initial,
})

/** What an entry counts for in every limit: its bytes and a flat share for the rest. */
export function entryBytes(entry: Entry): number {
  return 32 + (entry.payload.type === 'command' ? entry.payload.bytes.length : 64)
}
