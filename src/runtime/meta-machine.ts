import { ClusterMachine } from '#core/cluster/machine.ts'
import type { Answer, ClusterState, Command } from '#core/cluster/types.ts'
import type { ApplyContext, StateMachine } from './state-machine.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** The meta group's machine on bytes: commands, answers and snapshots are JSON, for they are few and people may want to read them. */
export class MetaMachine implements StateMachine {
  readonly bodies = null
  readonly #machine = new ClusterMachine()

  get state(): ClusterState | null {
    return this.#machine.state
  }

  apply(bytes: Uint8Array, context: ApplyContext): Uint8Array {
    return encoder.encode(JSON.stringify(this.#machine.apply(JSON.parse(decoder.decode(bytes)) as Command, context)))
  }

  /** Whatever the question, the answer is the state. */
  query(): Uint8Array {
    return encoder.encode(JSON.stringify(this.#machine.state))
  }

  *snapshot(): Iterable<Uint8Array> {
    yield encoder.encode(JSON.stringify(this.#machine.snapshot()))
  }

  restore(snapshot: Uint8Array): void {
    this.#machine.restore(decodeClusterState(snapshot))
  }
}

export const metaGroup = 0

export const encodeClusterCommand = (command: Command): Uint8Array => encoder.encode(JSON.stringify(command))

/** The answer to a question. */
export const decodeClusterState = (bytes: Uint8Array): ClusterState | null => JSON.parse(decoder.decode(bytes)) as ClusterState | null

export const decodeClusterAnswer = (bytes: Uint8Array): Answer => JSON.parse(decoder.decode(bytes)) as Answer
