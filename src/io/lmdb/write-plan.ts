import { assert, present } from '#base/assert.ts'
import { logIndex } from '#core/raft/types.ts'
import type { Entry, LogIndex, LogRange, SnapshotMeta } from '#core/raft/types.ts'
import { entryBytes } from '#io/entry-codec/entries.ts'
import { recordOf } from '#io/entry-codec/record.ts'
import type { Compaction, FetchedBodies, GroupWrite, StoreBatch } from '#ports/log-store.ts'
import type { StreamId } from './keys.ts'
import { chunkKey, groupKey, nodeKey, storeKey, tailKey, tombstoneKey } from './keys.ts'
import { encodeGroup, encodeStore, encodeTail } from './state-records.ts'
import type { FetchedStream, StoredSnapshot } from './state-records.ts'
import { clipped } from './live-ranges.ts'
import type { Cut } from './log-sweep.ts'
import { GroupState } from './store-state.ts'
import type { StoreState } from './store-state.ts'
import type { Put, Transaction, Truncation } from './transaction.ts'
import { runsOf } from './transaction.ts'

/** What may be done at leisure once the transaction is durable. */
export type Chore = { readonly type: 'drop'; readonly stream: StreamId } | ({ readonly type: 'compact'; readonly stream: StreamId } & Cut)

/** What is pending for one log: `entries` follow what is on disk once that was cut. */
interface PendingLog {
  truncateFrom: LogIndex | null
  entries: Entry[]
}

/**
 * The net effect of one or more batches, as one transaction. Taking a batch in moves the state of the store ahead at once; a plan
 * that fails leaves it wrong, and that is as well, for nothing is written after a failure.
 */
export class WritePlan {
  readonly chores: Chore[] = []
  readonly #state: StoreState
  readonly #touched = new Set<number>()
  readonly #tails = new Set<GroupState>()
  readonly #records = new Set<GroupState>()
  readonly #logs = new Map<StreamId, PendingLog>()
  readonly #chunks = new Map<StreamId, { readonly offset: number; readonly bytes: Uint8Array }[]>()
  readonly #removed = new Set<number>()
  readonly #tombstones = new Map<number, Uint8Array>()
  #node: Uint8Array | null = null
  #storeChanged = false
  #bytes = 0

  constructor(state: StoreState) {
    this.#state = state
  }

  /** About how much there is to write. */
  get bytes(): number {
    return this.#bytes
  }

  touches(group: number): boolean {
    return this.#touched.has(group)
  }

  add({ node, groups }: StoreBatch): void {
    if (node !== null) this.#replaceNode(node)
    for (const write of groups) this.#addGroup(write)
  }

