import { Registers } from '#core/register/register.ts'
import type { RegisterAnswer, RegisterCommand } from '#core/register/register.ts'
import type { ApplyContext, LiveBodies, StateMachine } from '#runtime/state-machine.ts'
import { packValue, unpackValue } from '#wire/value.ts'

/**
 * Registers as a replicated machine. From version 2 on it also counts writes: the smallest change of behaviour that replicas of different
 * builds would disagree on if it were not agreed on first (decision R9).
 */
export class RegisterMachine implements StateMachine {
  readonly bodies: LiveBodies | null = null
  readonly #registers = new Registers()
  #writes = 0

  apply(command: Uint8Array, context: ApplyContext): Uint8Array {
    const decoded = decodeRegisterCommand(command)
    if (decoded === null) return encodeRegisterAnswer({ value: null, done: false })
    if (context.version >= 2 && decoded.type !== 'read') this.#writes++
    return encodeRegisterAnswer(this.#registers.apply(decoded))
  }

  query(question: Uint8Array): Uint8Array {
    return encodeRegisterAnswer({ value: this.#registers.read(decoder.decode(question)), done: true })
  }

  *snapshot(): Iterable<Uint8Array> {
    yield packValue({ writes: this.#writes, entries: [...this.#registers.entries()] })
  }

  restore(snapshot: Uint8Array): void {
    const { writes, entries } = unpackValue(snapshot) as { writes: number; entries: [string, number][] }
    this.#writes = writes
    this.#registers.restore(entries)
  }
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** What does the register of this key hold? */
export const encodeRegisterQuestion = (key: string): Uint8Array => encoder.encode(key)

export function encodeRegisterCommand(command: RegisterCommand): Uint8Array {
  switch (command.type) {
    case 'read':
      return packValue([0, command.key])
    case 'write':
      return packValue([1, command.key, command.value])
    case 'add':
      return packValue([2, command.key, command.by])
    case 'compare-and-set':
      return packValue([3, command.key, command.value, command.expected])
  }
}

/** Null for bytes that are no register command. */
function decodeRegisterCommand(bytes: Uint8Array): RegisterCommand | null {
  const [kind, key, number, expected] = fieldsOf(bytes)
  if (typeof key !== 'string') return null
  if (kind === 0) return { type: 'read', key }
  if (typeof number !== 'number') return null
  if (kind === 1) return { type: 'write', key, value: number }
  if (kind === 2) return { type: 'add', key, by: number }
  if (kind === 3 && (typeof expected === 'number' || expected === null)) return { type: 'compare-and-set', key, value: number, expected }
  return null
}

function fieldsOf(bytes: Uint8Array): readonly unknown[] {
  try {
    const value = unpackValue(bytes)
    return Array.isArray(value) ? (value as unknown[]) : []
  } catch {
    // Whatever is no MessagePack is no command either.
    return []
  }
}

const encodeRegisterAnswer = ({ value, done }: RegisterAnswer): Uint8Array => packValue([value, done])

export function decodeRegisterAnswer(bytes: Uint8Array): RegisterAnswer {
  const [value, done] = unpackValue(bytes) as [number | null, boolean]
  return { value, done }
}
