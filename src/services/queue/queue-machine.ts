import { assert } from '#base/assert.ts'
import { encodeAnswer } from '#core/queue/command-codec.ts'
import { QueueMachine } from '#core/queue/machine.ts'
import type { QueueState, SlotIdentity } from '#core/queue/state.ts'
import type { IndexRange, QueueEvent } from '#core/queue/types.ts'
import type { LogIndex, LogRange } from '#core/raft/types.ts'
import { logIndex } from '#core/raft/types.ts'
import type { ApplyContext, LiveBodies, StateMachine } from '#runtime/state-machine.ts'

/** Who on this node wants to know what a replica here has applied. */
export interface QueueListener {
  applied(events: readonly QueueEvent[], context: ApplyContext): void
  /** The state was replaced: events were missed. */
  restored(): void
}

/** The machine of one slot as the runtime replicates it. Questions come over the state, which is at hand on this node. */
export class QueueStateMachine implements StateMachine {
  readonly #machine: QueueMachine
  readonly #listener: QueueListener
  readonly bodies: LiveBodies

  constructor(identity: SlotIdentity, listener: QueueListener) {
    this.#machine = new QueueMachine(identity)
    this.bodies = new QueueBodies(this.#machine)
    this.#listener = listener
  }

  /** To be read only. */
  get state(): QueueState {
    return this.#machine.state
  }

  apply(command: Uint8Array, context: ApplyContext): Uint8Array {
    const { answer, events } = this.#machine.apply(command, context)
    if (events.length > 0) this.#listener.applied(events, context)
    return encodeAnswer(answer)
  }

  /** Who asks wants to know that everything is applied; the state is read as it is. */
  query(): Uint8Array {
    return new Uint8Array(0)
  }

  snapshot(): Iterable<Uint8Array> {
    return this.#machine.snapshot()
  }

  /** A snapshot was checked against its sum when it was read, so one that does not fit is a mistake of this program. */
  restore(snapshot: Uint8Array): void {
    assert(this.#machine.restore(snapshot) === null, 'a snapshot of a slot can be restored')
    this.#listener.restored()
  }
}

const logRange = ({ from, to }: IndexRange): LogRange => ({ from: logIndex(from), to: logIndex(to) })

/** Bodies of messages are in the log alone. */
class QueueBodies implements LiveBodies {
  readonly #machine: QueueMachine

  constructor(machine: QueueMachine) {
    this.#machine = machine
  }

  *live(from: LogIndex, to: LogIndex): Iterable<LogRange> {
    for (const range of this.#machine.live(from, to)) yield logRange(range)
  }

  dead(): readonly LogRange[] {
    return this.#machine.deadBodies().map(logRange)
  }

  dropped(): void {
    this.#machine.bodiesDropped()
  }
}
