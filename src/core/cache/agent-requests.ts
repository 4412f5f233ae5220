import { assert } from '#base/assert.ts'
import type { Activity, AgentState, OpenRequest, PendingRead, PendingWrite } from './agent-state.ts'
import { dirtyOf, isUsable, isVisible, move, stateOf, transitionOf, versionOf } from './agent-state.ts'
import type { Slot } from './agent-slot.ts'
import type { Line } from './lines.ts'
import type { Dirty, RequestBody } from './messages.ts'
import type { RequestNumber } from './types.ts'
import { grant, requestNumber } from './types.ts'

/** The line of a key, unless its lease or its life is over; then it is none. */
export function usableLine(state: AgentState, activity: Pick<Activity, 'key'>): Line | null {
  const line = state.lines.byKey.get(activity.key)
  if (line === undefined || !isUsable(line, state.now)) return null
  return line
}

/** Answers what can be answered, and asks the home for the rest: one request at a time. */
export function advance(state: AgentState, activity: Activity): void {
  if (activity.request !== null) {
    withdraw(state, activity, activity.request)
    return
  }
  const line = state.lines.byKey.get(activity.key)
  if (line !== undefined) dropIfOver(state, line)
  activity.flush &&= (line?.dirty ?? 0) > 0
  activity.reads = activity.reads.filter((read) => !serveRead(state, activity, read, false))
  const isIdle = activity.reads.length === 0 && activity.writes.length === 0 && activity.writeBack === null && !activity.flush
  if (isIdle) state.activities.delete(activity.key)
  else if (activity.slot.standing.type === 'open' && state.now < activity.slot.usableUntil) ask(state, activity)
}

/**
 * Who waits for the loader of another agent may wait for seconds, and whoever wants to read or to write here must not wait with it (decision C10). So the fill
 * becomes a read, under the number that it has, which the home answers at once; then come those, and then the fill is asked for again. If an answer to the fill
 * is on its way already, it is taken, a token too.
 */
function withdraw(state: AgentState, activity: Activity, request: OpenRequest): void {
  if (request.body.type !== 'fill' || (activity.writes.length === 0 && activity.reads.every(({ fill }) => fill))) return
  activity.request = { ...request, body: { type: 'read' }, sentAt: state.now }
  send(state, activity, activity.request)
}

/** A countdown that is over drops the line, and no more: only the home says that the value has ended (rule 14). */
function dropIfOver(state: AgentState, line: Line): void {
  if (line.dirty === 0 && line.until !== null && state.now >= line.until) move(state, line, 'evict')
}

/** False when the line cannot answer. */
export function serveRead(state: AgentState, activity: Pick<Activity, 'key'>, { id, handle, fill }: PendingRead, hit: boolean): boolean {
  const line = usableLine(state, activity)
  if (line === null || !isVisible(line, handle) || (fill && line.value === null)) return false
  assert(transitionOf(line.state, 'read').action === 'hit', 'a line that is there can be read')
  line.used = true
  state.answers.push({ type: 'read', id, value: line.value, version: versionOf(line), state: line.state, hit })
  return true
}

function ask(state: AgentState, activity: Activity): void {
  const [body, reads, writes] = nextRequest(state, activity)
  const number = requestNumber(++state.lastNumber)
  activity.request = { number, body, reads, writes, floor: grant(0), sentAt: state.now }
  activity.slot.open.add(number)
  send(state, activity, activity.request)
}

function nextRequest(state: AgentState, activity: Activity): [RequestBody, readonly PendingRead[], readonly PendingWrite[]] {
  const line = state.lines.byKey.get(activity.key)
  if (activity.writeBack !== null) return [{ type: 'flush', dirty: activity.writeBack }, [], []]
  const dirty = line === undefined ? null : tell(state, activity, line)
  if (activity.writes.length > 0) {
    const writes = activity.writes.splice(0, batchOf(state, activity.writes))
    return [writeRequest(line, dirty, writes), [], writes]
  }
  if (dirty !== null) return [{ type: 'flush', dirty }, [], []]
  // Who could not be served by a line that is there wants to load what is absent, and asks as one who has nothing. To tell of it would have a watched key
  // read again, and that read withdraw the fill, for as long as somebody else loads.
  if (line !== undefined) {
    if (state.watched.has(line.key)) state.unheld.set(line.key, line.slot)
    move(state, line, 'evict')
  }
  const plain = activity.reads.filter(({ fill }) => !fill)
  const reads = plain.length > 0 ? plain : activity.reads
  activity.reads = plain.length > 0 ? activity.reads.filter(({ fill }) => fill) : []
  return [{ type: plain.length > 0 ? 'read' : 'fill' }, reads, []]
}

/** What the home is told of a line now. What is written after that has to be told again, and is as old as this. */
function tell(state: AgentState, activity: Activity, line: Line): Dirty | null {
  const dirty = dirtyOf(line)
  if (dirty === null) return null
  activity.flush = false
  state.dirty.delete(line)
  state.dirty.set(line, state.now)
  return dirty
}

/** How many of those that wait travel together: at least one. */
function batchOf({ limits }: AgentState, writes: readonly PendingWrite[]): number {
  let bytes = 0
  for (const [at, { operation }] of writes.entries()) {
    const { change } = operation
    bytes += change.type === 'set' ? change.value.size : 0
    if (at === limits.batchMax || (at > 0 && bytes > limits.batchBytesMax)) return at
  }
  return writes.length
}

/** Under a right that is held already the next numbers are the agent's own, one for each operation; otherwise the home chooses. */
function writeRequest(line: Line | undefined, dirty: Dirty | null, writes: readonly PendingWrite[]): RequestBody {
  const { action } = transitionOf(stateOf(line), 'write')
  const owned = action === 'Flush' ? (line ?? null) : null
  const held = owned === null ? null : { grant: owned.grant, sequence: owned.sequence + 1 }
  if (owned !== null) owned.sequence += writes.length
  return { type: 'write', held, dirty, operations: writes.map(({ operation }) => operation) }
}

export function send(state: AgentState, { slot, key }: Activity, { number, body }: OpenRequest): void {
  if (slot.standing.type !== 'open') return
  const { session } = slot.standing
  const oldest = oldestOf(state, slot)
  state.send.push({ type: 'request', slot: slot.id, term: slot.term, session, number, oldest, key, body })
}

/** All requests before this one are answered. */
export function oldestOf({ lastNumber }: AgentState, slot: Slot): RequestNumber {
  for (const oldest of slot.open) return oldest
  return requestNumber(lastNumber + 1)
}

export function closeRequest(activity: Activity): void {
  if (activity.request === null) return
  activity.slot.open.delete(activity.request.number)
  activity.request = null
}
