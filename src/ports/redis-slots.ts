import type { Millis } from '#base/brand.ts'
import type { Entry, LogIndex, Term } from '#core/raft/types.ts'

/**
 * What the Redis engine asks of Redis: who is there, who owns which slot, and each slot's log and snapshot.
 *
 * Calls are made within a *session*: connections to servers whose identity does not change. `up` begins one, `down` ends it, and what was
 * asked within it and has not been answered by then ends as `broken`. Nothing is ever sent again from here (decision Q4): after a break the
 * caller asserts its ownership anew and compares.
 *
 * Every write is one atomic step of the server, and is answered `done` only when it is durable as this installation demands: the confirmation
 * follows the write on the same connection. A write that finds nothing to change writes all the same, for a confirmation covers only what
 * this connection has written.
 * Calls report through callbacks, exactly once each and never before they return.
 */
export interface RedisSlots {
  /** Connects, and again whenever a session has ended. Events come one at a time, `up` first, then `down` and `up` in turn. */
  start(events: RedisEvents): void
  /** Ends the session for a reason that the caller has found; another is begun. */
  reset(reason: string): void
  stop(done: () => void): void

  /** The cluster that is there, or that of the proposal, from now on. A write. */
  found(proposal: ClusterRecord, done: Replied<ClusterRecord>): void
  /** Writes this member's record in place of its last one, and tells all there are. A write. */
  beat(member: MemberRecord, done: Replied<readonly MemberRecord[]>): void
  /** Ids under which the last `beat` found no member's record: they count as not there. */
  readonly unreadable: readonly string[]
  /** Forgets members that have not been heard of since these beats, or one that leaves. A write. */
  forget(members: readonly MemberRecord[], done: Replied<null>): void
  /** Slots 1 to `slots`, in order; each as it is at some moment. */
  readTable(slots: number, done: Replied<readonly SlotRecord[]>): void

  /** Makes `owner` the owner in the next epoch, if the slot is still as expected and has not failed. A write. */
  claim(slot: number, expected: Ownership, owner: string, done: Replied<Claimed>): void
  /** Makes the ownership hold again, unless another owner has it in this epoch or anybody in a higher one. A write. */
  assertOwner(slot: number, ownership: Ownership, done: Replied<Claimed>): void
  /** Leaves the slot without an owner, in the same epoch. A write, as are all below but for the reads. */
  release(slot: number, ownership: Ownership, done: Replied<Fenced>): void
  /** Marks the slot as failed: nobody can claim it until a person has taken the mark away. */
  fail(slot: number, ownership: Ownership, reason: string, done: Replied<Fenced>): void

  /**
   * Appends the entries right behind `previous`, if that is the end of the log. When the end is this very batch already, that is answered as
   * `written` too. Entries are in order, without a gap, and share the batch's id.
   */
  append(slot: number, ownership: Ownership, batch: Batch, done: Replied<Appended>): void
  /** Entries from `from` on, at most to `to`, in order: as many as fit in a bounded answer, and at least one where there is one. */
  readLog(slot: number, range: { readonly from: LogIndex; readonly to: LogIndex }, done: Replied<readonly LoggedEntry[] | Damaged>): void
  /** Also one that is kept behind the snapshot. */
  readEntry(slot: number, index: LogIndex, done: Replied<Entry | null | Damaged>): void

  /** Chunk 0 begins the snapshot at this place anew; it must not be the place of the one that counts. */
  writeChunk(slot: number, ownership: Ownership, chunk: SnapshotChunk, done: Replied<Fenced>): void
  /** From now on this snapshot counts, and the log begins behind it. `incomplete`: not all its chunks are there, and nothing was written. */
  install(slot: number, ownership: Ownership, snapshot: SnapshotRecord, done: Replied<Fenced | 'incomplete'>): void
  readChunk(slot: number, place: SnapshotPlace, chunk: number, done: Replied<Uint8Array | Damaged>): void
  /** Entries behind the snapshot that go, and those that are kept for `readEntry`; both at most `trimMax`. */
  trim(slot: number, ownership: Ownership, trim: Trim, done: Replied<Fenced>): void
  /** Ascending indexes of what is kept behind the log, from `after` on, exclusive: at most `trimMax`. */
  readKept(slot: number, after: LogIndex, done: Replied<readonly LogIndex[]>): void
}