  seal(): Transaction {
    const puts: Put[] = []
    const truncations: Truncation[] = []
    for (const [stream, { truncateFrom, entries }] of this.#logs) {
      if (truncateFrom !== null) truncations.push({ stream, from: truncateFrom })
      puts.push(...runsOf(stream, entries))
    }
    for (const [stream, chunks] of this.#chunks) for (const { offset, bytes } of chunks) putBytes(puts, chunkKey(stream, offset), bytes)
    for (const state of this.#tails) puts.push({ key: tailKey(state.group), record: encodeTail(state.group, state.last) })
    for (const state of this.#records) puts.push({ key: groupKey(state.group), record: encodeGroup(state.group, state.record) })
    for (const [group, bytes] of this.#tombstones) putBytes(puts, tombstoneKey(group), bytes)
    if (this.#node !== null) putBytes(puts, nodeKey, this.#node)
    if (this.#storeChanged) puts.push({ key: storeKey, record: encodeStore(this.#state.record) })
    const removals = [...this.#removed].flatMap((group) => [groupKey(group), tailKey(group)])
    return { truncations, removals, puts }
  }

  #replaceNode(node: Uint8Array): void {
    this.#node = node
    this.#bytes += node.length
    if (this.#state.node) return
    this.#state.node = true
    this.#storeChanged = true
  }

  #addGroup(write: GroupWrite): void {
    this.#touched.add(write.group)
    if (write.remove !== null) {
      this.#remove(write.group, write.remove.tombstone)
      return
    }
    const state = this.#state.groups.get(write.group) ?? this.#create(write.group)
    if (write.hardState !== null) state.hardState = write.hardState
    if (write.about !== null) state.about = write.about
    if (write.hardState !== null || write.about !== null) this.#changed(state)
    if (write.snapshotChunk !== null) this.#addChunk(state, write.snapshotChunk)
    if (write.bodies !== null) this.#fetch(state, write.bodies)
    if (write.install !== null) this.#install(state, write.install)
    if (write.truncateFrom !== null) this.#truncate(state, write.truncateFrom)
    if (write.entries.length > 0) this.#append(state, write.entries)
    if (write.compact !== null) this.#compact(state, write.compact)
  }

  #create(group: number): GroupState {
    const state = new GroupState(group, this.#newStream())
    this.#state.groups.set(group, state)
    this.#removed.delete(group)
    this.#changed(state)
    this.#tails.add(state)
    return state
  }

  #remove(group: number, tombstone: Uint8Array): void {
    const state = this.#state.groups.get(group)
    if (state !== undefined) {
      for (const stream of state.streams()) this.#drop(stream)
      this.#state.groups.delete(group)
      this.#records.delete(state)
      this.#tails.delete(state)
      this.#removed.add(group)
    }
    this.#state.tombstones.add(group)
    this.#tombstones.set(group, tombstone)
    this.#storeChanged = true
  }

  #addChunk(state: GroupState, { index, term, offset, bytes }: NonNullable<GroupWrite['snapshotChunk']>): void {
    const known = state.partials.find((partial) => partial.index === index && partial.term === term)
    if (offset === 0) {
      const others = state.partials.filter((partial) => partial !== known)
      if (known !== undefined) this.#drop(known.stream)
      // One of its own and one from a leader is all that a replica writes at a time.
      if (others.length > 1) this.#drop(present(others.shift(), 'there are two').stream)
      const begun = { stream: this.#newStream(), index, term, length: bytes.length }
      state.partials = [...others, begun]
      this.#changed(state)
      this.#putChunk(begun.stream, offset, bytes)
      return
    }
    assert(known?.length === offset, 'chunks of a snapshot come in order, without a gap')
    state.partials = state.partials.map((partial) => (partial === known ? { ...known, length: offset + bytes.length } : partial))
    this.#putChunk(known.stream, offset, bytes)
  }

  #putChunk(stream: StreamId, offset: number, bytes: Uint8Array): void {
    if (bytes.length === 0) return
    const chunks = this.#chunks.get(stream)
    if (chunks === undefined) this.#chunks.set(stream, [{ offset, bytes }])
    else chunks.push({ offset, bytes })
    this.#bytes += bytes.length
  }

  #fetch(state: GroupState, { anew, after, upTo, entries }: FetchedBodies): void {
    if (anew && state.fetched !== null) this.#drop(state.fetched.stream)
    const fetched = anew ? { stream: this.#newStream(), after, upTo: after } : state.fetched
    assert(fetched?.upTo === after, 'bodies come in order, without a gap')
    state.fetched = { ...fetched, upTo }
    const log = this.#pending(fetched.stream)
    for (const entry of entries) {
      log.entries.push(entry)
      this.#bytes += entryBytes(entry)
    }
    this.#changed(state)
  }

  #install(state: GroupState, meta: SnapshotMeta): void {
    const replaced = state.streams()
    state.snapshot = this.#complete(state, meta)
    if (state.fetched === null) state.formerLogs = []
    else this.#adopt(state, state.fetched, meta.index)
    state.restartLog(state.fetched?.stream ?? this.#newStream(), { index: meta.index, term: meta.term })
    state.kept = []
    state.partials = []
    state.fetched = null
    const used = state.streams()
    for (const stream of replaced) if (!used.includes(stream)) this.#drop(stream)
    this.#tails.add(state)
    this.#changed(state)
  }

  /** What was fetched becomes the beginning of the new log; the one before stays as far as the fetching counted on it. */
  #adopt(state: GroupState, { stream, after, upTo }: FetchedStream, index: LogIndex): void {
    if (upTo > index) this.#cut(stream, logIndex(index + 1))
    if (after === 0) return
    this.#cut(state.log, logIndex(after + 1))
    state.formerLogs = [...state.formerLogs, { stream: state.log, upTo: after }]
  }

  /** The snapshot whose last chunk has come. */
  #complete(state: GroupState, meta: SnapshotMeta): StoredSnapshot {
    const partial = state.partials.find(({ index, term }) => index === meta.index && term === meta.term)
    assert((partial?.length ?? 0) === meta.bytes, 'a snapshot is named when all of it was written')
    return { stream: partial?.stream ?? this.#newStream(), meta }
  }

  #truncate(state: GroupState, from: LogIndex): void {
    if (from > state.last.index) return
    this.#cut(state.log, from)
    state.truncate(from)
    this.#tails.add(state)
  }

  #cut(stream: StreamId, from: LogIndex): void {
    const log = this.#pending(stream)
    const first = log.entries.findIndex(({ index }) => index >= from)
    if (first > 0) log.entries.length = first
    else if (first === 0 || log.entries.length === 0) {
      log.entries = []
      log.truncateFrom = Math.min(log.truncateFrom ?? from, from) as LogIndex
    }
  }

  #append(state: GroupState, entries: readonly Entry[]): void {
    const log = this.#pending(state.log)
    for (const entry of entries) {
      state.append(entry)
      log.entries.push(entry)
      this.#bytes += entryBytes(entry)
    }
    this.#tails.add(state)
  }

