import { assert, present } from '#base/assert.ts'
import type { Prng } from '#base/prng.ts'
import { logIndex, term } from '#core/raft/types.ts'
import type { Entry, HardState, LogIndex, LogRange, SnapshotMeta, Term } from '#core/raft/types.ts'
import type {
  Compaction,
  FetchedBodies,
  GroupWrite,
  LoadOutcome,
  LogStore,
  SnapshotBytes,
  StoreBatch,
  StoredGroup,
  StoreFailure,
} from '#ports/log-store.ts'
import type { Machine } from './machine.ts'
import type { Scheduler } from './scheduler.ts'

/**
 * The disk of a simulated machine: a commit takes a while to become durable; a crash loses those under way, or keeps some of the oldest of them
 * although nobody was told. It can be slow, hang, fail, fill up, rot, or be lost with everything on it.
 */
export class Disk {
  readonly #scheduler: Scheduler
  readonly #machine: Machine
  readonly #prng: Prng
  readonly totals = { commits: 0, lostCommits: 0, failures: 0, hangs: 0 }
  #content: Content = emptyContent()
  #pending: Pending[] = []
  #syncMs = { min: 0.1, mean: 0.5 }
  #hungUntil = 0
  #lastSync = 0
  #rotten: string | null = null
  #failure: StoreFailure | null = null
  #failing: StoreFailure | null = null

  constructor(options: { scheduler: Scheduler; machine: Machine; prng: Prng }) {
    this.#scheduler = options.scheduler
    this.#machine = options.machine
    this.#prng = options.prng
  }

  get content(): Readonly<Content> {
    return this.#content
  }

  setSpeed(syncMs: { readonly min: number; readonly mean: number }): void {
    this.#syncMs = syncMs
  }

  hang(forMs: number): void {
    this.totals.hangs++
    this.#hungUntil = this.#scheduler.now + forMs
  }

  /** The next commit fails. */
  fail(failure: StoreFailure): void {
    this.#failing = failure
  }

  /** Ends a failure that was only announced, and a hang. */
  mend(): void {
    this.#failing = null
    this.#hungUntil = 0
  }

  rot(detail: string): void {
    this.#rotten = detail
  }

  wipe(): void {
    this.#content = emptyContent()
    this.#pending = []
    this.#rotten = null
  }

