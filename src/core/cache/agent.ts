import type { Millis } from '#base/brand.ts'
import { present, unreachable } from '#base/assert.ts'
import { flushAll, flushDue, makeRoom, settle, writeOwned } from './agent-flush.ts'
import { receiveReply } from './agent-replies.ts'
import { advance, send } from './agent-requests.ts'
import { greet, hasLapsed, lapse, lead, leave, meetHome, opened, renewed, wantSession, welcomed } from './agent-sessions.ts'
import { receiveSnoop } from './agent-snoops.ts'
import type { Slot } from './agent-slot.ts'
import { suspend } from './agent-slot.ts'
import type { Activity, AgentEffects } from './agent-state.ts'
import { AgentState, isUsable, isVisible, versionOf } from './agent-state.ts'
import type { CacheLimits } from './limits.ts'
import { assertLimits, cacheLimits } from './limits.ts'
import type { ToAgent } from './messages.ts'
import type { Ack, AgentId, Handle, HomeTerm, Key, Operation, SlotId, Value } from './types.ts'

export type AgentInput =
  | {
      readonly type: 'read'
      readonly id: number
      readonly slot: SlotId
      readonly key: Key
      readonly handle: Handle
      readonly fill: boolean
    }
  | {
      readonly type: 'write'
      readonly id: number
      readonly slot: SlotId
      readonly key: Key
      readonly handle: Handle
      readonly ack: Ack
      readonly operation: Operation
    }
  | { readonly type: 'message'; readonly message: ToAgent }
  /** The slot is led in this term by a node that messages of the slot go to from now on. */
  | { readonly type: 'home'; readonly slot: SlotId; readonly term: HomeTerm }
  /** The home is in this process: lines of the slot live under its leadership lease and no other (decision C3). Told again before each use. */
  | { readonly type: 'leadership'; readonly slot: SlotId; readonly term: HomeTerm; readonly until: Millis }
  /** Whether `changed` is to tell of a key. */
  | { readonly type: 'watch'; readonly key: Key; readonly on: boolean }
  /** Everything dirty is to be flushed. */
  | { readonly type: 'flush' }
  /** What is dirty of a slot is to be flushed, and until then nothing new is to get dirty. */
  | { readonly type: 'settle'; readonly slot: SlotId; readonly until: Millis }
  /** Nothing is wanted any more, and nobody waits. What memory does not have by now is lost. */
  | { readonly type: 'leave' }
  | { readonly type: 'tick' }

/**
 * A process that keeps lines. Every input comes with the time on its own monotonic clock, read when the input is handed over and not before: a
 * clock that stood still while the process did would keep a lease alive (rule 8).
 *
 * The synchronous calls answer from lines alone; they need no input, no promise and, on a hit, no memory.
 */
export class Agent {
  readonly state: AgentState

  constructor(id: AgentId, limits: CacheLimits = cacheLimits) {
    assertLimits(limits)
    this.state = new AgentState(id, limits)
  }

  /** The value, null when it is known to be absent, undefined when the home would have to be asked. */
  getSync(key: Key, handle: Handle, now: Millis): Value | null | undefined {
    const { state } = this
    const line = state.lines.byKey.get(key)
    if (line === undefined || !isUsable(line, now) || !isVisible(line, handle)) return undefined
    state.counters.hits++
    line.used = true
    return line.value
  }

  /** The same, and the line is not taken for used. */
  peek(key: Key, handle: Handle, now: Millis): Value | null | undefined {
    const line = this.state.lines.byKey.get(key)
    return line !== undefined && isUsable(line, now) && isVisible(line, handle) ? line.value : undefined
  }

  /** Writes at the level `owner`; false when that cannot be done here and now. */
  setSync(key: Key, value: Value, handle: Handle, now: Millis): boolean {
    this.state.now = now
    return writeOwned(this.state, key, value, handle)
  }

  /** Nobody waits for it any more. True when it was not sent yet: then it is certainly not carried out. */
  cancel(key: Key, id: number): boolean {
    const { activities } = this.state
    const activity = activities.get(key)
    if (activity === undefined) return false
    const waiting = activity.writes.length + activity.reads.length
    activity.writes = activity.writes.filter((waitingWrite) => waitingWrite.id !== id)
    activity.reads = activity.reads.filter((waitingRead) => waitingRead.id !== id)
    const { request, reads, writes, writeBack, flush } = activity
    if (request === null && reads.length + writes.length === 0 && writeBack === null && !flush) activities.delete(key)
    return writes.length + reads.length < waiting
  }

  step(input: AgentInput, now: Millis): AgentEffects {
    const { state } = this
    state.now = now
    switch (input.type) {
      case 'read':
        read(state, input)
        break
      case 'write':
        write(state, input)
        break
      case 'message':
        receive(state, input.message)
        break
      case 'home':
        meetHome(state, state.slot(input.slot), input.term)
        break
      case 'leadership':
        lead(state, state.slot(input.slot), input.term, input.until)
        break
      case 'watch':
        watch(state, input.key, input.on)
        break
      case 'flush':
        flushAll(state, () => true)
        break
      case 'settle':
        settle(state, state.slot(input.slot), input.until)
        break
      case 'leave':
        leave(state)
        break
      case 'tick':
        tick(state)
        break
      default:
        unreachable(input)
    }
    makeRoom(state)
    return state.take()
  }
}

