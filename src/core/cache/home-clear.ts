import { assert } from '#base/assert.ts'
import type { Clearing, HomeState, Transaction } from './home-state.ts'
import { proposeCommand } from './home-state.ts'
import { endFill } from './home-fills.ts'
import { begin, enqueue, finish, transaction } from './home-transactions.ts'
import { newSweep } from './home-upkeep.ts'
import { namespaceOf } from './memory-state.ts'

/**
 * Clears a namespace with one entry of the log: every line of it is taken back first, and whatever else concerns its keys waits meanwhile.
 */
export function clear(state: HomeState, id: number, namespace: string): void {
  const known = state.clearing.get(namespace)
  if (known !== undefined) {
    known.ids.push(id)
    return
  }
  const keys = new Set([...state.directory.keys(), ...state.queues.keys()].filter((key) => namespaceOf(key) === namespace))
  const clearing: Clearing = { ids: [id], waiting: keys, held: [] }
  state.clearing.set(namespace, clearing)
  for (const key of keys) enqueue(state, transaction({ key, body: { type: 'hold' }, asker: null }))
  commitIfComplete(state, namespace, clearing)
}

/** Nobody has the key, and it stays so until the namespace is cleared. */
export function hold(state: HomeState, current: Transaction): void {
  const namespace = namespaceOf(current.key)
  const clearing = state.clearing.get(namespace)
  assert(clearing !== undefined, 'a key is held while its namespace is cleared')
  clearing.held.push(current)
  clearing.waiting.delete(current.key)
  commitIfComplete(state, namespace, clearing)
}

function commitIfComplete(state: HomeState, namespace: string, { waiting }: Clearing): void {
  if (waiting.size === 0) proposeCommand(state, { type: 'clear', namespace, grant: state.next() }, { type: 'clear', namespace })
}

export function cleared(state: HomeState, namespace: string): void {
  const clearing = state.clearing.get(namespace)
  assert(clearing !== undefined, 'what is cleared was asked for')
  state.clearing.delete(namespace)
  state.cleared.push(...clearing.ids)
  state.sweep = newSweep(state)
  // What was loaded before is of the time before (decision C10), also where nobody had the key.
  const ended = [...state.fills.keys()].filter((key) => namespaceOf(key) === namespace)
  for (const key of ended) endFill(state, key)
  for (const current of clearing.held) finish(state, current)
  for (const [first] of state.queues.values()) if (first?.phase === 'queued' && namespaceOf(first.key) === namespace) begin(state, first)
}

/** What came after a clear began waits for its end; what was there before, and the clear itself, does not. */
export const isHeldBack = (state: HomeState, { key, body }: Transaction): boolean => {
  if (state.clearing.size === 0 || body.type === 'hold') return false
  const clearing = state.clearing.get(namespaceOf(key))
  return clearing !== undefined && !clearing.waiting.has(key)
}
