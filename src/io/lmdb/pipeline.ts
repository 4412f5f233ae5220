import { assert } from '#base/assert.ts'
import { Deque } from '#base/deque.ts'
import type { StoreBatch, StoreFailure } from '#ports/log-store.ts'
import { Chores } from './chores.ts'
import type { Environment } from './environment.ts'
import type { StreamId } from './keys.ts'
import { limits } from './limits.ts'
import { Pace } from '#io/pace.ts'
import type { StoreState } from './store-state.ts'
import type { Transaction } from './transaction.ts'
import { perform } from './transaction.ts'
import { WritePlan } from './write-plan.ts'

type CommitDone = (failure: StoreFailure | null) => void

/** What one transaction holds, and whom to tell. */
interface Pending {
  /** Grows by one with every transaction. */
  readonly number: number
  readonly plan: WritePlan
  readonly done: CommitDone[]
}

export interface PipelineOptions {
  readonly environment: Environment
  readonly state: StoreState
  readonly garbage: readonly StreamId[]
  readonly explain: (thrown: unknown) => StoreFailure
  /** A transaction is over, callbacks included; `rewrote` when records that were there before may be others now. */
  readonly settled: (rewrote: boolean) => void
}

/**
 * Durable transactions, one at a time, in the order of the commits.
 *
 * Commits gather in a plan. At the end of the turn, or once the transaction under way is durable, the plan becomes the next
 * transaction: group commit. A small one runs right there on the event loop, a large one on LMDB's thread. Since there is only one,
 * the event loop never waits for the lock that LMDB's thread holds. Chores join transactions, and make their own when nothing else is to do.
 */
export class Pipeline {
  readonly #options: PipelineOptions
  readonly #chores = new Chores()
  readonly #pace = new Pace()
  readonly #waiting = new Deque<Pending>()
  #underWay: Pending | null = null
  #numbers = 0
  #settledUpTo = 0
  #failure: StoreFailure | null = null
  #flush: 'none' | 'at-end-of-turn' | 'next-turn' = 'none'
  /** Whom to tell that nothing is under way any more; `told` from then on. */
  #drained: (() => void) | 'told' | null = null

  constructor(options: PipelineOptions) {
    this.#options = options
    for (const stream of options.garbage) this.#chores.add({ type: 'drop', stream })
    this.#schedule()
  }

  get failure(): StoreFailure | null {
    return this.#failure
  }

  commit(batch: StoreBatch, done: CommitDone): void {
    assert(this.#failure === null && this.#drained === null, 'nothing is written after a failure or the end')
    let last = this.#waiting.at(this.#waiting.length - 1)
    if (last === undefined || last.plan.bytes >= limits.transactionBytesMax) {
      last = this.#newPending()
      this.#waiting.push(last)
    }
    last.plan.add(batch)
    last.done.push(done)
    this.#schedule()
  }

  /** The number of the newest transaction that writes to the group and is not durable yet; 0 when there is none. */
  lastWriteTo(group: number): number {
    let number = this.#underWay?.plan.touches(group) === true ? this.#underWay.number : 0
    for (const pending of this.#waiting) if (pending.plan.touches(group)) ({ number } = pending)
    return number
  }

  isSettled(number: number): boolean {
    return number <= this.#settledUpTo
  }

  /** The first failure stays. Whoever waits hears of it, in order; for what is under way on the thread it means "unknown". */
  fail(failure: StoreFailure): void {
    this.#failure ??= failure
    const open = this.#underWay === null ? [...this.#waiting] : [this.#underWay, ...this.#waiting]
    this.#waiting.clear()
    for (const done of open.flatMap((pending) => pending.done.splice(0))) done(this.#failure)
  }

  /** Calls once nothing is under way; chores are left for the next life of the store. */
  drain(done: () => void): void {
    this.#drained = done
    this.#schedule()
  }

  #newPending(): Pending {
    return { number: ++this.#numbers, plan: new WritePlan(this.#options.state), done: [] }
  }

  /** One transaction at the end of this turn; the next one not before others have had theirs. */
  #schedule(): void {
    if (this.#flush !== 'none' || this.#underWay !== null || !this.#hasWork) return
    this.#flush = 'at-end-of-turn'
    queueMicrotask(() => {
      this.#flush = 'next-turn'
      setImmediate(() => {
        this.#flush = 'none'
        this.#schedule()
      })
      this.#run()
    })
  }

  get #hasWork(): boolean {
    if (this.#waiting.length > 0) return true
    return this.#drained === null ? this.#chores.pending && this.#failure === null : this.#drained !== 'told'
  }

  #run(): void {
    const next = this.#waiting.shift()
    if (next === undefined && (this.#drained !== null || this.#failure !== null)) {
      const drained = this.#drained
      if (typeof drained === 'function') {
        this.#drained = 'told'
        drained()
      }
      return
    }
    const pending = next ?? this.#newPending()
    const { environment } = this.#options
    const startedAt = performance.now()
    this.#underWay = pending
    let rewrote = false
    let thrown: unknown = null
    try {
      const transaction = this.#seal(pending.plan, next === undefined)
      rewrote = transaction.truncations.length + transaction.removals.length > 0
      if (next === undefined || !this.#runsInline(next.plan, transaction)) {
        const written = environment.onThread(() => perform(environment, transaction))
        const settle = (failed: unknown): void => this.#settle(pending, { startedAt, rewrote, thrown: failed })
        void written.then(() => settle(null), settle)
        return
      }
      environment.inline(() => perform(environment, transaction))
    } catch (error) {
      thrown = error
    }
    this.#settle(pending, { startedAt, rewrote, thrown })
  }

  #seal(plan: WritePlan, idle: boolean): Transaction {
    const { truncations, removals, puts } = plan.seal()
    const sweep = this.#chores.next(this.#options.environment, idle ? limits.sweepRecordsIdle : limits.sweepRecordsBusy)
    return { truncations, removals: [...removals, ...sweep.removals], puts: [...puts, ...sweep.puts] }
  }

  /** What reads its own writes cannot leave this thread. */
  #runsInline(plan: WritePlan, { truncations }: Transaction): boolean {
    return truncations.length > 0 || this.#pace.inline(plan.bytes)
  }

  #settle(pending: Pending, run: { readonly startedAt: number; readonly rewrote: boolean; readonly thrown: unknown }): void {
    this.#pace.took(pending.plan.bytes, performance.now() - run.startedAt)
    if (run.thrown !== null) this.fail(this.#options.explain(run.thrown))
    this.#underWay = null
    this.#settledUpTo = pending.number
    for (const chore of pending.plan.chores) this.#chores.add(chore)
    for (const done of pending.done.splice(0)) done(null)
    this.#options.settled(run.rewrote)
    this.#schedule()
  }
}