function read(state: AgentState, { id, slot: slotId, key, handle, fill }: Extract<AgentInput, { type: 'read' }>): void {
  const line = state.lines.byKey.get(key)
  if (line !== undefined && isUsable(line, state.now) && isVisible(line, handle) && !(fill && line.value === null)) {
    state.counters.hits++
    line.used = true
    state.answers.push({ type: 'read', id, value: line.value, version: versionOf(line), state: line.state, hit: true })
    return
  }
  state.counters.misses++
  if (isFull(state, key, 'reads')) {
    state.answers.push({ type: 'overloaded', id })
    return
  }
  const activity = wanted(state, key, slotId)
  activity.reads.push({ id, handle, fill })
  advance(state, activity)
}

function write(state: AgentState, { id, slot: slotId, key, handle, ack, operation }: Extract<AgentInput, { type: 'write' }>): void {
  const { change } = operation
  const plain = change.type === 'set' && change.condition.type === 'none' && change.ttlMs === null && operation.identity === null
  if (ack === 'owner' && plain && writeOwned(state, key, change.value, handle)) {
    const version = versionOf(present(state.lines.byKey.get(key), 'what was just written is there'))
    state.answers.push({ type: 'changed', id, outcome: { type: 'done', version, number: null }, invalidated: 0 })
  } else if (isFull(state, key, 'writes')) {
    state.answers.push({ type: 'changed', id, outcome: { type: 'refused', code: 'too_many_requests' }, invalidated: 0 })
  } else {
    const activity = wanted(state, key, slotId)
    activity.writes.push({ id, handle, ack, operation })
    advance(state, activity)
  }
}

function watch({ watched, unheld }: AgentState, key: Key, on: boolean): void {
  if (on) watched.add(key)
  else {
    watched.delete(key)
    unheld.delete(key)
  }
}

function wanted(state: AgentState, key: Key, slotId: SlotId): Activity {
  const slot = state.slot(slotId)
  wantSession(state, slot)
  return state.activity(key, slot)
}

function isFull({ activities, limits }: AgentState, key: Key, kind: 'reads' | 'writes'): boolean {
  const activity = activities.get(key)
  return activity === undefined ? activities.size >= limits.openKeysMax : activity[kind].length >= limits.waitingPerKeyMax
}

/** A lower term is of the past; a higher one means that the home is another one (rule 11). */
function receive(state: AgentState, message: ToAgent): void {
  const slot = state.slot(message.slot)
  if (message.term > slot.term) state.lookUp.push(slot.id)
  if (message.term !== slot.term) return
  if (hasLapsed(state, slot)) lapse(state, slot)
  const { standing } = slot
  if (message.type === 'opened') {
    if (standing.type === 'opening' && message.nonce === slot.nonce) opened(state, slot, message.session, message.sentAt)
  } else if ((standing.type === 'open' || standing.type === 'arriving') && standing.session === message.session) {
    receiveInSession(state, slot, message)
  }
}

function receiveInSession(state: AgentState, slot: Slot, message: Exclude<ToAgent, { type: 'opened' }>): void {
  if (message.type === 'session-lost') lapse(state, slot)
  else if (slot.standing.type === 'arriving') {
    if (message.type === 'welcome') welcomed(state, slot, message.session, message.sentAt)
  } else if (message.type === 'renewed') renewed(state, slot, message.sentAt)
  else if (message.type === 'reply') receiveReply(state, message)
  else if (message.type === 'snoop') receiveSnoop(state, message)
}

function tick(state: AgentState): void {
  const { now, limits } = state
  const paused = now - state.tickedAt > limits.gapMs
  state.tickedAt = now
  for (const slot of state.slots.values()) {
    const { standing } = slot
    if (hasLapsed(state, slot)) lapse(state, slot)
    else if (paused && standing.type === 'open') {
      suspend(slot)
      greet(state, slot)
    } else {
      const isHeld = standing.type === 'open' && now < slot.usableUntil
      if (now - slot.askedAt >= (isHeld ? limits.renewMs : limits.retryMs)) greet(state, slot)
    }
  }
  for (const activity of state.activities.values()) resend(state, activity)
  flushDue(state)
}

/** Retries of many must not come together, whether they are of one agent or of many that asked at one moment: each waits up to half as long again (rule 15). */
function resend(state: AgentState, activity: Activity): void {
  const { request } = activity
  if (request === null || activity.slot.standing.type !== 'open') return
  const jitter = 1 + ((27 * request.number + state.spread) % 64) / 128
  if (state.now - request.sentAt < state.limits.retryMs * jitter) return
  request.sentAt = state.now
  send(state, activity, request)
}
