import type { Activity, AgentState, OpenRequest } from './agent-state.ts'
import { clean, countEdge, mayHaveChanged, move, stateOf, transitionOf } from './agent-state.ts'
import { flushed, makeRoom } from './agent-flush.ts'
import { advance, closeRequest, serveRead } from './agent-requests.ts'
import type { Line } from './lines.ts'
import { setVersion } from './lines.ts'
import type { ReplyBody, ToAgent } from './messages.ts'
import type { LineEvent } from './transitions.ts'
import type { Copy, Grant } from './types.ts'

/**
 * What the home answered to the open request of a key; to no other (rule 2).
 *
 * A right may be overtaken by the snoop that takes it away: 1. the home grants S to A, and that is late; 2. B writes, the home
 * invalidates A, which has nothing and says so; 3. the grant arrives. Its number is not above that of the snoop, so the line is not
 * taken; those who waited since before it was asked for may still be told the value, which was current in between.
 */
export function receiveReply(state: AgentState, { number, key, body }: Extract<ToAgent, { type: 'reply' }>): void {
  const activity = state.activities.get(key)
  const request = activity?.request ?? null
  if (activity === undefined || request === null || request.number !== number) return
  closeRequest(activity)
  settle(state, activity, request, body)
  advance(state, activity)
  makeRoom(state)
}

function settle(state: AgentState, activity: Activity, request: OpenRequest, body: ReplyBody): void {
  switch (body.type) {
    case 'granted': {
      const event = body.rights === 'shared' ? 'grant-shared' : 'grant-exclusive'
      if (body.grant > request.floor) install(state, activity, { ...body, event, sequence: 0, sentAt: request.sentAt })
      answerReads(state, activity, request, body.copy)
      return
    }
    case 'written':
      settleWrites(state, activity, request, body)
      return
    case 'flushed':
      flushed(state, activity, body)
      return
    case 'load': {
      const [first, ...rest] = request.reads
      if (first !== undefined) state.answers.push({ type: 'load', id: first.id, token: body.token })
      activity.reads.unshift(...rest)
      return
    }
    case 'overloaded':
      for (const { id } of request.reads) state.answers.push({ type: 'overloaded', id })
      for (const { id } of request.writes)
        state.answers.push({ type: 'changed', id, outcome: { type: 'refused', code: 'too_many_requests' }, invalidated: 0 })
      return
  }
}

interface Granted {
  readonly event: LineEvent
  readonly grant: Grant
  readonly sequence: number
  readonly copy: Copy
  readonly sentAt: number
}

/** Takes a line, or new rights on one that is here. What was written here at the level `owner` since then is newer than the copy. */
function install(state: AgentState, { key, slot }: Activity, { event, grant, sequence, copy, sentAt }: Granted): void {
  const known = state.lines.byKey.get(key)
  const { next } = transitionOf(stateOf(known), event)
  if (next === 'I') return
  const until = copy.ttlMs === null ? null : sentAt + copy.ttlMs * (1 - driftMax)
  const { value, version } = copy
  state.unheld.delete(key)
  if (event === 'grant-modified') mayHaveChanged(state, key)
  if (known === undefined) {
    countEdge(state, 'I', next)
    const fresh: Line = {
      key,
      slot,
      state: next,
      value,
      versionTerm: version.term,
      versionGrant: version.grant,
      versionSequence: version.sequence,
      grant,
      sequence,
      dirty: 0,
      reader: null,
      until,
      used: true,
      newer: null,
      older: null,
    }
    state.lines.add(fresh)
    return
  }
  move(state, known, event)
  known.grant = grant
  setVersion(known, version)
  known.sequence = Math.max(sequence, known.sequence)
  if (known.dirty > sequence) return
  clean(state, known)
  state.lines.replaceValue(known, value)
  known.until = until
}

/** How much a clock may be wrong in rate. */
const driftMax = 0.1

function answerReads(state: AgentState, activity: Activity, { reads }: OpenRequest, { value, version }: Copy): void {
  for (const read of reads) {
    if (serveRead(state, activity, read, false)) continue
    if (read.fill && value === null) activity.reads.unshift(read)
    else state.answers.push({ type: 'read', id: read.id, value, version, state: 'I', hit: false })
  }
}

function settleWrites(
  state: AgentState,
  activity: Activity,
  request: OpenRequest,
  { outcomes, invalidated, line }: Extract<ReplyBody, { type: 'written' }>,
): void {
  request.writes.forEach(({ id }, at) => {
    state.answers.push({ type: 'changed', id, outcome: outcomes[at] ?? { type: 'unknown' }, invalidated: at === 0 ? invalidated : 0 })
  })
  const { body } = request
  if (body.type === 'write' && body.dirty !== null) flushed(state, activity, body.dirty)
  if (line !== null && line.grant > request.floor) {
    install(state, activity, { ...line, event: 'grant-modified', sentAt: request.sentAt })
    return
  }
  const known = state.lines.byKey.get(activity.key)
  if (known !== undefined && line === null) move(state, known, 'written-at-home')
}
