import { assert, present } from '#base/assert.ts'
import { encodeAnswer } from '#core/lock/command-codec.ts'
import { LockMachine } from '#core/lock/machine.ts'
import type { LockState } from '#core/lock/state.ts'
import type { LockEvent } from '#core/lock/types.ts'
import type { ApplyContext, StateMachine } from '#runtime/state-machine.ts'
import { viewOf } from './lock-views.ts'
import { decodeQuestion, encodeView } from './question-codec.ts'

/** Who on this node wants to know what the replica here has applied. */
export interface LockListener {
  applied(events: readonly LockEvent[], context: ApplyContext): void
  /** The state was replaced: events were missed. */
  restored(state: LockState): void
}

/** The lock machine as the runtime replicates it. */
export class LockStateMachine implements StateMachine {
  readonly bodies = null
  readonly #machine = new LockMachine()
  readonly #listener: LockListener

  constructor(listener: LockListener) {
    this.#listener = listener
  }

  /** To be read only. */
  get state(): LockState {
    return this.#machine.state
  }

  apply(command: Uint8Array, context: ApplyContext): Uint8Array {
    const { answer, events } = this.#machine.apply(command, context)
    if (events.length > 0) this.#listener.applied(events, context)
    return encodeAnswer(answer)
  }

  query(question: Uint8Array): Uint8Array {
    const decoded = present(decodeQuestion(question), 'this node asks only questions')
    return encodeView(decoded.type, viewOf(this.state, decoded))
  }

  snapshot(): Iterable<Uint8Array> {
    return this.#machine.snapshot()
  }

  /** A snapshot was checked against its sum when it was read, so one that does not fit is a mistake of this program. */
  restore(snapshot: Uint8Array): void {
    assert(this.#machine.restore(snapshot) === null, 'a snapshot of the locks can be restored')
    this.#listener.restored(this.state)
  }
}
