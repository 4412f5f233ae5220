import { present } from '#base/assert.ts'
import type { Entry, LogIndex } from '#core/raft/types.ts'
import { copyEntry } from '#io/entry-codec/entries.ts'
import type { SnapshotBytes } from '#ports/log-store.ts'
import type { Environment } from './environment.ts'
import type { StreamId } from './keys.ts'
import { readChunkAt, readRun, runKeyAt } from './records.ts'
import type { StoredSnapshot } from './state-records.ts'
import { StoreFault } from '#io/store-fault.ts'
import type { StoreState } from './store-state.ts'

export interface SnapshotRequest {
  readonly group: number
  readonly index: LogIndex
  readonly offset: number
  readonly bytesMax: number
}

/**
 * Reads of single entries and of snapshots, in two steps: where to look is found when the read is asked for, when the state holds just the
 * commits made before; the look itself is taken once these are durable. What was dropped in between is not there. What it hands out is
 * the caller's.
 */
export class Reader {
  readonly #environment: Environment
  readonly #state: StoreState
  /** The run read last: neighbours are asked for one after the other. */
  #recent: { readonly stream: StreamId; readonly entries: readonly Entry[] } | null = null

  constructor(environment: Environment, state: StoreState) {
    this.#environment = environment
    this.#state = state
  }

  /** A run on disk was rewritten or removed. */
  forget(): void {
    this.#recent = null
  }

  entry(group: number, index: LogIndex): () => Entry | null {
    const state = this.#state.groups.get(group)
    if (state === undefined || index > state.last.index) return () => null
    const log = state.logWith(index)
    return () => {
      const found = this.#run(log, index).find((entry) => entry.index === index)
      return found === undefined ? null : copyEntry(found)
    }
  }

  snapshot(request: SnapshotRequest): () => SnapshotBytes | null {
    const { group, index, offset } = request
    const snapshot = this.#snapshotAt(group, index)
    if (snapshot === null || offset > snapshot.meta.bytes) return () => null
    return () => (this.#snapshotAt(group, index)?.stream === snapshot.stream ? this.#chunk(snapshot, request) : null)
  }

  #snapshotAt(group: number, index: LogIndex): StoredSnapshot | null {
    return this.#state.groups.get(group)?.snapshotAt(index) ?? null
  }

  #chunk(snapshot: StoredSnapshot, { group, offset, bytesMax }: SnapshotRequest): SnapshotBytes {
    if (offset === snapshot.meta.bytes) return { bytes: new Uint8Array(0), last: true }
    const chunk = readChunkAt(this.#environment, snapshot.stream, offset)
    const bytes = new Uint8Array(chunk?.bytes.subarray(offset - chunk.offset, offset - chunk.offset + bytesMax) ?? [])
    if (bytes.length === 0) throw new StoreFault('damaged', `group ${group}: the snapshot chunk with offset ${offset} is missing.`)
    return { bytes, last: offset + bytes.length === snapshot.meta.bytes }
  }

  #run(stream: StreamId, index: LogIndex): readonly Entry[] {
    const recent = this.#recent
    if (recent?.stream === stream && isWithin(recent.entries, index)) return recent.entries
    const key = runKeyAt(this.#environment, stream, index)
    if (key === undefined) return []
    const entries = readRun(this.#environment, key)
    this.#recent = { stream, entries }
    return entries
  }
}

const isWithin = (entries: readonly Entry[], index: LogIndex): boolean =>
  index >= present(entries[0], 'a run has an entry').index && index <= present(entries.at(-1), 'a run has an entry').index
