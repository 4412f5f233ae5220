import { assert } from '#base/assert.ts'
import type { CacheLimits } from '#core/cache/limits.ts'
import { encodeAnswer } from '#core/cache/memory-codec.ts'
import type { MemoryState } from '#core/cache/memory-state.ts'
import { Memory } from '#core/cache/memory.ts'
import { lifeEntriesMax } from '#core/cluster/limits.ts'
import type { ApplyContext, StateMachine } from '#runtime/state-machine.ts'

/** The memory of one slot as the runtime replicates it. Only its home, which has the state at hand, asks questions. */
export class MemoryMachine implements StateMachine {
  readonly bodies = null
  readonly #memory: Memory

  constructor(limits: CacheLimits) {
    this.#memory = new Memory(limits)
  }

  /** To be read only. */
  get state(): MemoryState {
    return this.#memory.state
  }

  apply(command: Uint8Array, { term, time, index }: ApplyContext): Uint8Array {
    return encodeAnswer(this.#memory.apply(command, { term, time, isReborn: index >= lifeEntriesMax }))
  }

  query(): Uint8Array {
    return new Uint8Array(0)
  }

  snapshot(): Iterable<Uint8Array> {
    return this.#memory.snapshot()
  }

  /** A snapshot was checked against its sum when it was read, so one that does not fit is a mistake of this program. */
  restore(snapshot: Uint8Array): void {
    assert(this.#memory.restore(snapshot) === null, 'a snapshot of cache memory can be restored')
  }
}
