import type { Millis } from '#base/brand.ts'
import { millis } from '#base/brand.ts'
import { fold } from '#base/fold.ts'
import { present } from '#base/assert.ts'
import type { Slot } from './agent-slot.ts'
import { newSlot } from './agent-slot.ts'
import type { CacheLimits } from './limits.ts'
import type { Line } from './lines.ts'
import { Lines, committedVersion } from './lines.ts'
import type { Dirty, RequestBody, ToHome } from './messages.ts'
import type { LineEvent, LineState, Transition } from './transitions.ts'
import { edgeName, transitions } from './transitions.ts'
import type { Ack, AgentId, Grant, Handle, Key, Operation, Outcome, RequestNumber, SlotId, Value, Version } from './types.ts'

/** Something that was asked of the agent and is not answered yet. */
export interface PendingRead {
  readonly id: number
  readonly handle: Handle
  /** It would load what is absent. */
  readonly fill: boolean
}

export interface PendingWrite {
  readonly id: number
  readonly handle: Handle
  readonly ack: Ack
  readonly operation: Operation
}

/** The one thing that the home is being asked about a key. */
export interface OpenRequest {
  readonly number: RequestNumber
  readonly body: RequestBody
  /** Answered by what comes back, even when the line may not be kept. */
  readonly reads: readonly PendingRead[]
  readonly writes: readonly PendingWrite[]
  /** The highest number that a snoop has carried meanwhile: no right up to there may be taken any more (rule 2). */
  floor: Grant
  sentAt: Millis
}

/** All that is under way for one key. */
export interface Activity {
  readonly key: Key
  readonly slot: Slot
  request: OpenRequest | null
  /** What a snoop or an eviction took from a line: kept, and told again, until memory is known to have it. */
  writeBack: Dirty | null
  /** The line has to be flushed. */
  flush: boolean
  reads: PendingRead[]
  writes: PendingWrite[]
}

export type Answer =
  | {
      readonly type: 'read'
      readonly id: number
      readonly value: Value | null
      readonly version: Version
      readonly state: LineState
      readonly hit: boolean
    }
  /** Nothing is there, and whoever asked may load it and write it with this token (decision C10). */
  | { readonly type: 'load'; readonly id: number; readonly token: Grant }
  | {
      readonly type: 'changed'
      readonly id: number
      readonly outcome: Outcome
      /** Copies elsewhere that had to go; told with the first of the changes that travelled together. */
      readonly invalidated: number
    }
  | { readonly type: 'overloaded'; readonly id: number }

export interface AgentEffects {
  readonly send: readonly ToHome[]
  readonly answers: readonly Answer[]
  /** Slots whose home has to be looked up: somebody spoke of a later term (rule 11). */
  readonly lookUp: readonly SlotId[]
  /** Watched keys whose value may be another now, or can no longer be told from here: whoever wants to know reads them. */
  readonly changed: readonly Key[]
}

/** What an agent has done so far; read by whoever shows it. */
export interface AgentCounters {
  hits: number
  misses: number
  evictions: number
  flushes: number
  snoops: number
  /** Values at the level `owner` that were lost with a lease (rule 9). */
  lost: number
  lapses: number
}

/** Everything an agent knows. */
export class AgentState {
  readonly id: AgentId
  readonly limits: CacheLimits
  /** Others ask under the same numbers; each waits for another time before it asks again (rule 15). */
  readonly spread: number
  readonly lines: Lines
  readonly slots = new Map<SlotId, Slot>()
  readonly activities = new Map<Key, Activity>()
  /** Dirty lines and since when, or when they were last told of; the one for which that is longest ago first. */
  readonly dirty = new Map<Line, Millis>()
  readonly watched = new Set<Key>()
  /** Watched keys whose line went to make room. The home still takes this agent for a holder, so it hears of changes all the same. */
  readonly unheld = new Map<Key, Slot>()
  readonly counters: AgentCounters = { hits: 0, misses: 0, evictions: 0, flushes: 0, snoops: 0, lost: 0, lapses: 0 }
  /** How often each change of state was made, by its name. */
  readonly edges = new Map<string, number>()
  lastNumber = 0
  now: Millis = millis(0)
  /** Infinite before the first tick, which comes after no pause. */
  tickedAt: Millis = millis(Infinity)
  send: ToHome[] = []
  answers: Answer[] = []
  lookUp: SlotId[] = []
  changed: Key[] = []

  constructor(id: AgentId, limits: CacheLimits) {
    this.id = id
    this.limits = limits
    this.spread = fold(id)
    this.lines = new Lines(limits)
  }

  slot(id: SlotId): Slot {
    const known = this.slots.get(id)
    if (known !== undefined) return known
    const slot = newSlot(id)
    this.slots.set(id, slot)
    return slot
  }

  activity(key: Key, slot: Slot): Activity {
    const known = this.activities.get(key)
    if (known !== undefined) return known
    const activity: Activity = { key, slot, request: null, writeBack: null, flush: false, reads: [], writes: [] }
    this.activities.set(key, activity)
    return activity
  }

  take(): AgentEffects {
    const { send, answers, lookUp, changed } = this
    this.send = []
    this.answers = []
    this.lookUp = []
    this.changed = []
    return { send, answers, lookUp, changed }
  }
}

export const stateOf = (line: Line | undefined): LineState => line?.state ?? 'I'

/** What the protocol's table says; an event that cannot happen in a state is a bug. */
export const transitionOf = (from: LineState, event: LineEvent): Transition =>
  present(transitions[from][event], 'the table allows what happens')

/** Changes the state of a line as the table says, and drops it when that is I. */
export function move(state: AgentState, line: Line, event: LineEvent): void {
  const { next } = transitionOf(line.state, event)
  countEdge(state, line.state, next)
  if (next === 'I') drop(state, line)
  else line.state = next
}

export function countEdge({ edges }: AgentState, from: LineState, next: LineState): void {
  if (from === next) return
  const name = edgeName({ from, next })
  edges.set(name, (edges.get(name) ?? 0) + 1)
}

/** Whoever drops a dirty line has taken care of its value. */
function drop(state: AgentState, line: Line): void {
  clean(state, line)
  state.lines.remove(line)
  if (!state.unheld.has(line.key)) mayHaveChanged(state, line.key)
}

export function mayHaveChanged({ watched, changed }: AgentState, key: Key): void {
  if (watched.has(key) && !changed.includes(key)) changed.push(key)
}

/** Memory has what the line has, or will be told by other means. */
export function clean(state: AgentState, line: Line): void {
  if (line.dirty === 0) return
  line.dirty = 0
  line.reader = null
  line.slot.dirtyLines--
  line.slot.dirtyBytes -= line.value?.size ?? 0
  state.dirty.delete(line)
}

export const dirtyOf = (line: Line): Dirty | null =>
  line.dirty === 0 || line.value === null ? null : { grant: line.grant, sequence: line.dirty, value: line.value }

/** Its lease lives and its life is not over (rule 8). */
export const isUsable = ({ slot, until }: Line, now: number): boolean => now < slot.usableUntil && (until === null || now < until)

export const isVisible = ({ reader }: Line, to: Handle): boolean => reader === null || reader === to

/** A value that memory does not have yet goes by the number it will have there. */
export function versionOf(line: Line): Version {
  const { slot, grant, dirty } = line
  return dirty === 0 ? committedVersion(line) : { term: slot.term, grant, sequence: dirty }
}
