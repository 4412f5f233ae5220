import type { Millis } from '#base/brand.ts'
import { advance, usableLine } from './agent-requests.ts'
import type { Slot } from './agent-slot.ts'
import type { Activity, AgentState } from './agent-state.ts'
import { clean, dirtyOf, mayHaveChanged, move, transitionOf, versionOf } from './agent-state.ts'
import type { Line } from './lines.ts'
import { setVersion } from './lines.ts'
import type { Dirty, Push } from './messages.ts'
import type { Handle, Key, RequestNumber, SlotId, Value } from './types.ts'
import { grant } from './types.ts'

/**
 * Values at the level `owner`: written here at the speed of memory, seen by nobody but the handle that wrote them, and told to the home within
 * `flushMs`, at the first snoop, and when the line goes.
 */

/** False when the line is not writable here, at once and without asking anybody. */
export function writeOwned(state: AgentState, key: Key, value: Value, by: Handle): boolean {
  const line = usableLine(state, { key })
  if (line === null || transitionOf(line.state, 'write-owner').action !== 'hit' || !takesDirty(state, line, value, by)) return false
  const { slot } = line
  if (line.dirty === 0) {
    slot.dirtyLines++
    state.dirty.set(line, state.now)
  } else slot.dirtyBytes -= line.value?.size ?? 0
  slot.dirtyBytes += value.size
  state.lines.replaceValue(line, value)
  line.dirty = ++line.sequence
  line.reader = by
  line.until = null
  move(state, line, 'write-owner')
  line.used = true
  return true
}

/** What another handle wrote and nobody else may see yet is not written over: that counts as the first snoop (decision C8). */
function takesDirty({ limits, now }: AgentState, line: Line, value: Value, by: Handle): boolean {
  if (now < line.slot.settlingUntil) return false
  if (line.dirty > 0) return line.reader === by && line.slot.dirtyBytes + value.size <= limits.dirtyBytesMax
  return line.slot.dirtyLines < limits.dirtyLinesMax && line.slot.dirtyBytes + value.size <= limits.dirtyBytesMax
}

/** Has a dirty line flushed, or what a snoop took. */
function flushLine(state: AgentState, line: Line): void {
  const activity = state.activity(line.key, line.slot)
  activity.flush = true
  advance(state, activity)
}

/** Those that have been dirty for long enough. */
export function flushDue(state: AgentState): void {
  const due: Line[] = []
  for (const [line, since] of state.dirty) {
    if (state.now - since < state.limits.flushMs) break
    due.push(line)
  }
  for (const line of due) flushLine(state, line)
}

/**
 * Before the lease of the slot is given up on purpose. Who writes at the level `owner` meanwhile is served as at the level `replicated`; if nothing comes of it,
 * that is over by itself.
 */
export function settle(state: AgentState, slot: Slot, until: Millis): void {
  slot.settlingUntil = until
  flushAll(state, (line) => line.slot === slot)
}

/** Those that are dirty now: each goes to the end of the list when the home is told of it. */
export function flushAll(state: AgentState, isMeant: (line: Line) => boolean): void {
  const meant = [...state.dirty.keys()].filter(isMeant)
  for (const line of meant) flushLine(state, line)
}

/** Memory has everything up to that sequence under that grant. */
export function flushed(state: AgentState, activity: Activity, upTo: Omit<Dirty, 'value'>): void {
  const { writeBack } = activity
  if (writeBack !== null && writeBack.grant === upTo.grant && writeBack.sequence <= upTo.sequence) {
    setWriteBack(activity, null)
    mayHaveChanged(state, activity.key)
  }
  const line = state.lines.byKey.get(activity.key)
  if (line === undefined || line.grant !== upTo.grant || line.dirty === 0 || line.dirty > upTo.sequence) return
  setVersion(line, versionOf(line))
  clean(state, line)
  mayHaveChanged(state, line.key)
}

/** Takes dirty values away from a line that must go; they stay with the agent until memory has them. */
export function yieldLine(state: AgentState, activity: Activity, line: Line): void {
  const dirty = dirtyOf(line)
  if (dirty === null) return
  clean(state, line)
  setWriteBack(activity, dirty)
  // A late answer by the same grant would bring back a line without it.
  if (activity.request !== null) activity.request.floor = grant(Math.max(activity.request.floor, line.grant))
}

export function setWriteBack(activity: Activity, writeBack: Dirty | null): void {
  const { slot } = activity
  if (activity.writeBack !== null) {
    slot.dirtyLines--
    slot.dirtyBytes -= activity.writeBack.value.size
  }
  if (writeBack !== null) {
    slot.dirtyLines++
    slot.dirtyBytes += writeBack.value.size
  }
  activity.writeBack = writeBack
}

/** Drops lines until all fit. A dirty one leaves its value to be flushed, from which snoops are answered meanwhile. */
export function makeRoom(state: AgentState): void {
  const { lines } = state
  while (lines.isOver) {
    const line = lines.victim()
    if (line === null) return
    const activity = line.dirty === 0 ? null : state.activity(line.key, line.slot)
    // To tell of it would have it read again, and another go in its place, for as long as more keys are watched than fit.
    if (state.watched.has(line.key)) state.unheld.set(line.key, line.slot)
    if (activity !== null) yieldLine(state, activity, line)
    move(state, line, 'evict')
    state.counters.evictions++
    if (activity !== null) advance(state, activity)
  }
}

interface Owed extends Pick<Push, 'key' | 'held' | 'carriedBy'> {
  readonly dirty: Dirty
}

/**
 * 1. A write and the dirty value before it are committed as one, and the write deletes the key. 2. The home dies, and its answer with it. 3. To the
 * new home the key is absent, and the value, which was never given up, looks like one that it has not heard of. So the value goes with the
 * number of that write.
 */
function carrierOf({ activities }: AgentState, key: Key, { grant: by, sequence }: Dirty): RequestNumber | null {
  const request = activities.get(key)?.request ?? null
  if (request === null || request.body.type !== 'write') return null
  const { dirty } = request.body
  return dirty !== null && dirty.grant === by && dirty.sequence === sequence ? request.number : null
}

/** What the home is told of dirty lines of a slot (rule 10). */
export function dirtyIn(state: AgentState, slot: SlotId): Owed[] {
  const found: Owed[] = []
  for (const line of state.dirty.keys()) {
    const dirty = line.slot.id === slot ? dirtyOf(line) : null
    if (dirty !== null) found.push({ key: line.key, dirty, held: true, carriedBy: carrierOf(state, line.key, dirty) })
  }
  for (const { key, slot: of, writeBack } of state.activities.values())
    if (of.id === slot && writeBack !== null)
      found.push({ key, dirty: writeBack, held: false, carriedBy: carrierOf(state, key, writeBack) })
  return found
}
