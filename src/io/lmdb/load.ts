import type { Entry } from '#core/raft/types.ts'
import { logIndex } from '#core/raft/types.ts'
import type { LoadOutcome, StoredGroup } from '#ports/log-store.ts'
import type { Environment } from './environment.ts'
import type { StreamId } from './keys.ts'
import { chunksOf, groupKey, nodeKey, positionOf, runsFrom, storeKey, streamOf, streamsFrom, tailKey, tombstoneKey } from './keys.ts'
import { limits } from './limits.ts'
import { readPayload, readRun, requirePayload, runKeyAt } from './records.ts'
import { decodeGroup, decodeStore, decodeTail } from './state-records.ts'
import type { GroupRecord, Point } from './state-records.ts'
import { StoreFault } from '#io/store-fault.ts'
import { emptyStore, GroupState, StoreState } from './store-state.ts'

export interface Loaded {
  readonly state: StoreState
  readonly outcome: Extract<LoadOutcome, { type: 'loaded' }>
  /** Streams with records that nothing refers to. */
  readonly garbage: readonly StreamId[]
  /** Groups whose record still names garbage, and must not do so when that is deleted. */
  readonly outdated: readonly GroupState[]
}

/**
 * Reads and verifies everything that a node starts from, and lets other things happen in between.
 *
 * A transaction is atomic in LMDB, so there is no torn tail to forgive: whatever is missing or fails its checksum was durable once, be it
 * at the end of a log or in its middle. What shows it: the checksum of each record; no gap between entries; the tail marker, written in the same
 * transaction as the entries; the list of groups and tombstones in the record of the store; the length of a snapshot.
 * Throws a fault whose message is a sentence.
 */
export async function loadStore(environment: Environment): Promise<Loaded> {
  return new Loader(environment).load()
}

class Loader {
  readonly #environment: Environment
  readonly #outdated: GroupState[] = []
  #bytesThisTurn = 0

  constructor(environment: Environment) {
    this.#environment = environment
  }

