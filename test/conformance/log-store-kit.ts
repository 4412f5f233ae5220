import { equal, ok } from 'node:assert/strict'
import { millis, wallMillis } from '#base/brand.ts'
import { logIndex, replicaId, term } from '#core/raft/types.ts'
import type { Entry, LogIndex, LogRange, SnapshotMeta } from '#core/raft/types.ts'
import { emptyWrite } from '#ports/log-store.ts'
import type { GroupWrite, LoadOutcome, LogStore, SnapshotBytes, StoreBatch, StoredGroup, StoreFailure } from '#ports/log-store.ts'

/** A place where a store can be opened again and again; what it keeps outlives the store. */
export interface TestDisk {
  open(): LogStore
  /** Removes what is kept. */
  dispose(): void
}

/** One claim about a store, on a place of its own. */
export type Check = (name: string, body: (disk: TestDisk) => Promise<void>) => void

type Loaded = Extract<LoadOutcome, { type: 'loaded' }>

export const batchOf = (...writes: readonly (Partial<GroupWrite> & { readonly group: number })[]): StoreBatch => ({
  node: null,
  groups: writes.map((write) => ({ ...emptyWrite(write.group), ...write })),
})

/** Bytes that tell `seed` and position apart. */
export const bytesOf = (length: number, seed: number): Uint8Array =>
  new Uint8Array(length).map((_, position) => (seed * 31 + position * 7 + (position >> 8)) & 0xff)

export const entryAt = (index: number, options: { readonly term?: number; readonly bytes?: Uint8Array } = {}): Entry => ({
  index: logIndex(index),
  term: term(options.term ?? 1),
  time: millis(index * 1.5),
  wall: wallMillis(1_700_000_000_000 + index),
  payload: { type: 'command', bytes: options.bytes ?? bytesOf(20, index) },
})

/** Entries `first` to `last`. */
export const entriesOf = (first: number, last: number, options: { readonly term?: number; readonly length?: number } = {}): Entry[] =>
  Array.from({ length: last - first + 1 }, (_, position) => {
    const index = first + position
    return entryAt(index, { term: options.term ?? 1, bytes: bytesOf(options.length ?? 20, index + 100 * (options.term ?? 1)) })
  })

export const metaAt = (index: number, bytes: number, ofTerm = 1): SnapshotMeta => ({
  index: logIndex(index),
  term: term(ofTerm),
  time: millis(index * 1.5),
  membership: { voters: [replicaId('a'), replicaId('b')], outgoing: [], learners: [replicaId('c')] },
  membershipIndex: logIndex(Math.min(index, 1)),
  bytes,
})

export const chunkOf = (
  meta: Pick<SnapshotMeta, 'index' | 'term'>,
  offset: number,
  bytes: Uint8Array,
): NonNullable<GroupWrite['snapshotChunk']> => ({ index: meta.index, term: meta.term, offset, bytes })

export const compactTo = (
  snapshot: SnapshotMeta,
  options: {
    readonly dropUpTo: number
    readonly dropTerm?: number
    readonly live?: readonly number[]
    readonly dead?: readonly number[]
    readonly keep?: readonly number[]
  },
): NonNullable<GroupWrite['compact']> => ({
  snapshot,
  dropUpTo: logIndex(options.dropUpTo),
  dropTerm: term(options.dropTerm ?? 1),
  live: rangesOf(options.live ?? []),
  dead: options.dead === undefined ? null : rangesOf(options.dead),
  keepSnapshots: (options.keep ?? []).map(logIndex),
})

/** Ascending indexes as ranges, as few as they can be. */
export function rangesOf(indexes: readonly number[]): LogRange[] {
  const starts = indexes.filter((index, at) => indexes[at - 1] !== index - 1)
  const ends = indexes.filter((index, at) => indexes[at + 1] !== index + 1)
  return starts.map((from, at) => ({ from: logIndex(from), to: logIndex(ends[at] ?? from) }))
}

/** A store as promises. `load` fails a test unless the store loads. */
export class OpenStore {
  readonly store: LogStore

  constructor(store: LogStore) {
    this.store = store
  }

  load(): Promise<LoadOutcome> {
    return new Promise((resolve) => this.store.load(resolve))
  }

  async loaded(): Promise<Loaded> {
    const outcome = await this.load()
    ok(outcome.type === 'loaded', 'detail' in outcome ? outcome.detail : outcome.type)
    return outcome
  }

  tryCommit(batch: StoreBatch): Promise<StoreFailure | null> {
    return new Promise((resolve) => this.store.commit(batch, resolve))
  }

  async commit(...writes: readonly (Partial<GroupWrite> & { readonly group: number })[]): Promise<void> {
    equal(await this.tryCommit(batchOf(...writes)), null)
  }

  entry(group: number, index: number): Promise<Entry | null | StoreFailure> {
    return new Promise((resolve) => this.store.readEntry(group, logIndex(index), resolve))
  }

  chunk(
    group: number,
    index: number,
    range: { readonly offset: number; readonly bytesMax: number },
  ): Promise<SnapshotBytes | null | StoreFailure> {
    return new Promise((resolve) => this.store.readSnapshot({ group, index: logIndex(index), ...range }, resolve))
  }

  /** A whole snapshot, in reads of `bytesMax`. */
  async snapshot(group: number, index: number, bytesMax = 1 << 20): Promise<Uint8Array | null> {
    const parts: Uint8Array[] = []
    for (let offset = 0; ;) {
      const chunk = await this.chunk(group, index, { offset, bytesMax })
      if (chunk === null) return null
      ok('last' in chunk, 'a snapshot can be read')
      ok(chunk.bytes.length <= bytesMax && (chunk.last || chunk.bytes.length > 0), 'a read is bounded and gets on')
      parts.push(chunk.bytes)
      offset += chunk.bytes.length
      if (chunk.last) return new Uint8Array(Buffer.concat(parts))
    }
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.store.close(resolve))
  }
}

export async function openOn(disk: TestDisk): Promise<OpenStore> {
  const open = new OpenStore(disk.open())
  await open.loaded()
  return open
}

/** What another life of the store finds of a group. */
export async function groupAfter(open: OpenStore, disk: TestDisk, group: number): Promise<{ open: OpenStore; stored: StoredGroup }> {
  await open.close()
  const next = new OpenStore(disk.open())
  const { groups } = await next.loaded()
  const stored = groups.find((candidate) => candidate.group === group)
  ok(stored !== undefined, 'the group is there')
  return { open: next, stored }
}

export const indexesOf = (entries: readonly Entry[]): readonly LogIndex[] => entries.map(({ index }) => index)

/** Dead entries go at the store's leisure: here when it has nothing else to do. */
export async function untilGone(open: OpenStore, index: number): Promise<void> {
  for (let turn = 0; turn < 20_000; turn++) {
    if ((await open.entry(1, index)) === null) return
    await new Promise((resolve) => void setImmediate(resolve))
  }
  throw new Error(`the dead entry at ${index} is still there`)
}
