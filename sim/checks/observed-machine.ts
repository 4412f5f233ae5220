import { packValue } from '#wire/value.ts'
import type { ApplyContext, LiveBodies, StateMachine } from '#runtime/state-machine.ts'
import type { Checks } from './checks.ts'

/** A machine that reports its state at fixed indexes, so that replicas can be compared. */
export class ObservedMachine implements StateMachine {
  readonly #machine: StateMachine
  readonly #at: Observed

  constructor(machine: StateMachine, at: Observed) {
    this.#machine = machine
    this.#at = at
  }

  apply(command: Uint8Array, context: ApplyContext): Uint8Array {
    this.#at.applying?.(command, context)
    const answer = this.#machine.apply(command, context)
    this.#at.applied?.(command, context, answer)
    if (context.index % this.#at.every === 0 && context.position === 0) {
      const state = Buffer.concat([...this.#machine.snapshot(), packValue(context.version)])
      this.#at.checks.stateAt(this.#at, context.index, state)
    }
    return answer
  }

  query(question: Uint8Array): Uint8Array {
    return this.#machine.query(question)
  }

  snapshot(): Iterable<Uint8Array> {
    return this.#machine.snapshot()
  }

  restore(snapshot: Uint8Array): void {
    this.#machine.restore(snapshot)
  }

  get bodies(): LiveBodies | null {
    return this.#machine.bodies
  }
}

export interface Observed {
  readonly group: number
  readonly node: string
  readonly checks: Checks
  /** The state is reported at multiples of this. */
  readonly every: number
  /** Hears of every command before it is carried out. */
  readonly applying?: (command: Uint8Array, context: ApplyContext) => void
  /** And of what came of it. */
  readonly applied?: (command: Uint8Array, context: ApplyContext, answer: Uint8Array) => void
}
