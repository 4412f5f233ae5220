import { assert } from '#base/assert.ts'
import type { Entry, LogIndex } from '#core/raft/types.ts'
import { copyEntry } from '#io/entry-codec/entries.ts'
import type { LoadOutcome, LogStore, SnapshotBytes, StoreBatch, StoreFailure } from '#ports/log-store.ts'
import { MemoryDisk } from './memory-disk.ts'

const closed: StoreFailure = { type: 'failed', code: 'closed', detail: 'the store is closed' }
const locked: StoreFailure = { type: 'failed', code: 'locked', detail: 'another store is open on this memory' }

/** The log store for the `memory` engine, where a process's end is the end of its data, and for tests, which reopen its disk. */
export class MemoryLogStore implements LogStore {
  readonly forgetsSlots = false
  readonly #disk: MemoryDisk
  #state: 'new' | 'open' | 'closed' = 'new'
  #failure: StoreFailure | null = null

  constructor(disk: MemoryDisk = new MemoryDisk()) {
    this.#disk = disk
  }

  load(done: (outcome: LoadOutcome) => void): void {
    assert(this.#state === 'new', 'a store is loaded once')
    const { groups, tombstones, inUse } = this.#disk
    if (inUse) {
      this.#failure = locked
      queueMicrotask(() => done(locked))
      return
    }
    this.#state = 'open'
    this.#disk.inUse = true
    const outcome: LoadOutcome = {
      type: 'loaded',
      node: this.#disk.node,
      groups: [...groups].map(([group, stored]) => stored.stored(group)).sort((left, right) => left.group - right.group),
      tombstones: [...tombstones].map(([group, tombstone]) => ({ group, tombstone })).sort((left, right) => left.group - right.group),
    }
    // What no restart brings back.
    for (const group of groups.values()) {
      group.partials = group.partials.filter(({ index }) => index > group.last)
      group.snapshots = group.snapshots.filter(({ index }) => index === group.snapshot?.index)
    }
    queueMicrotask(() => done(outcome))
  }

  commit(batch: StoreBatch, done: (failure: StoreFailure | null) => void): void {
    this.#failure ??= this.#disk.failure
    const failure = this.#refusal
    if (failure === null) this.#disk.apply(batch)
    queueMicrotask(() => done(failure))
  }

  readSnapshot(
    request: { readonly group: number; readonly index: LogIndex; readonly offset: number; readonly bytesMax: number },
    done: (chunk: SnapshotBytes | null | StoreFailure) => void,
  ): void {
    const { group, index, offset, bytesMax } = request
    const result = this.#refusal ?? this.#disk.groups.get(group)?.snapshotBytes(index, offset, bytesMax) ?? null
    queueMicrotask(() => done(result))
  }

  readEntry(group: number, index: LogIndex, done: (entry: Entry | null | StoreFailure) => void): void {
    const entry = this.#disk.groups.get(group)?.entries.get(index)
    const result = this.#refusal ?? (entry === undefined ? null : copyEntry(entry))
    queueMicrotask(() => done(result))
  }

  get #refusal(): StoreFailure | null {
    return this.#state === 'closed' ? closed : this.#failure
  }

  close(done: () => void): void {
    assert(this.#state !== 'closed', 'a store is closed once')
    if (this.#state === 'open') this.#disk.inUse = false
    this.#state = 'closed'
    queueMicrotask(done)
  }
}
