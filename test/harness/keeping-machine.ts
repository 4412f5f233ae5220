import type { LogIndex, LogRange } from '#core/raft/types.ts'
import { logIndex } from '#core/raft/types.ts'
import type { ApplyContext, LiveBodies, StateMachine } from '#runtime/state-machine.ts'
import { encodeCommand } from '#wire/command.ts'

type KeepingCommand = { readonly keep: string } | { readonly settle: number }

const encoded = (command: KeepingCommand): Uint8Array =>
  encodeCommand({ type: 'anonymous', body: new TextEncoder().encode(JSON.stringify(command)) })

/** A command with so many bytes, which are needed until it is settled. */
export const keep = (bytes: number): Uint8Array => encoded({ keep: 'x'.repeat(bytes) })
export const settle = (index: number): Uint8Array => encoded({ settle: index })

/** As a queue without anything else: needs the entries of its commands until they are settled. */
export class KeepingMachine implements StateMachine {
  readonly bodies: LiveBodies
  #kept = new Set<LogIndex>()
  #dead: LogIndex[] = []

  constructor() {
    const isWithin = (index: LogIndex, from: LogIndex, to: LogIndex): boolean => index >= from && index <= to
    this.bodies = {
      live: (from, to) => this.kept.filter((index) => isWithin(index, from, to)).map(rangeOf),
      dead: () => this.#dead.toSorted((left, right) => left - right).map(rangeOf),
      dropped: () => {
        this.#dead = []
      },
    }
  }

  /** Ascending. */
  get kept(): LogIndex[] {
    return [...this.#kept]
  }

  apply(bytes: Uint8Array, { index }: ApplyContext): Uint8Array {
    const command = JSON.parse(new TextDecoder().decode(bytes)) as KeepingCommand
    if ('keep' in command) this.#kept.add(index)
    else if (this.#kept.delete(logIndex(command.settle))) this.#dead.push(logIndex(command.settle))
    return new Uint8Array(0)
  }

  query(): Uint8Array {
    return new Uint8Array(0)
  }

  *snapshot(): Iterable<Uint8Array> {
    yield new TextEncoder().encode(JSON.stringify(this.kept))
  }

  restore(snapshot: Uint8Array): void {
    this.#kept = new Set(JSON.parse(new TextDecoder().decode(snapshot)) as LogIndex[])
    this.#dead = []
  }
}

const rangeOf = (index: LogIndex): LogRange => ({ from: index, to: index })