  #compact(state: GroupState, { snapshot, dropUpTo, dropTerm, live, dead, keepSnapshots }: Compaction): void {
    assert(dropUpTo <= snapshot.index, 'a log is dropped as far as a snapshot stands for it')
    const previous = state.snapshot
    const isNew = previous?.meta.index !== snapshot.index || previous.meta.term !== snapshot.term
    if (isNew) state.snapshot = this.#complete(state, snapshot)
    this.#supersede(state, isNew ? previous : null, keepSnapshots)
    const former = state.base.index
    state.rebase({ index: dropUpTo, term: dropTerm })
    if (dead === null) this.#forgetEmptyLogs(state, live)
    let from = 1
    for (const { stream, upTo } of [...state.formerLogs, { stream: state.log, upTo: dropUpTo }]) {
      const within = { from: logIndex(from), to: upTo }
      const after = logIndex(Math.min(former, upTo))
      this.chores.push({
        type: 'compact',
        stream,
        after,
        upTo,
        live: clipped(live, within),
        dead: dead === null ? null : clipped(dead, within),
      })
      from = upTo + 1
    }
    if (state.fetched !== null) this.#drop(state.fetched.stream)
    state.fetched = null
    this.#changed(state)
  }

  #forgetEmptyLogs(state: GroupState, live: readonly LogRange[]): void {
    let after = 0
    state.formerLogs = state.formerLogs.filter(({ stream, upTo }) => {
      const isNeeded = live.some(({ from, to }) => from <= upTo && to > after)
      after = upTo
      if (!isNeeded) this.#drop(stream)
      return isNeeded
    })
  }

  /** Older snapshots go, unless they are still read. */
  #supersede(state: GroupState, previous: StoredSnapshot | null, keep: readonly LogIndex[]): void {
    const current = present(state.snapshot, 'a newer snapshot is there')
    const older = previous === null ? state.kept : [previous, ...state.kept]
    state.kept = older.filter(({ meta }) => keep.includes(meta.index))
    for (const snapshot of older) if (!state.kept.includes(snapshot)) this.#drop(snapshot.stream)
    for (const { index, stream } of state.partials) if (index <= current.meta.index && stream !== current.stream) this.#drop(stream)
    state.partials = state.partials.filter(({ index }) => index > current.meta.index)
  }

  #pending(stream: StreamId): PendingLog {
    const known = this.#logs.get(stream)
    if (known !== undefined) return known
    const log = { truncateFrom: null, entries: [] }
    this.#logs.set(stream, log)
    return log
  }

  #drop(stream: StreamId): void {
    this.#logs.delete(stream)
    this.#chunks.delete(stream)
    this.chores.push({ type: 'drop', stream })
  }

  #newStream(): StreamId {
    this.#storeChanged = true
    return this.#state.newStream()
  }

  #changed(state: GroupState): void {
    this.#records.add(state)
    this.#bytes += 512
  }
}

function putBytes(puts: Put[], key: Uint8Array, bytes: Uint8Array): void {
  puts.push({ key, record: recordOf(key, bytes) })
}
