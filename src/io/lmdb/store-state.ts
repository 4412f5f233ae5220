import { assert } from '#base/assert.ts'
import { term } from '#core/raft/types.ts'
import type { HardState, LogIndex } from '#core/raft/types.ts'
import type { StreamId } from './keys.ts'
import { streamId } from './keys.ts'
import type { FetchedStream, FormerLog, GroupRecord, PartialSnapshot, Point, StoredSnapshot, StoreRecord } from './state-records.ts'
import { origin } from './state-records.ts'
import { TermSpans } from './term-spans.ts'

/** A snapshot that is being written, and how much of it is there. */
export interface GrowingSnapshot extends PartialSnapshot {
  readonly length: number
}

/** What the store knows of one group without reading: ahead of the disk by the commits under way. */
export class GroupState {
  readonly group: number
  about: Uint8Array | null = null
  hardState: HardState = { term: term(0), vote: null }
  log: StreamId
  base: Point = origin
  /** The last entry, or the base. Invariant: base.index <= last.index. */
  last: Point = origin
  terms = new TermSpans(origin)
  snapshot: StoredSnapshot | null = null
  /** Older snapshots that are still read; nothing refers to them after a restart. */
  kept: readonly StoredSnapshot[] = []
  partials: readonly GrowingSnapshot[] = []
  fetched: FetchedStream | null = null
  formerLogs: readonly FormerLog[] = []

  constructor(group: number, log: StreamId) {
    this.group = group
    this.log = log
  }

  get record(): GroupRecord {
    const { about, hardState, log, base, snapshot, fetched, formerLogs } = this
    const partials = this.partials.map(({ stream, index, term: snapshotTerm }) => ({ stream, index, term: snapshotTerm }))
    return { about, hardState, log, base, snapshot, partials, fetched, formerLogs }
  }

  /** An empty log in a new stream, after `base`. */
  restartLog(log: StreamId, base: Point): void {
    this.log = log
    this.base = base
    this.last = base
    this.terms = new TermSpans(base)
  }

  append(point: Point): void {
    assert(point.index === this.last.index + 1, 'entries follow one another without a gap')
    this.terms.append(point.index, point.term)
    this.last = { index: point.index, term: point.term }
  }

  truncate(from: LogIndex): void {
    assert(from > this.base.index, 'what was compacted is never truncated')
    this.terms.truncate(from)
    const index = (from - 1) as LogIndex
    this.last = { index, term: this.terms.at(index) }
  }

  rebase(base: Point): void {
    assert(base.index >= this.base.index && base.index <= this.last.index, 'a base lies within the log')
    assert(this.terms.at(base.index) === base.term, 'a base has the term of its entry')
    this.base = base
    this.terms.rebase(base)
  }

  streams(): StreamId[] {
    const snapshots = this.snapshot === null ? this.kept : [this.snapshot, ...this.kept]
    const others = [...snapshots, ...this.partials, ...this.formerLogs, ...(this.fetched === null ? [] : [this.fetched])]
    return [this.log, ...others.map(({ stream }) => stream)]
  }

  /** Where an entry lies, if it is there. */
  logWith(index: LogIndex): StreamId {
    return this.formerLogs.find(({ upTo }) => index <= upTo)?.stream ?? this.log
  }

  snapshotAt(index: LogIndex): StoredSnapshot | null {
    if (this.snapshot?.meta.index === index) return this.snapshot
    return this.kept.find(({ meta }) => meta.index === index) ?? null
  }
}

export class StoreState {
  #nextStream: number
  node: boolean
  readonly groups = new Map<number, GroupState>()
  readonly tombstones: Set<number>

  constructor({ nextStream, node, tombstones }: Pick<StoreRecord, 'nextStream' | 'node' | 'tombstones'>) {
    this.#nextStream = nextStream
    this.node = node
    this.tombstones = new Set(tombstones)
  }

  newStream(): StreamId {
    return streamId(this.#nextStream++)
  }

  get record(): StoreRecord {
    return {
      nextStream: streamId(this.#nextStream),
      node: this.node,
      groups: [...this.groups.keys()].sort((left, right) => left - right),
      tombstones: [...this.tombstones].sort((left, right) => left - right),
    }
  }
}

export const emptyStore: StoreRecord = { nextStream: streamId(1), node: false, groups: [], tombstones: [] }
