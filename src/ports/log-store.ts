import { logIndex, term } from '#core/raft/types.ts'
import type { Entry, HardState, LogIndex, LogRange, SnapshotMeta, Term } from '#core/raft/types.ts'

/**
 * Durable state of one node: identity, and for each Raft group its hard state, log and snapshots.
 *
 * One pipeline serves all groups of a node. A batch is atomic: after a crash either all of it is there or nothing, and no batch is
 * there without all batches committed before it. Calls report through callbacks, exactly once each and never before they return,
 * in the order they were made (per kind of call). A read sees every commit that was asked for before it.
 * A failure is final: after one, every further write fails, and the caller takes the node out of voting.
 */
export interface LogStore {
  /** Whether all it has of slots ends with the process (decision C12). */
  readonly forgetsSlots: boolean
  /** Everything needed to start, or why this store must not be used. Called once, before anything else. */
  load(done: (outcome: LoadOutcome) => void): void
  /** Makes the batch durable, then reports. Several calls may be under way; they become durable in order. */
  commit(batch: StoreBatch, done: (failure: StoreFailure | null) => void): void
  /** Reads what is stored of a complete snapshot, at most `bytesMax` bytes from `offset`; null when it is not there. */
  readSnapshot(
    request: { readonly group: number; readonly index: LogIndex; readonly offset: number; readonly bytesMax: number },
    done: (chunk: SnapshotBytes | null | StoreFailure) => void,
  ): void
  /** One retained or live entry; null when it is not there. Its checksum was verified. */
  readEntry(group: number, index: LogIndex, done: (entry: Entry | null | StoreFailure) => void): void
  /** Waits for what is under way, then lets go of the store. */
  close(done: () => void): void
}

export interface SnapshotBytes {
  readonly bytes: Uint8Array
  readonly last: boolean
}

/** Writes to one node's store that become durable together. */
export interface StoreBatch {
  /** Replaces the node's own record (identity, cluster constants): opaque to the store. */
  readonly node: Uint8Array | null
  readonly groups: readonly GroupWrite[]
}

/**
 * Writes to one group, applied in the order of these fields; a batch may hold several for one group, applied in order.
 * A group comes into being with its first write.
 *
 * A snapshot is written in two phases: chunks in order of offset (offset 0 begins it anew), then, once all are there, either `install`
 * (a received one: it becomes the base of the log and every entry goes, but those that `bodies` brought or counted on) or `compact` (an own one: it becomes the newest, and entries up to
 * `dropUpTo` go except those named live). Older snapshots are deleted then, unless `keepSnapshots` names them; those are gone after
 * a restart. What was written of a snapshot that never completed is deleted by the next `load`, unless it reaches beyond the log
 * and can be resumed (`StoredGroup.partial`).
 */
export interface GroupWrite {
  readonly group: number
  readonly hardState: HardState | null
  readonly snapshotChunk: { readonly index: LogIndex; readonly term: Term; readonly offset: number; readonly bytes: Uint8Array } | null
  readonly bodies: FetchedBodies | null
  readonly install: SnapshotMeta | null
  readonly truncateFrom: LogIndex | null
  readonly entries: readonly Entry[]
  readonly compact: Compaction | null
  /**
   * The group leaves this node: everything of it goes, but for a tombstone with its term and replica id (decision R8), which stays
   * until another one replaces it, also when the group comes back. Such a write has nothing else in it.
   */
  readonly remove: { readonly tombstone: Uint8Array } | null
  /** Which replica this node's copy of the group is, and whatever else the runtime must know before Raft starts: opaque to the store. */
  readonly about: Uint8Array | null
}

/** A write of nothing, to be filled in. */
export const emptyWrite = (group: number): GroupWrite => ({
  group,
  hardState: null,
  snapshotChunk: null,
  bodies: null,
  install: null,
  truncateFrom: null,
  entries: [],
  compact: null,
  remove: null,
  about: null,
})

/**
 * Entries that are fetched ahead of the snapshot which will refer to them: those in (`after`, `upTo`] that it may need. They become readable when it
 * is installed, with the entries of the log itself up to where the fetching began: this log has what is needed up to there. A compaction
 * ends it.
 */
export interface FetchedBodies {
  /** Whatever was fetched before goes. */
  readonly anew: boolean
  /** The `upTo` of the write before, unless it begins anew. */
  readonly after: LogIndex
  readonly upTo: LogIndex
  /** Ascending. */
  readonly entries: readonly Entry[]
}

export interface Compaction {
  readonly snapshot: SnapshotMeta
  /** Entries up to here leave the log, but for the live ones. `dropTerm` is the term of the entry there: the new base of the log. */
  readonly dropUpTo: LogIndex
  readonly dropTerm: Term
  /**
   * Ascending ranges whose entries stay readable through `readEntry` (a queue's unacknowledged bodies); those above `dropUpTo` stay anyway.
   * An entry that goes may be found for a while.
   */
  readonly live: readonly LogRange[]
  /** Null when `live` names all. Else it names those above the former base; at and below that, all stay but these ascending ranges. */
  readonly dead: readonly LogRange[] | null
  /** Indexes of older snapshots that are still being sent. */
  readonly keepSnapshots: readonly LogIndex[]
}

export interface StoredGroup {
  readonly group: number
  readonly about: Uint8Array | null
  readonly hardState: HardState
  /** The newest complete snapshot; null when the log starts at index 1. */
  readonly snapshot: SnapshotMeta | null
  /** The entry before the first in `entries`: (0, 0) for a log that was never compacted. At most the snapshot's index. */
  readonly base: { readonly index: LogIndex; readonly term: Term }
  /** All entries after `base`, without a gap, each verified. */
  readonly entries: readonly Entry[]
  /** How far a received snapshot, one beyond the last entry, had come that was never completed. */
  readonly partial: { readonly index: LogIndex; readonly term: Term; readonly offset: number } | null
  /** How far the bodies for a snapshot that was never installed had come, and from where on. */
  readonly bodies: { readonly after: LogIndex; readonly upTo: LogIndex } | null
}

/** A group before its first write. */
export const emptyGroup = (group: number): StoredGroup => ({
  group,
  about: null,
  hardState: { term: term(0), vote: null },
  snapshot: null,
  base: { index: logIndex(0), term: term(0) },
  entries: [],
  partial: null,
  bodies: null,
})

export type LoadOutcome =
  | {
      readonly type: 'loaded'
      readonly node: Uint8Array | null
      readonly groups: readonly StoredGroup[]
      readonly tombstones: readonly { readonly group: number; readonly tombstone: Uint8Array }[]
    }
  /** Something that was durable is missing or fails its checksum: this node must not vote as its former self. */
  | { readonly type: 'damaged'; readonly detail: string }
  | StoreFailure

/** The disk said no, or another process has the store. `code` is stable. */
export interface StoreFailure {
  readonly type: 'failed'
  /** `damaged`: a record read after `load` fails its checksum. `locked`: another process has the store, or took it away. */
  readonly code: 'io-error' | 'disk-full' | 'damaged' | 'locked' | 'closed' | 'unknown-format'
  readonly detail: string
}