  /** Keeps a prefix of what was under way: it had reached the disk, only the answer was still to come. */
  crash(): void {
    const kept = this.#pending.length === 0 ? 0 : this.#prng.between(0, this.#pending.length)
    for (const { batch } of this.#pending.slice(0, kept)) this.#apply(batch)
    this.totals.lostCommits += this.#pending.length - kept
    this.#pending = []
    this.#failing = null
    this.#failure = null
    this.#hungUntil = 0
  }

  /** The store of the process that lives on the machine now. */
  open(): LogStore {
    const { life } = this.#machine
    const later = (delayMs: number, call: () => void): void => {
      this.#scheduler.after(delayMs, () => this.#machine.run(life, call))
    }
    return {
      forgetsSlots: false,
      load: (done) => later(1, () => done(this.#load())),
      commit: (batch, done) => this.#commit(batch, life, done),
      readSnapshot: ({ group, index, offset, bytesMax }, done) => {
        later(0.2, () => done(this.#isReplaced(group, index) ? null : this.#readSnapshot(group, index, { offset, bytesMax })))
      },
      readEntry: (group, index, done) => later(0.2, () => done(this.#content.groups.get(group)?.entries.get(index) ?? null)),
      close: (done) => later(0, done),
    }
  }

  #load(): LoadOutcome {
    if (this.#rotten !== null) return { type: 'damaged', detail: this.#rotten }
    const { node, groups, tombstones } = this.#content
    return {
      type: 'loaded',
      node,
      groups: [...groups].map(([group, content]) => storedGroup(group, content)),
      tombstones: [...tombstones].map(([group, tombstone]) => ({ group, tombstone })),
    }
  }

  #commit(batch: StoreBatch, life: number, done: (failure: StoreFailure | null) => void): void {
    if (this.#failing !== null && this.#failure === null) {
      this.#failure = this.#failing
      this.totals.failures++
    }
    const failure = this.#failure
    const { min, mean } = this.#syncMs
    const wish = this.#scheduler.now + min - Math.log(1 - this.#prng.float()) * mean
    const at = Math.max(wish, this.#lastSync, this.#hungUntil)
    this.#lastSync = at
    const pending: Pending = { batch }
    if (failure === null) this.#pending.push(pending)
    this.#scheduler.at(at, () => {
      if (life !== this.#machine.life) return
      if (failure === null) {
        assert(this.#pending.shift() === pending, 'commits become durable in order')
        this.#apply(pending.batch)
        this.totals.commits++
      }
      this.#machine.run(life, () => done(failure))
    })
  }

  #apply(batch: StoreBatch): void {
    if (batch.node !== null) this.#content.node = batch.node
    for (const write of batch.groups) applyWrite(this.#content, write)
  }

  /** A store forgets a snapshot when it is asked to write what replaces it, and not when that is durable. */
  #isReplaced(group: number, index: LogIndex): boolean {
    return this.#pending.some(({ batch }) => batch.groups.some((write) => write.group === group && replaces(write, index)))
  }

  #readSnapshot(group: number, index: LogIndex, range: { offset: number; bytesMax: number }): SnapshotBytes | null {
    const snapshot = this.#content.groups.get(group)?.snapshots.get(index)
    if (snapshot === undefined || snapshot.meta === null) return null
    const bytes = snapshot.bytes.slice(range.offset, range.offset + range.bytesMax)
    return { bytes, last: range.offset + bytes.length >= snapshot.bytes.length }
  }
}

interface Pending {
  readonly batch: StoreBatch
}

interface Content {
  node: Uint8Array | null
  readonly groups: Map<number, GroupContent>
  readonly tombstones: Map<number, Uint8Array>
}

interface GroupContent {
  about: Uint8Array | null
  hardState: HardState
  base: { index: LogIndex; term: Term }
  readonly entries: Map<number, Entry>
  last: number
  newest: SnapshotMeta | null
  fetched: { readonly after: LogIndex; readonly upTo: LogIndex; readonly entries: Map<number, Entry> } | null
  readonly snapshots: Map<LogIndex, { term: Term; bytes: Uint8Array; meta: SnapshotMeta | null }>
}

const emptyContent = (): Content => ({ node: null, groups: new Map(), tombstones: new Map() })

const emptyGroup = (): GroupContent => ({
  about: null,
  hardState: { term: term(0), vote: null },
  base: { index: logIndex(0), term: term(0) },
  entries: new Map(),
  last: 0,
  newest: null,
  fetched: null,
  snapshots: new Map(),
})

function applyWrite(content: Content, write: GroupWrite): void {
  if (write.remove !== null) {
    content.groups.delete(write.group)
    content.tombstones.set(write.group, write.remove.tombstone)
    return
  }
  const group = content.groups.get(write.group) ?? emptyGroup()
  content.groups.set(write.group, group)
  if (write.about !== null) group.about = write.about
  if (write.hardState !== null) group.hardState = write.hardState
  if (write.snapshotChunk !== null) writeChunk(group, write.snapshotChunk)
  if (write.bodies !== null) fetch(group, write.bodies)
  if (write.install !== null) install(group, write.install)
  if (write.truncateFrom !== null) truncate(group, write.truncateFrom)
  for (const entry of write.entries) {
    assert(entry.index === group.last + 1, 'the log on disk has no gap')
    group.entries.set(entry.index, entry)
    group.last = entry.index
  }
  if (write.compact !== null) compact(group, write.compact)
}

function writeChunk(group: GroupContent, chunk: NonNullable<GroupWrite['snapshotChunk']>): void {
  const known = group.snapshots.get(chunk.index)
  const before = chunk.offset === 0 ? new Uint8Array(0) : present(known, 'chunks come in order').bytes
  assert(before.length === chunk.offset, 'chunks leave no gap')
  group.snapshots.set(chunk.index, { term: chunk.term, bytes: Buffer.concat([before, chunk.bytes]), meta: null })
}

function complete(group: GroupContent, meta: SnapshotMeta, keep: readonly LogIndex[]): void {
  const snapshot = present(group.snapshots.get(meta.index), 'a snapshot is named after its chunks are there')
  assert(snapshot.bytes.length === meta.bytes, 'a snapshot is complete when it is named')
  snapshot.meta = meta
  group.newest = meta
  for (const [index, other] of group.snapshots) {
    if (index < meta.index && !keep.includes(index)) group.snapshots.delete(index)
    else if (index < meta.index && other.meta === null) group.snapshots.delete(index)
  }
}

function fetch(group: GroupContent, { anew, after, upTo, entries }: FetchedBodies): void {
  const fetched = anew ? { after, upTo: after, entries: new Map<number, Entry>() } : group.fetched
  assert(fetched?.upTo === after, 'bodies come in order, without a gap')
  for (const entry of entries) fetched.entries.set(entry.index, entry)
  group.fetched = { ...fetched, upTo }
}

function replaces({ install: installed, compact: compacted }: GroupWrite, index: LogIndex): boolean {
  const isOther = (snapshot: SnapshotMeta | undefined): boolean => snapshot !== undefined && snapshot.index !== index
  return isOther(installed ?? undefined) || (isOther(compacted?.snapshot) && compacted?.keepSnapshots.includes(index) !== true)
}

function install(group: GroupContent, meta: SnapshotMeta): void {
  complete(group, meta, [])
  const { after = 0, entries = [] } = group.fetched ?? {}
  for (const index of group.entries.keys()) if (index > after) group.entries.delete(index)
  for (const [index, entry] of entries) if (index <= meta.index) group.entries.set(index, entry)
  group.fetched = null
  group.base = { index: meta.index, term: meta.term }
  group.last = meta.index
}

function truncate(group: GroupContent, from: LogIndex): void {
  for (let index = group.last; index >= from; index--) group.entries.delete(index)
  group.last = Math.min(group.last, from - 1)
}

function compact(group: GroupContent, { snapshot, dropUpTo, dropTerm, live, dead, keepSnapshots }: Compaction): void {
  complete(group, snapshot, keepSnapshots)
  const stays = (index: number): boolean => (dead !== null && index <= group.base.index ? !includes(dead, index) : includes(live, index))
  for (const index of group.entries.keys()) if (index <= dropUpTo && !stays(index)) group.entries.delete(index)
  group.fetched = null
  if (dropUpTo > group.base.index) group.base = { index: dropUpTo, term: dropTerm }
}

const includes = (ranges: readonly LogRange[], index: number): boolean => ranges.some(({ from, to }) => index >= from && index <= to)

function storedGroup(group: number, content: GroupContent): StoredGroup {
  const { about, hardState, base, newest, last, fetched } = content
  const entries: Entry[] = []
  for (let index = base.index + 1; index <= last; index++) entries.push(present(content.entries.get(index), 'the log on disk has no gap'))
  const partial = [...content.snapshots].find(([index, { meta }]) => meta === null && index > last)
  return {
    group,
    about,
    hardState,
    snapshot: newest,
    base,
    entries,
    partial: partial === undefined ? null : { index: partial[0], term: partial[1].term, offset: partial[1].bytes.length },
    bodies: fetched === null ? null : { after: fetched.after, upTo: fetched.upTo },
  }
}