  async load(): Promise<Loaded> {
    const payload = readPayload(this.#environment, storeKey)
    if (payload === undefined && !this.#environment.empty) throw new StoreFault('damaged', 'the record of the store is missing.')
    const record = payload === undefined ? emptyStore : decodeStore(payload)
    const state = new StoreState(record)
    const groups: StoredGroup[] = []
    for (const group of record.groups) groups.push(await named(group, () => this.#loadGroup(group, state)))
    const tombstones = record.tombstones.map((group) => ({
      group,
      tombstone: new Uint8Array(requirePayload(this.#environment, tombstoneKey(group))),
    }))
    const node = record.node ? new Uint8Array(requirePayload(this.#environment, nodeKey)) : null
    return { state, outcome: { type: 'loaded', node, groups, tombstones }, garbage: this.#garbage(state), outdated: this.#outdated }
  }

  async #loadGroup(group: number, store: StoreState): Promise<StoredGroup> {
    const record = decodeGroup(requirePayload(this.#environment, groupKey(group)))
    const tail = decodeTail(requirePayload(this.#environment, tailKey(group)))
    const state = new GroupState(group, record.log)
    store.groups.set(group, state)
    const entries = await this.#loadLog(state, record, tail)
    if (record.snapshot !== null) await this.#checkSnapshot(record.snapshot.stream, record.snapshot.meta.bytes)
    state.about = record.about
    state.hardState = record.hardState
    state.snapshot = record.snapshot
    state.fetched = record.fetched
    state.formerLogs = record.formerLogs
    const partial = await this.#loadPartial(state, record)
    const { about, hardState, base, fetched } = record
    const bodies = fetched === null ? null : { after: fetched.after, upTo: fetched.upTo }
    return { group, about, hardState, snapshot: record.snapshot?.meta ?? null, base, entries, partial, bodies }
  }

  /** The entries after the base; each follows the one before, and the last is the one that the tail marker names. */
  async #loadLog(state: GroupState, { log, base }: GroupRecord, tail: Point): Promise<Entry[]> {
    state.restartLog(log, base)
    const entries: Entry[] = []
    let from = runKeyAt(this.#environment, log, logIndex(base.index + 1))
    let keys = from === undefined ? this.#runsAfter(log, base.index) : [from]
    while (keys.length > 0) {
      for (const key of keys) {
        this.#takeRun(state, key, entries)
        if (this.#isDue(limits.runBytesMax)) await turn()
      }
      from = keys.at(-1)
      keys = from === undefined ? [] : this.#runsAfter(log, positionOf(from))
    }
    if (state.last.index === tail.index && state.last.term === tail.term) return entries
    const found = `index ${state.last.index} (term ${state.last.term})`
    throw new StoreFault('damaged', `the log ends at ${found}, but its tail marker says index ${tail.index} (term ${tail.term}).`)
  }

  #runsAfter(log: StreamId, index: number): Uint8Array[] {
    return this.#environment.keys(runsFrom(log, logIndex(index + 1)), 256)
  }

  /** Entries at or before the base are live ones; they are verified when they are read. */
  #takeRun(state: GroupState, key: Uint8Array, entries: Entry[]): void {
    for (const entry of readRun(this.#environment, key)) {
      if (entry.index <= state.base.index) continue
      if (entry.index !== state.last.index + 1) {
        throw new StoreFault('damaged', `log records between index ${state.last.index} and index ${entry.index} are missing.`)
      }
      if (entry.term < state.last.term)
        throw new StoreFault('damaged', `the entry at index ${entry.index} is of an older term than the one before.`)
      state.append(entry)
      entries.push(entry)
    }
  }

  async #checkSnapshot(stream: StreamId, bytes: number): Promise<void> {
    const length = await this.#lengthOf(stream)
    if (length !== bytes) throw new StoreFault('damaged', `of a snapshot of ${bytes} bytes ${length} are there.`)
  }

  /** How far the chunks of a snapshot reach, each verified. */
  async #lengthOf(stream: StreamId): Promise<number> {
    let length = 0
    for (const key of this.#environment.keys(chunksOf(stream), Number.MAX_SAFE_INTEGER)) {
      if (positionOf(key) !== length)
        throw new StoreFault('damaged', `a snapshot chunk between ${length} and ${positionOf(key)} is missing.`)
      const chunk = requirePayload(this.#environment, key)
      length += chunk.length
      if (this.#isDue(chunk.length)) await turn()
    }
    return length
  }

  /** Only a received snapshot reaches beyond the log: the rest is garbage. */
  async #loadPartial(state: GroupState, { partials }: GroupRecord): Promise<StoredGroup['partial']> {
    const [best] = partials.filter(({ index }) => index > state.last.index).sort((left, right) => right.index - left.index)
    if (partials.length > (best === undefined ? 0 : 1)) this.#outdated.push(state)
    if (best === undefined) return null
    const { index, term, stream } = best
    const offset = await this.#lengthOf(stream)
    state.partials = [{ stream, index, term, length: offset }]
    return { index, term, offset }
  }

  /** Streams with records that no group refers to: what a crash left of a deletion, or of a snapshot never completed. */
  #garbage(state: StoreState): StreamId[] {
    const known = new Set([...state.groups.values()].flatMap((group) => group.streams()))
    const garbage = new Set<StreamId>()
    for (const kind of [0, 1]) {
      let next = 0
      for (;;) {
        const range = streamsFrom(next)[kind]
        const [key] = range === undefined ? [] : this.#environment.keys(range, 1)
        if (key === undefined) break
        const stream = streamOf(key)
        if (!known.has(stream)) garbage.add(stream)
        next = stream + 1
      }
    }
    return [...garbage]
  }

  #isDue(bytes: number): boolean {
    this.#bytesThisTurn += bytes
    if (this.#bytesThisTurn < limits.loadBytesPerTurn) return false
    this.#bytesThisTurn = 0
    return true
  }
}

const turn = async (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve)
  })

/** Says which group a fault is about. */
async function named<T>(group: number, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (error) {
    if (error instanceof StoreFault) throw new StoreFault(error.code, `group ${group}: ${error.message}`, error)
    throw error
  }
}
