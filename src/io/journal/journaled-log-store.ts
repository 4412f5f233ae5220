import { randomInt } from 'node:crypto'
import { assert, present } from '#base/assert.ts'
import { Deque } from '#base/deque.ts'
import type { Entry, LogIndex } from '#core/raft/types.ts'
import { adviceFor, failureOf, StoreFault } from '#io/store-fault.ts'
import type { LoadOutcome, LogStore, SnapshotBytes, StoreBatch, StoreFailure } from '#ports/log-store.ts'
import { decodeBatches } from './batch-codec.ts'
import type { JournaledBatch } from './batch-codec.ts'
import { decodeBearings } from './bearings.ts'
import type { Bearings } from './bearings.ts'
import { createJournal, JournalFile, seizeJournal, tidyJournals } from './journal-file.ts'
import { Pipeline } from './pipeline.ts'
import { replay } from './replay.ts'
import type { Loaded } from './replay.ts'
import { scan } from './scan.ts'

export interface JournaledLogStoreOptions {
  /** Where the journal lies; there already once `beneath` is loaded, and locked by it. */
  readonly folder: string
  /** Keeps the batches in the long run. */
  readonly beneath: LogStore
}

type SnapshotRequest = Parameters<LogStore['readSnapshot']>[0]

const closed: StoreFailure = { type: 'failed', code: 'closed', detail: 'the store is closed' }

/**
 * A log store whose small batches are durable with one sync: they are appended to a journal, and given to the store beneath later, many at
 * once. docs/storage.md has its format and promises.
 */
export class JournaledLogStore implements LogStore {
  readonly forgetsSlots = false
  readonly #folder: string
  readonly #beneath: LogStore
  /** In the order they were asked; each waits until the commits that were asked for before it are settled. */
  readonly #reads = new Deque<{ readonly after: number; readonly run: (failure: StoreFailure | null) => void }>()
  #loading: Promise<void> | null = null
  #pipeline: Pipeline | null = null
  #refusal: StoreFailure | null = null

  constructor({ folder, beneath }: JournaledLogStoreOptions) {
    this.#folder = folder
    this.#beneath = beneath
  }

  load(done: (outcome: LoadOutcome) => void): void {
    assert(this.#loading === null && this.#refusal === null, 'a store is loaded once')
    this.#loading = this.#load().then(done)
  }

  commit(batch: StoreBatch, done: (failure: StoreFailure | null) => void): void {
    const failure = this.#refusal ?? this.#open().failure
    if (failure === null) this.#open().commit(batch, done)
    else queueMicrotask(() => done(failure))
  }

  readSnapshot(request: SnapshotRequest, done: (chunk: SnapshotBytes | null | StoreFailure) => void): void {
    this.#read((answer) => this.#beneath.readSnapshot(request, answer), done)
  }

  readEntry(group: number, index: LogIndex, done: (entry: Entry | null | StoreFailure) => void): void {
    this.#read((answer) => {
      if (this.#open().backlog.concerns(group, index)) this.#open().checkpoint()
      this.#beneath.readEntry(group, index, answer)
    }, done)
  }

  close(done: () => void): void {
    assert(this.#refusal?.code !== 'closed', 'a store is closed once')
    this.#refusal = closed
    if (this.#loading === null) this.#beneath.close(done)
    else void this.#loading.then(() => this.#shut(done))
  }

  #shut(done: () => void): void {
    if (this.#pipeline === null) this.#beneath.close(done)
    else this.#pipeline.drain(() => this.#beneath.close(done))
  }

  async #load(): Promise<LoadOutcome> {
    const outcome = await new Promise<LoadOutcome>((resolve) => this.#beneath.load(resolve))
    if (outcome.type !== 'loaded') {
      this.#refusal ??= outcome.type === 'failed' ? outcome : { ...outcome, type: 'failed', code: 'damaged' }
      return outcome
    }
    try {
      return await this.#recover(outcome)
    } catch (error) {
      const failure = failureOf(error, `the journal in ${this.#folder}`)
      this.#refusal ??= failure
      return failure.code === 'damaged' ? { type: 'damaged', detail: `${failure.detail} ${adviceFor(this.#folder)}` } : failure
    }
  }

  /** What the last life left in its journal goes to the store beneath before a new journal is begun. */
  async #recover(beneath: Loaded): Promise<Loaded> {
    const bearings = bearingsOf(beneath)
    const left = bearings === null ? [] : await this.#left(bearings)
    const loaded = replay({ ...beneath, node: bearings?.node ?? null }, left)
    const journal = randomInt(2 ** 32)
    await createJournal(this.#folder, journal)
    const pipeline = new Pipeline({
      beneath: this.#beneath,
      file: new JournalFile(this.#folder, journal),
      journal,
      node: loaded.node,
      settled: () => this.#serveReads(),
    })
    this.#pipeline = pipeline
    const failure = await pipeline.begin(left)
    if (failure !== null) throw new StoreFault(failure.code, failure.detail)
    await tidyJournals(this.#folder, journal)
    return loaded
  }

  async #left({ journal, position }: Bearings): Promise<JournaledBatch[]> {
    const outcome = scan(await seizeJournal(this.#folder, journal), journal, position)
    if (outcome.type === 'found') return outcome.payloads.map(decodeBatches)
    throw new StoreFault('damaged', `record ${outcome.number} of the journal fails its checksum, and later ones are there.`)
  }

  #open(): Pipeline {
    return present(this.#pipeline, 'a store is loaded before it is used')
  }

  #read<T extends object | null>(
    ask: (answer: (result: T | StoreFailure) => void) => void,
    done: (result: T | StoreFailure) => void,
  ): void {
    const refusal = this.#refusal
    if (refusal !== null) {
      queueMicrotask(() => done(refusal))
      return
    }
    const pipeline = this.#open()
    const answer = (result: T | StoreFailure): void => {
      if (isFailure(result)) pipeline.fail(result)
      done(result)
    }
    this.#reads.push({ after: pipeline.asked, run: (failure) => (failure === null ? ask(answer) : done(failure)) })
    if (this.#reads.length === 1) queueMicrotask(() => this.#serveReads())
  }

  #serveReads(): void {
    const pipeline = this.#open()
    for (let read = this.#reads.at(0); read !== undefined; read = this.#reads.at(0)) {
      if (pipeline.failure === null && read.after > pipeline.settled) return
      this.#reads.shift()
      read.run(pipeline.failure)
    }
  }
}

const isFailure = (result: object | null): result is StoreFailure => result !== null && 'type' in result && result.type === 'failed'

function bearingsOf({ node }: Loaded): Bearings | null {
  if (node === null) return null
  const bearings = decodeBearings(node)
  if (bearings === null)
    throw new StoreFault('unknown-format', 'the record of the journal has a format that a newer version of this program wrote.')
  return bearings
}
