import { Heap } from '#base/heap.ts'
import type { Expiry, HomeState } from './home-state.ts'
import { proposeCommand } from './home-state.ts'
import { enqueue, isOver, transaction } from './home-transactions.ts'
import type { Capacity } from './memory-state.ts'
import { recordBytes } from './memory-state.ts'
import type { Key } from './types.ts'

/** What a home does by itself: ends values whose life is over, and keeps memory and directory within their limits (decisions C9 and C11). */

/** The key may have another value now, or none. */
export function valueChanged(state: HomeState, key: Key): void {
  if (!state.memory.records.has(key)) state.touched.delete(key)
  watchLife(state, key)
}

/** Remembers when the value that a key has now will end. A key that is looked at before then needs no more: its life is read again at that moment. */
export function watchLife(state: HomeState, key: Key): void {
  const at = state.memory.find(key)?.expiresAt ?? null
  const known = state.expiring.get(key)
  if (at === null) state.expiring.delete(key)
  else if (known === undefined || at < known) {
    state.expiring.set(key, at)
    state.expiries ??= newExpiries()
    state.expiries.push({ at, key })
    if (state.expiries.size > 2 * state.expiring.size + forgottenMax) state.expiries = expiriesOf(state)
  }
}

/** Entries of keys whose life ends at another time now, or never, beside as many as there are keys. */
const forgottenMax = 64

const newExpiries = (): Heap<Expiry> => new Heap<Expiry>((left, right) => left.at < right.at)

function expiriesOf({ expiring }: HomeState): Heap<Expiry> {
  const expiries = newExpiries()
  for (const [key, at] of expiring) expiries.push({ at, key })
  return expiries
}

export function endLives(state: HomeState): void {
  for (let first = state.expiries?.peek(); first !== undefined && first.at <= state.now; first = state.expiries?.peek()) {
    const { at, key } = first
    state.expiries?.pop()
    if (state.expiring.get(key) !== at) continue
    state.expiring.delete(key)
    if (isOver(state, key)) enqueue(state, transaction({ key, body: { type: 'expire' }, asker: null }))
    else watchLife(state, key)
  }
}

/** What this node was told of a slot's capacity goes into the log, so that all replicas do alike, and the next home until it is told otherwise. */
export function keepCapacity(state: HomeState): void {
  const { memory, start, proposals } = state
  if (start.capacity === null || isSame(start.capacity, memory.capacity)) return
  if ([...proposals.values()].some(({ type }) => type === 'capacity')) return
  proposeCommand(state, { type: 'set-capacity', capacity: start.capacity }, { type: 'capacity' })
}

const isSame = (left: Capacity, right: Capacity): boolean => left.bytesMax === right.bytesMax && left.whenFull === right.whenFull

/** How many keys are looked at in one tick. */
const lookedAtMax = 1_000
/** How many are on their way out at one time: others have something to do in the slot too. */
const leavingMax = 256

/** A clock goes round the keys: what was touched since it last came by stays, and what somebody has is recalled only if all else is. */
export function makeRoom(state: HomeState): void {
  const { memory, leaving } = state
  const { bytesMax, whenFull } = memory.capacity
  if (whenFull === 'refuse') return
  for (let looked = 0; looked < lookedAtMax && leaving.keys < leavingMax && memory.bytes - leaving.bytes > bytesMax; looked++) {
    const key = nextKey(state)
    if (key === null) return
    const isSpared = state.touched.delete(key) || (state.directory.has(key) && looked < lookedAtMax / 2)
    if (!isSpared && !state.queues.has(key)) evict(state, key)
  }
}

/** Values of a namespace that was cleared are told to nobody, and take their memory until they are evicted. */
export function sweepCleared(state: HomeState): void {
  const { memory, leaving, sweep } = state
  if (sweep === null) return
  for (let looked = 0; looked < lookedAtMax && leaving.keys < leavingMax; looked++) {
    const { value: key, done } = sweep.keys.next()
    if (done === true) {
      state.sweep = sweep.isAgain ? newSweep(state) : null
      return
    }
    if (memory.find(key) !== null) continue
    if (state.queues.has(key)) sweep.isAgain = true
    else evict(state, key)
  }
}

export const newSweep = ({ memory }: HomeState): HomeState['sweep'] =>
  memory.generations.size === 0 ? null : { keys: memory.records.keys(), isAgain: false }

function evict(state: HomeState, key: Key): void {
  const record = state.memory.records.get(key)
  if (record === undefined) return
  const size = record.value.size + recordBytes(key)
  state.leaving.keys++
  state.leaving.bytes += size
  enqueue(state, transaction({ key, body: { type: 'evict', size }, asker: null }))
}

export function evicted({ leaving }: HomeState, size: number): void {
  leaving.keys--
  leaving.bytes -= size
}

function nextKey(state: HomeState): Key | null {
  for (let round = 0; round < 2; round++) {
    state.clock ??= state.memory.records.keys()
    const { value, done } = state.clock.next()
    if (done !== true) return value
    state.clock = null
  }
  return null
}

/** Lines that nobody has asked for in the longest time are recalled. */
export function trimDirectory(state: HomeState): void {
  let over = state.directory.size - state.limits.directoryMax
  for (const key of state.directory.keys()) {
    if (over-- <= 0) return
    if (!state.queues.has(key)) enqueue(state, transaction({ key, body: { type: 'recall' }, asker: null }))
  }
}
