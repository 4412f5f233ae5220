import { assert } from '#base/assert.ts'
import { logIndex } from '#core/raft/types.ts'
import { entryBytes } from '#io/entry-codec/entries.ts'
import type { Environment } from './environment.ts'
import type { StreamId } from './keys.ts'
import { positionOf, rangesOf, runsFrom } from './keys.ts'
import { limits } from './limits.ts'
import { readRun } from './records.ts'
import type { Put } from './transaction.ts'
import { runOf } from './transaction.ts'
import type { Chore } from './write-plan.ts'

/** Removals and rewrites that join a transaction. */
export interface Sweep {
  readonly removals: Uint8Array[]
  readonly puts: Put[]
}

/**
 * Deletes what nothing refers to any more, and dead entries behind the base of a log: a bounded number of records per transaction, so
 * that a large snapshot or a million entries never hold up a commit.
 *
 * A crash loses the list, not the work: `load` finds streams that nothing refers to, and the next compaction of a log looks at
 * all of its old entries again. Old entries are never in the way: new ones get larger indexes, or another stream.
 */
export class Chores {
  #queue: Chore[] = []
  /** How far the chore at the head of the queue has come. */
  #from = logIndex(0)

  get pending(): boolean {
    return this.#queue.length > 0
  }

  add(chore: Chore): void {
    // A newer compaction of a log, or its end, makes an older compaction pointless.
    const [head] = this.#queue
    this.#queue = this.#queue.filter(({ type, stream }) => type === 'drop' || stream !== chore.stream)
    if (this.#queue[0] !== head) this.#from = logIndex(0)
    this.#queue.push(chore)
  }

  /** The next share; the environment shows the state that the transaction will find. */
  next(environment: Environment, recordsMax: number): Sweep {
    const sweep: Sweep = { removals: [], puts: [] }
    let left = recordsMax
    while (left > 0) {
      const [chore] = this.#queue
      if (chore === undefined) break
      const { looked, done } =
        chore.type === 'drop' ? dropSome(environment, chore.stream, left, sweep) : this.#compactSome(environment, chore, left, sweep)
      left -= looked
      if (!done) break
      this.#queue.shift()
      this.#from = logIndex(0)
    }
    return sweep
  }

  /** Looks at runs that end at or before `upTo`, whole; the one that reaches beyond waits for a later compaction. */
  #compactSome(environment: Environment, chore: Chore & { readonly type: 'compact' }, recordsMax: number, sweep: Sweep): Progress {
    const { stream, upTo, live } = chore
    const keys = environment.keys(runsFrom(stream, this.#from), recordsMax + 1)
    let looked = 0
    let bytes = 0
    for (const [position, key] of keys.entries()) {
      if (looked === recordsMax || bytes >= limits.sweepBytesMax) return { looked, done: false }
      const first = positionOf(key)
      if (first > upTo) break
      const next = keys[position + 1]
      const last = next === undefined ? lastIndexOf(environment, key) : positionOf(next) - 1
      if (last > upTo) break
      const share = live.share(first, last)
      if (share === 'none') sweep.removals.push(key)
      if (share === 'some') bytes += keepLive(environment, key, chore, sweep)
      looked++
      this.#from = logIndex(last + 1)
    }
    return { looked, done: true }
  }
}

interface Progress {
  readonly looked: number
  readonly done: boolean
}

function dropSome(environment: Environment, stream: StreamId, recordsMax: number, sweep: Sweep): Progress {
  // A stream is a log or a snapshot, so it has records in one of the two ranges.
  const keys = rangesOf(stream).flatMap((range) => environment.keys(range, recordsMax))
  assert(keys.length <= recordsMax, 'a stream has records of one kind')
  sweep.removals.push(...keys)
  return { looked: keys.length, done: keys.length < recordsMax }
}

const lastIndexOf = (environment: Environment, key: Uint8Array): number => {
  const last = readRun(environment, key).at(-1)
  assert(last !== undefined, 'a run has an entry')
  return last.index
}

/** Rewrites a run of which less than half is live; returns how much was read. */
function keepLive(environment: Environment, key: Uint8Array, { stream, live }: Chore & { readonly type: 'compact' }, sweep: Sweep): number {
  const entries = readRun(environment, key)
  const kept = entries.filter(({ index }) => live.has(index))
  const bytes = entries.reduce((sum, entry) => sum + entryBytes(entry), 0)
  const keptBytes = kept.reduce((sum, entry) => sum + entryBytes(entry), 0)
  if (keptBytes * 2 >= bytes) return bytes
  sweep.removals.push(key)
  if (kept.length > 0) sweep.puts.push(runOf(stream, kept))
  return bytes
}
