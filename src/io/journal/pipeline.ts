import { assert } from '#base/assert.ts'
import { Deque } from '#base/deque.ts'
import { failureOf } from '#io/store-fault.ts'
import { emptyWrite } from '#ports/log-store.ts'
import type { LogStore, StoreBatch, StoreFailure } from '#ports/log-store.ts'
import { Backlog, merged } from './backlog.ts'
import { batchBytes, encodeBatches, isJournaled } from './batch-codec.ts'
import type { JournaledBatch } from './batch-codec.ts'
import { encodeBearings } from './bearings.ts'
import type { JournalFile } from './journal-file.ts'
import { limits } from './limits.ts'
import { pagesFor, recordHeaderBytes, sealRecord } from './record.ts'
import type { Position } from './ring.ts'
import { Ring } from './ring.ts'

type CommitDone = (failure: StoreFailure | null) => void

interface Pending {
  readonly batch: StoreBatch
  /** About; infinite when the batch goes to the store beneath. */
  readonly bytes: number
  readonly done: CommitDone
}

export interface PipelineOptions {
  readonly beneath: LogStore
  readonly file: JournalFile
  readonly journal: number
  /** The node's own record. */
  readonly node: Uint8Array | null
  /** Commits were settled. */
  readonly settled: () => void
}

/**
 * One durable write at a time, in the order of the commits. Those that arrive in one turn, or while a write is under way, share a record.
 * A batch that the journal may not hold goes to the store beneath, with everything before it; what comes after waits.
 */
export class Pipeline {
  readonly backlog = new Backlog()
  readonly #options: PipelineOptions
  readonly #ring = new Ring(limits.pages)
  readonly #waiting = new Deque<Pending>()
  #node: Uint8Array | null
  /** After the last record that is durable. */
  #durable: Position
  #asked = 0
  #settledCount = 0
  #failure: StoreFailure | null = null
  /** Commits that are being written. */
  #underWay: readonly Pending[] = []
  #scheduled = false
  /** Checkpoints that are not durable yet. */
  #checkpoints = 0
  #timer: NodeJS.Timeout | null = null
  #drained: (() => void) | null = null

  constructor(options: PipelineOptions) {
    this.#options = options
    this.#node = options.node
    this.#durable = this.#ring.position
  }

  get failure(): StoreFailure | null {
    return this.#failure
  }
  /** How many commits were asked for, and how many of those have reported. */
  get asked(): number {
    return this.#asked
  }
  get settled(): number {
    return this.#settledCount
  }

  /** Gives the store beneath what an earlier journal held, and names this one there. */
  async begin(left: readonly JournaledBatch[]): Promise<StoreFailure | null> {
    const groups = left.flatMap((batch) => batch.groups.map((write) => ({ ...emptyWrite(write.group), ...write })))
    return new Promise((resolve) => this.#giveBeneath({ node: null, groups }, resolve))
  }

  commit(batch: StoreBatch, done: CommitDone): void {
    assert(this.#failure === null && this.#drained === null, 'nothing is written after a failure or the end')
    const bytes = isJournaled(batch) ? batchBytes(batch) : Number.POSITIVE_INFINITY
    this.#waiting.push({ batch, bytes, done })
    this.#asked++
    this.#schedule()
  }

  /** Gives the store beneath all that is durable here and not there. */
  checkpoint(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    if (this.backlog.empty || this.#failure !== null) return
    this.#giveBeneath(this.backlog.take(), (failure) => {
      if (failure !== null) this.fail(failure)
      this.#schedule()
    })
  }

  /** The first failure stays; whoever waits hears of it, in order. */
  fail(failure: StoreFailure): void {
    this.#failure ??= failure
    if (this.#underWay.length > 0) return
    for (let pending = this.#waiting.shift(); pending !== undefined; pending = this.#waiting.shift()) {
      this.#settledCount++
      pending.done(this.#failure)
    }
    this.#options.settled()
  }

  /** Calls once nothing is under way, and the store beneath has everything. */
  drain(done: () => void): void {
    this.#drained = done
    this.#schedule()
  }

  #schedule(): void {
    if (this.#scheduled || this.#underWay.length > 0) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      this.#run()
    })
  }

  #run(): void {
    const first = this.#waiting.at(0)
    if (first === undefined || this.#failure !== null) this.#rest()
    else if (first.bytes > limits.batchBytesMax) this.#writeBeneath(first)
    else this.#writeRecord()
  }

  #writeBeneath(first: Pending): void {
    this.#waiting.shift()
    this.#underWay = [first]
    this.#giveBeneath(merged([this.backlog.take(), first.batch]), (failure) => this.#settle(failure))
  }

  #writeRecord(): void {
    const gathered = this.#gather()
    const batches = gathered.map(({ batch }) => batch)
    const record = encodeBatches(batches, recordHeaderBytes)
    const page = this.#ring.place(pagesFor(record.length))
    if (page === null) {
      // The end of a checkpoint goes on here.
      this.checkpoint()
      assert(this.#checkpoints > 0, 'a journal without a backlog has room')
      return
    }
    for (const _ of gathered) this.#waiting.shift()
    this.#underWay = gathered
    const { position } = this.#ring
    sealRecord(record, this.#options.journal, position.number)
    this.#options.file.write(record, page, (thrown) => {
      if (thrown === null) {
        this.#durable = position
        this.#remember(batches, record.length)
      }
      this.#settle(thrown === null ? null : failureOf(thrown, 'the journal'))
    })
  }

  /** As many waiting commits as share a record. */
  #gather(): readonly Pending[] {
    const gathered: Pending[] = []
    let bytes = 0
    for (const pending of this.#waiting) {
      bytes += pending.bytes
      if (pending.bytes > limits.batchBytesMax || bytes > limits.recordBytesMax) break
      gathered.push(pending)
    }
    return gathered
  }

  #remember(batches: readonly StoreBatch[], bytes: number): void {
    for (const batch of batches) this.backlog.add(batch, bytes / batches.length)
    if (this.backlog.bytes >= limits.checkpointBytes && this.#checkpoints === 0) this.checkpoint()
    else this.#timer ??= setTimeout(() => this.checkpoint(), limits.checkpointMs).unref()
  }

  #settle(failure: StoreFailure | null): void {
    const settled = this.#underWay
    this.#underWay = []
    if (failure !== null) this.#failure ??= failure
    for (const { done } of settled) {
      this.#settledCount++
      done(this.#failure)
    }
    if (this.#failure !== null) this.fail(this.#failure)
    this.#options.settled()
    this.#schedule()
  }

  /** With the position that the store beneath then has come to; what lies before it may be overwritten. */
  #giveBeneath(batch: StoreBatch, done: CommitDone): void {
    const { beneath, journal } = this.#options
    const position = this.#durable
    this.#node = batch.node ?? this.#node
    this.#checkpoints++
    beneath.commit({ node: encodeBearings({ journal, position, node: this.#node }), groups: batch.groups }, (failure) => {
      this.#checkpoints--
      if (failure === null) this.#ring.release(position.number)
      done(failure)
    })
  }

  #rest(): void {
    if (this.#drained === null) return
    if (!this.backlog.empty && this.#failure === null) this.checkpoint()
    if (this.#checkpoints > 0) return
    this.#options.file.close(this.#drained)
    this.#drained = null
  }
}
