import { unreachable } from '#base/assert.ts'
import type { Model } from '#sim/checker/linearizability-model.ts'
import { unanswered } from '#sim/checker/linearizability-model.ts'

/** What a key of the cache is to its clients: a register that may be absent. The model shares nothing with the cache. */
export type CacheInput =
  | { readonly type: 'read' }
  | { readonly type: 'set'; readonly value: number }
  | { readonly type: 'create'; readonly value: number }
  /** With a token, which may be lost for reasons that clients do not see; never stores over anything. */
  | { readonly type: 'fill'; readonly value: number }
  | { readonly type: 'add'; readonly by: number }
  | { readonly type: 'delete' }
  /** Only over that very value, which no other write has made. */
  | { readonly type: 'replace'; readonly expected: number; readonly value: number }
  | { readonly type: 'delete-if'; readonly expected: number }

/** What a read found, and whether a create found nothing there; null for what says no more than that it was done. */
export type CacheOutput =
  | { readonly type: 'value'; readonly value: number | null }
  | { readonly type: 'done' }
  | { readonly type: 'mismatch' }

export const cacheModel: Model<number | null, CacheInput, CacheOutput> = {
  initial: null,

  step(state, input, output) {
    if (input.type === 'fill' && output !== unanswered && output.type === 'mismatch') return [state]
    const [next, answer] = carryOut(state, input)
    if (output === unanswered) return [next]
    const agrees = output.type === answer.type && (output.type !== 'value' || answer.type !== 'value' || output.value === answer.value)
    return agrees ? [next] : []
  },

  effect(input, output) {
    if (input.type === 'read' || (output !== unanswered && output.type === 'mismatch')) return 'read'
    return input.type === 'set' || input.type === 'delete' ? 'overwrite' : 'change'
  },

  keyOfState: (state) => String(state),
  keyOfInput: (input) => describeInput(input),
  describe: (input, output) => (output === unanswered ? describeInput(input) : `${describeInput(input)} → ${describeOutput(output)}`),
}

function carryOut(state: number | null, input: CacheInput): [number | null, CacheOutput] {
  switch (input.type) {
    case 'read':
      return [state, { type: 'value', value: state }]
    case 'set':
      return [input.value, { type: 'done' }]
    case 'create':
    case 'fill':
      return state === null ? [input.value, { type: 'done' }] : [state, { type: 'mismatch' }]
    case 'add':
      return [(state ?? 0) + input.by, { type: 'value', value: (state ?? 0) + input.by }]
    case 'delete':
      return [null, { type: 'done' }]
    case 'replace':
      return state === input.expected ? [input.value, { type: 'done' }] : [state, { type: 'mismatch' }]
    case 'delete-if':
      return state === input.expected ? [null, { type: 'done' }] : [state, { type: 'mismatch' }]
    default:
      return unreachable(input)
  }
}

function describeInput(input: CacheInput): string {
  switch (input.type) {
    case 'read':
    case 'delete':
      return input.type
    case 'add':
      return `add(${input.by})`
    case 'replace':
      return `replace(${input.expected}, ${input.value})`
    case 'delete-if':
      return `delete-if(${input.expected})`
    default:
      return `${input.type}(${input.value})`
  }
}

const describeOutput = (output: CacheOutput): string => (output.type === 'value' ? String(output.value) : output.type)
