import { assert, present } from '#base/assert.ts'

/** What came of an operation. An operation that is known to have had no effect does not belong in a history. */
type Outcome<Output> =
  | { readonly type: 'returned'; readonly at: number; readonly output: Output }
  /** Time-out, broken connection, or still open: it takes effect at any time after its call, or never. */
  | { readonly type: 'unknown' }

/** What one client saw of one operation on one key. An operation that returns when another is called counts as concurrent with it. */
export interface Operation<Input, Output> {
  readonly client: string
  readonly key: string
  readonly calledAt: number
  readonly input: Input
  readonly outcome: Outcome<Output>
  /** Of a change: where the system itself says that it came, beside others of its key. What is to be found out is not taken from that; only the search is shorter. */
  readonly place?: number | undefined
}

/** Half a nanosecond: enough to tell apart two events of one millisecond, too little to be seen. */
const tick = 5e-7

/**
 * Writes down operations as they are called and as they return. Events get strictly increasing times, so that the order in which a
 * single-threaded simulator makes them is kept even where its clock stands still.
 */
export class HistoryRecorder<Input, Output> {
  readonly #now: () => number
  readonly #operations = new Map<number, Operation<Input, Output>>()
  #lastAt = -Infinity
  #lastId = 0

  constructor(now: () => number) {
    this.#now = now
  }

  /** Returns the id by which the operation is ended later; one that is never ended has an unknown outcome. */
  call(operation: { readonly client: string; readonly key: string; readonly input: Input }): number {
    const { client, key, input } = operation
    this.#operations.set(++this.#lastId, { client, key, calledAt: this.#stamp(), input, outcome: { type: 'unknown' } })
    return this.#lastId
  }

  returned(id: number, output: Output, place?: number): void {
    const operation = this.#open(id)
    this.#operations.set(id, { ...operation, outcome: { type: 'returned', at: this.#stamp(), output }, place })
  }

  /** Of one that has not ended: it was carried out there, or not at all. */
  placed(id: number, place: number): void {
    this.#operations.set(id, { ...this.#open(id), place })
  }

  /** Forgets an operation that certainly had no effect and will have none. */
  refused(id: number): void {
    this.#open(id)
    this.#operations.delete(id)
  }

  /** Ids of those that have not ended. */
  open(): readonly number[] {
    return [...this.#operations].filter(([, { outcome }]) => outcome.type === 'unknown').map(([id]) => id)
  }

  operations(): readonly Operation<Input, Output>[] {
    return [...this.#operations.values()]
  }

  #open(id: number): Operation<Input, Output> {
    const operation = present(this.#operations.get(id), 'only an operation that was called and not refused ends')
    assert(operation.outcome.type === 'unknown', 'an operation ends once')
    return operation
  }

  #stamp(): number {
    const at = Math.max(this.#now(), this.#lastAt + tick)
    assert(at > this.#lastAt, 'the clock counts from an origin near enough to resolve a tick')
    this.#lastAt = at
    return at
  }
}

/** Operations on different keys do not constrain each other: a history is linearizable when each key's part is (Herlihy and Wing). */
export function partitionByKey<Input, Output>(
  history: readonly Operation<Input, Output>[],
): ReadonlyMap<string, readonly Operation<Input, Output>[]> {
  return Map.groupBy(history, (operation) => operation.key)
}
