import { unreachable } from '#base/assert.ts'
import { type Model, unanswered } from './linearizability-model.ts'

/** The commands of the register machine, without the key. What they mean is said here anew: the model shares nothing with the machine. */
export type RegisterInput =
  | { readonly type: 'read' }
  | { readonly type: 'write'; readonly value: number }
  | { readonly type: 'add'; readonly by: number }
  | { readonly type: 'compare-and-set'; readonly expected: number | null; readonly value: number }

export interface RegisterOutput {
  /** The value afterwards; null for a register that was never written. */
  readonly value: number | null
  /** False when a compare-and-set found another value. */
  readonly done: boolean
}

/** One atomic register. Its state is what it holds, null at first; an addition counts null as 0. */
export const registerModel: Model<number | null, RegisterInput, RegisterOutput> = {
  initial: null,

  step(state, input, output) {
    const answer = answerOfRegister(state, input)
    const accepted = output === unanswered || (output.value === answer.value && output.done === answer.done)
    return accepted ? [answer.value] : []
  },

  effect(input, output) {
    if (input.type === 'read' || (output !== unanswered && !output.done)) return 'read'
    return input.type === 'write' && (output === unanswered || output.value === input.value) ? 'overwrite' : 'change'
  },

  keyOfState: (state) => String(state),
  keyOfInput: (input) => describeInput(input),

  describe(input, output) {
    if (output === unanswered || input.type === 'write') return describeInput(input)
    if (input.type === 'compare-and-set') return `${describeInput(input)} → ${output.done ? 'done' : `refused, ${output.value}`}`
    return `${describeInput(input)} → ${output.value}`
  },
}

/** What an atomic register that holds `state` answers; the answer's value is the next state. */
export function answerOfRegister(state: number | null, input: RegisterInput): RegisterOutput {
  switch (input.type) {
    case 'read':
      return { value: state, done: true }
    case 'write':
      return { value: input.value, done: true }
    case 'add':
      return { value: (state ?? 0) + input.by, done: true }
    case 'compare-and-set':
      return state === input.expected ? { value: input.value, done: true } : { value: state, done: false }
    default:
      return unreachable(input)
  }
}

function describeInput(input: RegisterInput): string {
  switch (input.type) {
    case 'read':
      return 'read'
    case 'write':
      return `write(${input.value})`
    case 'add':
      return `add(${input.by})`
    case 'compare-and-set':
      return `cas(${input.expected}, ${input.value})`
    default:
      return unreachable(input)
  }
}
