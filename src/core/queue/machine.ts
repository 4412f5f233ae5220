import { unreachable } from '#base/assert.ts'
import { decodeCommand } from './command-codec.ts'
import { consume } from './consume.ts'
import { expireDue } from './expiry.ts'
import { liveRanges } from './live-ranges.ts'
import type { QueueLimits } from './limits.ts'
import { queueLimits } from './limits.ts'
import { produce } from './produce.ts'
import type { Logged } from './produce.ts'
import { configure, deleteQueue, purge, releaseConsumer } from './queues.ts'
import { ack, cancel, extend, forwarded, nack, postponeAll, returnAll } from './receipts.ts'
import { cancelRedrive, redrive } from './redrive.ts'
import { refuse } from './refuse.ts'
import { readSnapshot } from './snapshot-reader.ts'
import { writeSnapshot } from './snapshot-writer.ts'
import type { SlotIdentity } from './state.ts'
import { QueueState, Step } from './state.ts'
import type { Applied, IndexRange, QueueAnswer, QueueCommand, QueueContext } from './types.ts'
import { faultOf } from './validation.ts'

/**
 * The state machine of one slot of the queue service. Every replica applies the same commands in the same order and comes to the same state,
 * answers and events; what a command does depends on nothing but the state, its bytes and its context.
 */
export class QueueMachine {
  #state: QueueState

  constructor(identity: SlotIdentity, limits: QueueLimits = queueLimits) {
    this.#state = new QueueState(identity, limits)
  }

  /** To be read only. */
  get state(): QueueState {
    return this.#state
  }

  /** Takes any bytes: what is no command is refused and changes nothing. */
  apply(bytes: Uint8Array, context: QueueContext): Applied {
    const command = decodeCommand(bytes)
    if (!command.ok) return { answer: refuse('malformed', command.error), events: [] }
    const state = this.#state
    const start = state.count(context.index, command.value.type === 'produce' ? command.value.messages.length : 0)
    const fault = faultOf(command.value, state.limits)
    if (fault !== null) return { answer: refuse('invalid', fault), events: [] }
    state.time = context.time
    state.wall = context.wall
    const step = new Step(state, context)
    const expired = expireDue(step)
    const answer = command.value.type === 'expire-due' ? expired : carryOut(step, command.value, { bytes, start })
    return { answer, events: step.events() }
  }

  snapshot(): Iterable<Uint8Array> {
    return writeSnapshot(this.#state)
  }

  /** What is wrong with the bytes, or null: then they are the state. */
  restore(bytes: Uint8Array): string | null {
    const { identity, limits } = this.#state
    const restored = readSnapshot(bytes, identity, limits)
    if (!restored.ok) return restored.error
    this.#state = restored.value
    return null
  }

  /** Ranges of log entries between these two, both included, whose bodies are still needed; ascending. */
  live(from = 0, to: number = Number.MAX_SAFE_INTEGER): IterableIterator<IndexRange> {
    return liveRanges(this.#state, { from, to })
  }

  /** Ranges of entries whose bodies have become unneeded since `bodiesDropped` was called or the state was restored; ascending. */
  deadBodies(): readonly IndexRange[] {
    return this.#state.deadBodies.ranges()
  }

  /** A store has taken note of what `deadBodies` said. */
  bodiesDropped(): void {
    this.#state.deadBodies.clear()
  }
}

function carryOut(step: Step, command: Exclude<QueueCommand, { readonly type: 'expire-due' }>, logged: Logged): QueueAnswer {
  switch (command.type) {
    case 'configure':
      return configure(step, command)
    case 'delete-queue':
      return deleteQueue(step, command)
    case 'produce':
      return produce(step, command, logged)
    case 'consume':
      return consume(step, command)
    case 'ack':
      return ack(step, command)
    case 'nack':
      return nack(step, command)
    case 'extend':
      return extend(step, command)
    case 'cancel':
      return cancel(step, command.ids)
    case 'release-consumer':
      return releaseConsumer(step, command.consumer)
    case 'purge':
      return purge(step, command)
    case 'redrive':
      return redrive(step, command)
    case 'cancel-redrive':
      return cancelRedrive(step, command.queue)
    case 'forwarded':
      return forwarded(step, command.ids)
    case 'postpone':
      return postponeAll(step, command.ids, command.delayMs)
    case 'return':
      return returnAll(step, command.ids)
    default:
      return unreachable(command)
  }
}
