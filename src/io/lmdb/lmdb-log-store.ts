import { join } from 'node:path'
import { assert, present } from '#base/assert.ts'
import { Deque } from '#base/deque.ts'
import type { Entry, LogIndex } from '#core/raft/types.ts'
import type { LoadOutcome, LogStore, SnapshotBytes, StoreBatch, StoreFailure } from '#ports/log-store.ts'
import { Chores } from './chores.ts'
import { Environment } from './environment.ts'
import { groupKey, storeKey } from './keys.ts'
import { limits } from './limits.ts'
import { loadStore } from './load.ts'
import { LockFile } from './lock-file.ts'
import { Pace } from './pace.ts'
import type { SnapshotRequest } from './reader.ts'
import { Reader } from './reader.ts'
import { encodeGroup, encodeStore } from './state-records.ts'
import { adviceFor, failureOf } from './store-fault.ts'
import type { StoreState } from './store-state.ts'
import { perform } from './transaction.ts'
import type { Transaction } from './transaction.ts'
import { WritePlan } from './write-plan.ts'

export interface LmdbLogStoreOptions {
  /** Made when it is not there; belongs to this store alone. */
  readonly folder: string
}

type CommitDone = (failure: StoreFailure | null) => void

/** What one transaction will hold, and whom to tell. */
interface Pending {
  readonly plan: WritePlan
  readonly done: CommitDone[]
}

interface Opened {
  readonly environment: Environment
  readonly state: StoreState
  readonly reader: Reader
}

const closed: StoreFailure = { type: 'failed', code: 'closed', detail: 'the store is closed' }

/**
 * The log store on LMDB: one pipeline of durable transactions for all groups of a node. docs/storage.md has formats and figures.
 *
 * Commits gather in a plan. At the end of the turn, or when the transaction under way is durable, the plan becomes the next
 * transaction: group commit. A small one runs right there on the event loop, a large one on LMDB's thread. There is one at a time, so
 * that the event loop never waits for the lock of LMDB's thread.
 */
export class LmdbLogStore implements LogStore {
  readonly #folder: string
  readonly #chores = new Chores()
  readonly #pace = new Pace()
  readonly #pending = new Deque<Pending>()
  readonly #reads = new Deque<{ readonly group: number; readonly run: () => void }>()
  #lock: LockFile | null = null
  #opened: Opened | null = null
  /** On LMDB's thread. */
  #underWay: Pending | null = null
  #failure: StoreFailure | null = null
  #flush: 'none' | 'at-end-of-turn' | 'next-turn' = 'none'
  #closing: (() => void) | null = null

  constructor({ folder }: LmdbLogStoreOptions) {
    this.#folder = folder
  }

  load(done: (outcome: LoadOutcome) => void): void {
    assert(this.#lock === null && this.#opened === null, 'a store is loaded once')
    void this.#load().then(done)
  }

  commit(batch: StoreBatch, done: CommitDone): void {
    const failure = this.#closing === null ? this.#failure : closed
    if (failure !== null) {
      queueMicrotask(() => done(failure))
      return
    }
    const { state } = present(this.#opened, 'a store is loaded before it is written')
    let last = this.#pending.at(this.#pending.length - 1)
    if (last === undefined || last.plan.bytes >= limits.transactionBytesMax) {
      last = { plan: new WritePlan(state), done: [] }
      this.#pending.push(last)
    }
    last.plan.add(batch)
    last.done.push(done)
    this.#schedule()
  }

  readSnapshot(request: SnapshotRequest, done: (chunk: SnapshotBytes | null | StoreFailure) => void): void {
    this.#read(request.group, (reader) => reader.snapshot(request), done)
  }

  readEntry(group: number, index: LogIndex, done: (entry: Entry | null | StoreFailure) => void): void {
    this.#read(group, (reader) => reader.entry(group, index), done)
  }

  close(done: () => void): void {
    assert(this.#closing === null, 'a store is closed once')
    this.#closing = done
    this.#schedule()
  }

  async #load(): Promise<LoadOutcome> {
    let environment: Environment | null = null
    try {
      const lock = new LockFile(join(this.#folder, 'store.lock'))
      this.#lock = lock
      environment = new Environment(this.#folder)
      const { state, outcome, garbage, outdated } = await loadStore(environment)
      const puts = outdated.map(({ group, record }) => ({ key: groupKey(group), record: encodeGroup(group, record) }))
      puts.push({ key: storeKey, record: encodeStore(state.record) })
      environment.claim(Buffer.from(lock.token), puts)
      for (const stream of garbage) this.#chores.add({ type: 'drop', stream })
      this.#opened = { environment, state, reader: new Reader(environment, state) }
      this.#schedule()
      return outcome
    } catch (error) {
      this.#failure = this.#explain(failureOf(error, `opening ${this.#folder}`))
      await environment?.close()
      this.#lock?.release()
      this.#lock = null
      return this.#failure.code === 'damaged' ? { type: 'damaged', detail: this.#failure.detail } : this.#failure
    }
  }

  /** Runs once no commit that was asked for before is still open for the group. */
  #read<T>(group: number, read: (reader: Reader) => T, done: (result: T | StoreFailure) => void): void {
    if (this.#closing !== null) {
      queueMicrotask(() => done(closed))
      return
    }
    const { reader } = present(this.#opened, 'a store is loaded before it is read')
    const run = (): void => {
      let result: T | StoreFailure
      try {
        result = read(reader)
      } catch (error) {
        result = this.#explain(failureOf(error, `reading ${this.#folder}`))
        this.#fail(result)
      }
      done(result)
    }
    this.#reads.push({ group, run })
    if (this.#reads.length === 1) queueMicrotask(() => this.#serveReads())
  }

  #serveReads(): void {
    for (let read = this.#reads.at(0); read !== undefined && !this.#isOpenFor(read.group); read = this.#reads.at(0)) {
      this.#reads.shift()
      read.run()
    }
  }

  #isOpenFor(group: number): boolean {
    if (this.#underWay?.plan.touches(group) === true) return true
    for (const { plan } of this.#pending) if (plan.touches(group)) return true
    return false
  }

  /** One transaction at the end of a turn; whoever asks for the next one meanwhile waits until others have had theirs. */
  #schedule(): void {
    if (this.#flush !== 'none' || this.#underWay !== null) return
    this.#flush = 'at-end-of-turn'
    queueMicrotask(() => {
      this.#flush = 'next-turn'
      setImmediate(() => {
        this.#flush = 'none'
        if (this.#hasWork()) this.#schedule()
      })
      this.#run()
    })
  }

  #hasWork(): boolean {
    return this.#pending.length > 0 || this.#closing !== null || (this.#chores.pending && this.#failure === null)
  }

  #run(): void {
    if (this.#underWay !== null || this.#opened === null) {
      if (this.#opened === null) this.#finishClosing()
      return
    }
    const { environment, reader } = this.#opened
    const next = this.#pending.shift() ?? null
    if (next === null && (this.#closing !== null || this.#failure !== null)) {
      this.#finishClosing()
      return
    }
    const pending = next ?? { plan: new WritePlan(this.#opened.state), done: [] }
    this.#underWay = pending
    try {
      const transaction = this.#seal(pending, environment, next === null)
      if (transaction.rewrites) reader.forget()
      if (next !== null && (transaction.truncations.length > 0 || this.#pace.inline(next.plan.bytes))) this.#runInline(pending, transaction)
      else void this.#runOnThread(pending, transaction)
    } catch (error) {
      this.#underWay = null
      this.#fail(this.#explain(failureOf(error, `writing ${this.#folder}`)), pending)
    }
  }
}
