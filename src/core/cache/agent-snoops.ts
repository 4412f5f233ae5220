import type { Activity, AgentState } from './agent-state.ts'
import { mayHaveChanged, move } from './agent-state.ts'
import { yieldLine } from './agent-flush.ts'
import { advance, closeRequest } from './agent-requests.ts'
import type { Line } from './lines.ts'
import { committedVersion } from './lines.ts'
import type { ToAgent } from './messages.ts'
import type { Version } from './types.ts'
import { compareVersions, grant as grantNumber } from './types.ts'

type Snoop = Extract<ToAgent, { type: 'snoop' }>

/**
 * Rule 3. A snoop means every right that was granted up to its number. It is answered always, and as often as it comes: with whether a copy is
 * still here (rule 4), or somebody who wants to hear of changes, and with what memory does not have yet, until memory is known to have it.
 */
export function receiveSnoop(state: AgentState, snoop: Snoop): void {
  const { key, grant } = snoop
  state.counters.snoops++
  const slot = state.slot(snoop.slot)
  const activity = state.activity(key, slot)
  if (activity.request !== null) activity.request.floor = grantNumber(Math.max(activity.request.floor, grant))
  const line = state.lines.byKey.get(key)
  const meant = line !== undefined && line.grant <= grant ? line : null
  if (meant !== null) obey(state, meant, snoop)
  const isHere = meant !== null && state.lines.byKey.get(key) === meant
  const kept = isHere || hearsOnly(state, activity, snoop)
  // What is on its way here may be older than what comes now, and its home will not tell of that again.
  if (!kept) {
    state.unheld.delete(key)
    mayHaveChanged(state, key)
  }
  const { session, term } = snoop
  const dirty = activity.writeBack !== null && activity.writeBack.grant <= grant ? activity.writeBack : null
  state.send.push({ type: 'snooped', slot: slot.id, term, session, key, grant, kept, dirty })
  advance(state, activity)
}

/**
 * A watched key whose line went to make room is kept all the same, or two that watch it would read it for ever, though nobody writes it: 1. A has read it last, and
 * its line does not fit; 2. B reads, and A says that nothing is here any more, so that its home will tell it nothing, and reads; 3. so does B.
 *
 * The home takes A for a sharer then, and invalidates it for whoever writes. But it may have committed already what A writes itself, or gave up.
 */
function hearsOnly({ lines, unheld }: AgentState, { key, request, writeBack }: Activity, { downgradeTo }: Snoop): boolean {
  if (downgradeTo === null || lines.byKey.has(key) || !unheld.has(key)) return false
  return writeBack === null && request?.body.type !== 'write'
}

function obey(state: AgentState, line: Line, { key, downgradeTo }: Snoop): void {
  const activity = state.activity(key, line.slot)
  if (downgradeTo === null) {
    yieldLine(state, activity, line)
    move(state, line, 'invalidate')
  } else if (hasVersion(line, downgradeTo) && activity.request?.body.type !== 'write') {
    move(state, line, 'downgrade-same')
  } else {
    yieldLine(state, activity, line)
    move(state, line, 'downgrade-other')
  }
  // An older flush of the same line says less than what is owed now.
  const { request, writeBack } = activity
  if (request?.body.type === 'flush' && writeBack !== null && request.body.dirty.sequence < writeBack.sequence) closeRequest(activity)
}

/** Decision C1: what was written and flushed, and not heard of, is not what memory has. */
const hasVersion = (line: Line, version: Version): boolean => line.dirty === 0 && compareVersions(committedVersion(line), version) === 0
