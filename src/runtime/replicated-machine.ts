import { assert, unreachable } from '#base/assert.ts'
import { AnswerTable } from '#core/answers/answers.ts'
import type { OriginSnapshot } from '#core/answers/answers.ts'
import type { Entry } from '#core/raft/types.ts'
import { decodeCommand } from '#wire/command.ts'
import type { Command } from '#wire/command.ts'
import { packParts } from '#wire/parts.ts'
import { packValue, unpackValue } from '#wire/value.ts'
import { runtimeLimits } from './limits.ts'
import type { ApplyContext, StateMachine } from './state-machine.ts'

/**
 * A state machine with what every replicated machine needs around it: answers kept for retries, and the version that the group has
 * agreed on. Both are part of the replicated state and of its snapshots (pitfall 24).
 */
export class ReplicatedMachine {
  readonly #machine: StateMachine
  readonly #newestVersion: number
  readonly #answers = new AnswerTable(runtimeLimits.answers)
  #version = 1

  constructor(machine: StateMachine, newestVersion: number) {
    this.#machine = machine
    this.#newestVersion = newestVersion
  }

  get version(): number {
    return this.#version
  }
  get machine(): StateMachine {
    return this.#machine
  }

  apply(entry: Entry): Applied {
    if (entry.payload.type !== 'command') return nothing
    this.#answers.expire(entry.time)
    const command = decodeCommand(entry.payload.bytes)
    switch (command.type) {
      case 'anonymous':
        return { type: 'answer', answer: this.#machine.apply(command.body, this.#context(entry, 0)) }
      case 'identified':
        return this.#applyOnce(command, entry)
      case 'open-origin':
        this.#answers.open(entry.index, entry.time)
        return { type: 'answer', answer: packValue(entry.index) }
      case 'set-version':
        return this.#setVersion(command.version)
      default:
        return unreachable(command)
    }
  }

  /** Records with their lengths: the version, then one for each origin; after an empty one the machine's own state. */
  *snapshot(): Iterable<Uint8Array> {
    yield* record(packValue({ version: this.#version }))
    for (const origin of this.#answers.snapshot()) yield* record(packValue(origin))
    yield* record(new Uint8Array(0))
    yield* this.#machine.snapshot()
  }

  restore(snapshot: Uint8Array): void {
    const { records, rest } = readRecords(snapshot)
    const [header, ...answers] = records.map(unpackValue) as [{ version: number }, ...OriginSnapshot[]]
    this.#setVersion(header.version)
    this.#answers.restore(answers)
    this.#machine.restore(rest)
  }

  #applyOnce(command: Extract<Command, { type: 'identified' }>, entry: Entry): Applied {
    const admission = this.#answers.admit(command, entry.time)
    if (admission.type === 'lost') return { type: 'session-lost' }
    if (admission.type === 'repeated') return { type: 'answer', answer: admission.answer }
    const answer = packParts(command.bodies.map((body, position) => this.#machine.apply(body, this.#context(entry, position))))
    this.#answers.record(command, answer)
    return { type: 'answer', answer }
  }

  /** A version is agreed on only when every member has announced that it knows it, so a node that does not must have been left out. */
  #setVersion(version: number): Applied {
    assert(version <= this.#newestVersion, 'this build is too old for the version its group has agreed on: install a newer one')
    this.#version = Math.max(this.#version, version)
    return { type: 'answer', answer: packValue(this.#version) }
  }

  #context({ index, term, time, wall }: Entry, position: number): ApplyContext {
    return { index, position, term, time, wall, version: this.#version }
  }
}

export type Applied =
  | { readonly type: 'nothing' }
  /** To identified commands: the parts are their answers, in order. */
  | { readonly type: 'answer'; readonly answer: Uint8Array }
  /** Not carried out: the identity is not known (any more). */
  | { readonly type: 'session-lost' }

const nothing: Applied = { type: 'nothing' }

function record(bytes: Uint8Array): readonly Uint8Array[] {
  const length = new Uint8Array(4)
  new DataView(length.buffer).setUint32(0, bytes.length)
  return [length, bytes]
}

/** Everything up to the first empty record, and what follows it. */
function readRecords(bytes: Uint8Array): { readonly records: readonly Uint8Array[]; readonly rest: Uint8Array } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const records: Uint8Array[] = []
  let at = 4
  for (let length = view.getUint32(0); length > 0; length = view.getUint32(at - 4)) {
    records.push(bytes.subarray(at, at + length))
    at += length + 4
  }
  return { records, rest: bytes.subarray(at) }
}