/** Work of one trim is bounded: Redis does nothing else meanwhile. */
export const trimMax = 1_000

export interface RedisEvents {
  up(session: RedisSession): void
  /** Why the session ended, or could not begin, for people. */
  down(reason: string): void
}

export interface RedisSession {
  /** Changes when a server was restarted, or another one has taken its place (`run_id`, `master_replid`). */
  readonly identity: string
  readonly servers: readonly ServerSettings[]
}

/** What decides whether an answer of the server means that something is durable; null where the server does not say. */
export interface ServerSettings {
  readonly address: string
  readonly version: string
  readonly role: string
  readonly appendonly: string | null
  readonly appendfsync: string | null
  readonly maxmemoryPolicy: string | null
  /** That follow it now. */
  readonly replicas: number
}

export type Reply<Value> =
  | { readonly type: 'done'; readonly value: Value }
  /** Carried out, but not confirmed to be durable in time: it may be lost. */
  | { readonly type: 'unconfirmed' }
  /** The session has ended: perhaps carried out. */
  | { readonly type: 'broken' }

export type Replied<Value> = (reply: Reply<Value>) => void

export interface ClusterRecord {
  readonly id: string
  /** Fixed for life. */
  readonly slots: number
}

export interface MemberRecord {
  /** Name and incarnation: `queue-node-1/00f1e2d3c4b5a697`. */
  readonly id: string
  readonly address: string
  /** The newest machine version it can run (decision R9). */
  readonly version: number
  /** Another number with each record. */
  readonly beat: number
}

/** Who owns a slot, and since which change of owners. */
export interface Ownership {
  /** Id of a member; null for none. */
  readonly owner: string | null
  /** 0 for a slot that nobody has owned yet. */
  readonly epoch: Term
}

/** The end of a log: an index, and the id of the batch that wrote it. Two logs that agree there agree before it. */
export interface Tail {
  readonly index: LogIndex
  /** Empty at index 0. */
  readonly batch: string
}

export interface SlotRecord extends Ownership {
  readonly tail: Tail
  /** Null when the log starts at index 1. */
  readonly snapshot: SnapshotRecord | null
  /** Behind the snapshot everything up to here was either dropped or is kept. */
  readonly trimmed: LogIndex
  /** Why the slot has failed; null for one that has not. */
  readonly failed: string | null
}

/** `held`: the ownership that was asked for is there now. `lost`: it is not, and this is how the slot stands. */
export interface Claimed {
  readonly type: 'held' | 'lost'
  readonly slot: SlotRecord
}

/** `lost`: another owner or epoch is there, and nothing was written. */
export type Fenced = 'written' | 'lost'

/** `elsewhere`: the log ends somewhere else than behind which the batch belongs, and nothing was written. */
export type Appended = Fenced | 'elsewhere'

export interface Batch {
  readonly id: string
  readonly previous: Tail
  readonly entries: readonly Entry[]
}

export interface LoggedEntry {
  readonly entry: Entry
  readonly batch: string
}

/** There are two, so that one can be written while the other counts. */
export type SnapshotPlace = 'a' | 'b'

export interface SnapshotChunk {
  readonly place: SnapshotPlace
  /** Of the snapshot. */
  readonly index: LogIndex
  readonly number: number
  readonly bytes: Uint8Array
}

export interface SnapshotRecord {
  readonly place: SnapshotPlace
  readonly chunks: number
  readonly bytes: number
  /** Of the last entry in it. */
  readonly index: LogIndex
  readonly epoch: Term
  readonly time: Millis
}

export interface Trim {
  readonly drop: readonly LogIndex[]
  readonly keep: readonly LogIndex[]
  /** What is done with when this is. */
  readonly trimmed: LogIndex
}

/** Something that must be there is not, or its checksum is wrong. */
export interface Damaged {
  readonly type: 'damaged'
  readonly detail: string
}
