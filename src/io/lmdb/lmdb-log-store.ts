import { statfsSync } from 'node:fs'
import { join } from 'node:path'
import { assert, present } from '#base/assert.ts'
import { Deque } from '#base/deque.ts'
import type { Entry, LogIndex } from '#core/raft/types.ts'
import type { LoadOutcome, LogStore, SnapshotBytes, StoreBatch, StoreFailure } from '#ports/log-store.ts'
import { Environment } from './environment.ts'
import { groupKey, storeKey } from './keys.ts'
import type { Loaded } from './load.ts'
import { loadStore } from './load.ts'
import { LockFile } from './lock-file.ts'
import { Pipeline } from './pipeline.ts'
import type { SnapshotRequest } from './reader.ts'
import { Reader } from './reader.ts'
import { encodeGroup, encodeStore } from './state-records.ts'
import { adviceFor, failureOf } from '#io/store-fault.ts'

export interface LmdbLogStoreOptions {
  /** Made when it is not there; belongs to this store alone. */
  readonly folder: string
  /** How many bytes the disk has left, asked before each transaction. */
  readonly freeBytes?: () => number
}

/** What a store consists of once it is loaded. */
interface Opened {
  readonly lock: LockFile
  readonly environment: Environment
  readonly pipeline: Pipeline
  readonly reader: Reader
}

const closed: StoreFailure = { type: 'failed', code: 'closed', detail: 'the store is closed' }

/** The log store on LMDB: docs/storage.md has its formats, promises and figures. */
export class LmdbLogStore implements LogStore {
  readonly forgetsSlots = false
  readonly #folder: string
  readonly #freeBytes: () => number
  readonly #reads = new Deque<{ readonly after: number; readonly run: () => void }>()
  #loading: Promise<void> | null = null
  #opened: Opened | null = null
  /** Why nothing can be asked of the store, at all or any more. */
  #refusal: StoreFailure | null = null

  constructor({ folder, freeBytes }: LmdbLogStoreOptions) {
    this.#folder = folder
    this.#freeBytes = freeBytes ?? ((): number => freeBytesOf(folder))
  }

  load(done: (outcome: LoadOutcome) => void): void {
    assert(this.#loading === null && this.#refusal === null, 'a store is loaded once')
    this.#loading = this.#load().then(done)
  }

  commit(batch: StoreBatch, done: (failure: StoreFailure | null) => void): void {
    const failure = this.#refusal ?? this.#open().pipeline.failure
    if (failure === null) this.#open().pipeline.commit(batch, done)
    else queueMicrotask(() => done(failure))
  }

  readSnapshot(request: SnapshotRequest, done: (chunk: SnapshotBytes | null | StoreFailure) => void): void {
    this.#read(request.group, (reader) => reader.snapshot(request), done)
  }

  readEntry(group: number, index: LogIndex, done: (entry: Entry | null | StoreFailure) => void): void {
    this.#read(group, (reader) => reader.entry(group, index), done)
  }

  close(done: () => void): void {
    assert(this.#refusal?.code !== 'closed', 'a store is closed once')
    this.#refusal = closed
    if (this.#loading === null) queueMicrotask(done)
    else void this.#loading.then(() => this.#shut(done))
  }

  #shut(done: () => void): void {
    if (this.#opened === null) {
      done()
      return
    }
    const { pipeline, environment, lock } = this.#opened
    pipeline.drain(() => {
      assert(this.#reads.length === 0, 'reads are answered before a store closes')
      void release(environment, lock).then(done)
    })
  }

  async #load(): Promise<LoadOutcome> {
    let lock: LockFile | null = null
    let environment: Environment | null = null
    try {
      lock = new LockFile(join(this.#folder, 'store.lock'))
      environment = new Environment({ folder: this.#folder, freeBytes: this.#freeBytes })
      // 1. A process that this one cannot see has the store. 2. This one reads a group. 3. That one votes, and says so. So it may begin no write any more from here on.
      environment.claim(Buffer.from(lock.token))
      const { state, outcome, garbage } = await loadUndisturbed(environment)
      const explain = (thrown: unknown): StoreFailure => this.#explain(thrown)
      const settled = (rewrote: boolean): void => this.#settled(rewrote)
      const pipeline = new Pipeline({ environment, state, garbage, explain, settled })
      this.#opened = { lock, environment, pipeline, reader: new Reader(environment, state) }
      return outcome
    } catch (error) {
      const failure = this.#explain(error)
      this.#refusal ??= failure
      await release(environment, lock)
      return failure.code === 'damaged' ? { type: 'damaged', detail: failure.detail } : failure
    }
  }

  #open(): Opened {
    return present(this.#opened, 'a store is loaded before it is used')
  }

  /** Answers once every commit to the group that was asked for before is durable. What `prepare` finds holds until then. */
  #read<T>(group: number, prepare: (reader: Reader) => () => T, done: (result: T | StoreFailure) => void): void {
    const refusal = this.#refusal
    if (refusal !== null) {
      queueMicrotask(() => done(refusal))
      return
    }
    const { reader, pipeline } = this.#open()
    const read = prepare(reader)
    const run = (): void => {
      let result: T | StoreFailure
      try {
        // After a failure, what is known of the store and what is on disk may differ.
        result = pipeline.failure ?? read()
      } catch (error) {
        result = this.#explain(error)
        pipeline.fail(result)
      }
      done(result)
    }
    this.#reads.push({ after: pipeline.lastWriteTo(group), run })
    if (this.#reads.length === 1) queueMicrotask(() => this.#serveReads())
  }

  #settled(rewrote: boolean): void {
    if (rewrote) this.#open().reader.forget()
    this.#serveReads()
  }

  #serveReads(): void {
    const { pipeline } = this.#open()
    for (let read = this.#reads.at(0); read !== undefined; read = this.#reads.at(0)) {
      if (pipeline.failure === null && !pipeline.isSettled(read.after)) return
      this.#reads.shift()
      read.run()
    }
  }

  #explain(thrown: unknown): StoreFailure {
    const failure = failureOf(thrown, `the store in ${this.#folder}`)
    return failure.code === 'damaged' ? { ...failure, detail: `${sentence(failure.detail)} ${adviceFor(this.#folder)}` } : failure
  }
}

/** Whoever had the store may have had a write under way when it lost it: then everything is read anew. */
async function loadUndisturbed(environment: Environment): Promise<Loaded> {
  for (;;) {
    const { lastTransaction } = environment
    const loaded = await loadStore(environment)
    let isUndisturbed = false
    environment.inline(() => {
      isUndisturbed = environment.lastTransaction === lastTransaction
      if (!isUndisturbed) return
      for (const { group, record } of loaded.outdated) environment.put(groupKey(group), encodeGroup(group, record))
      environment.put(storeKey, encodeStore(loaded.state.record))
    })
    if (isUndisturbed) return loaded
  }
}

async function release(environment: Environment | null, lock: LockFile | null): Promise<void> {
  await environment?.close()
  lock?.release()
}

function freeBytesOf(folder: string): number {
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith('.') ? '' : '.'}`
