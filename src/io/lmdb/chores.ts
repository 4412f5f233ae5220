import { assert } from '#base/assert.ts'
import { Deque } from '#base/deque.ts'
import type { Environment } from './environment.ts'
import type { StreamId } from './keys.ts'
import { rangesOf } from './keys.ts'
import type { Sweep } from './log-sweep.ts'
import { LogSweep } from './log-sweep.ts'
import type { Chore } from './write-plan.ts'

/**
 * Deletes what nothing refers to any more, and dead entries behind the base of a log: a bounded number of records per transaction, so
 * that a large snapshot or a million entries never hold up a commit.
 *
 * A crash loses the list, not the work: `load` finds streams that nothing refers to, and the next compaction of a log names
 * all that lives. Old entries are never in the way: new ones get larger indexes, or another stream.
 */
export class Chores {
  readonly #drops = new Deque<StreamId>()
  readonly #sweeps = new Map<StreamId, LogSweep>()

  get pending(): boolean {
    return this.#drops.length > 0 || [...this.#sweeps.values()].some(({ pending }) => pending)
  }

  add(chore: Chore): void {
    if (chore.type === 'drop') {
      this.#sweeps.delete(chore.stream)
      this.#drops.push(chore.stream)
      return
    }
    const sweep = this.#sweeps.get(chore.stream) ?? new LogSweep(chore.stream)
    this.#sweeps.set(chore.stream, sweep)
    sweep.take(chore)
  }

  /** The next share; the environment shows the state that the transaction will find. */
  next(environment: Environment, recordsMax: number): Sweep {
    const sweep: Sweep = { removals: [], puts: [] }
    let left = recordsMax
    for (let stream = this.#drops.at(0); stream !== undefined && left > 0; stream = this.#drops.at(0)) {
      const keys = keysOf(environment, stream, left)
      sweep.removals.push(...keys)
      left -= keys.length
      if (left > 0) this.#drops.shift()
    }
    // Each log once, and the next time after the others.
    for (const log of [...this.#sweeps.values()].filter(({ pending }) => pending)) {
      if (left <= 0) break
      this.#sweeps.delete(log.stream)
      this.#sweeps.set(log.stream, log)
      left -= log.next(environment, left, sweep)
    }
    return sweep
  }
}

/** A stream is a log or a snapshot, so it has records in one of two ranges. */
function keysOf(environment: Environment, stream: StreamId, max: number): Uint8Array[] {
  const keys = rangesOf(stream).flatMap((range) => environment.keys(range, max))
  assert(keys.length <= max, 'a stream has records of one kind')
  return keys
}
