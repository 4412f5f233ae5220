import { endHold } from './endings.ts'
import { locksOf, waitsOf } from './links.ts'
import { Outcomes } from './outcomes.ts'
import type { ClientSession, NodeSession, Session, Wait } from './records.ts'
import { refuse } from './reports.ts'
import { clientOf, forgetIfIdle, newOwner } from './state.ts'
import type { LockState, Step } from './state.ts'
import type { ClientId, ExpireSessions, LockAnswer, OpenNodeSession, OpenSession, RefusalCode, SessionId } from './types.ts'
import { dropVerdict, endWait } from './waits.ts'

export function openSession(step: Step, { session: id, client: name, ttlMs, lockDelayMs }: OpenSession): LockAnswer {
  const { state, context } = step
  const known = state.sessions.get(id)
  if (known !== undefined) return known.type === 'client' && known.owner.client.id === name ? opened(known) : refuse('session_exists')
  const { limits, sessions, clients } = state
  const perClient = clients.get(name)?.sessions.length ?? 0
  if (sessions.size >= limits.sessionsMax || perClient >= limits.sessionsPerClientMax) return refuse('too_many_sessions')
  return begin(step, newClientSession(state, name, { id, ttlMs, index: context.index, lockDelayMs, outcomes: new Outcomes() }))
}

export function openNodeSession(step: Step, { session: id, node, ttlMs }: OpenNodeSession): LockAnswer {
  const { state, context } = step
  const known = state.sessions.get(id)
  if (known !== undefined) return known.type === 'node' && known.node === node ? opened(known) : refuse('session_exists')
  // However many sessions clients have: without its own a node can do nothing for them.
  const session: NodeSession = { type: 'node', id, node, ttlMs, index: context.index, outcomes: new Outcomes() }
  return begin(step, session)
}

/** Linked to its client, but not among the sessions yet. */
export function newClientSession(
  state: LockState,
  name: ClientId,
  fields: Pick<ClientSession, 'id' | 'ttlMs' | 'index' | 'lockDelayMs' | 'outcomes'>,
): ClientSession {
  const client = clientOf(state, name)
  const owner = newOwner(client)
  const session: ClientSession = { type: 'client', owner, ...fields }
  owner.session = session
  client.sessions.push(session)
  return session
}

function begin(step: Step, session: Session): LockAnswer {
  step.state.sessions.set(session.id, session)
  step.events.push({ type: 'session-opened', session: session.id, ttlMs: session.ttlMs })
  return opened(session)
}

const opened = ({ id, ttlMs }: Session): LockAnswer => ({ type: 'session', session: id, ttlMs })

export function closeSession(step: Step, id: SessionId): LockAnswer {
  const session = step.state.sessions.get(id)
  if (session === undefined) return refuse('session_lost')
  endSession(step, session, 'closed')
  return { type: 'ended', count: 1, more: false }
}

/**
 * Decision L1. Keep-alives are not in the log, so only the leader that gives them knows that there was none; it gives no more from when it
 * proposes this. A proposal that travelled to another leader's term would end what that one has renewed.
 */
export function expireSessions(step: Step, { term, sessions }: ExpireSessions): LockAnswer {
  if (term !== step.context.term) return refuse('stale_term')
  let count = 0
  for (const id of sessions) {
    const session = step.state.sessions.get(id)
    if (session === undefined) continue
    endSession(step, session, 'expired')
    count++
  }
  return { type: 'ended', count, more: false }
}

/** Waits first: what the locks leave free goes to others. Nothing is granted before the whole command is carried out. */
function endSession(step: Step, session: Session, reason: 'expired' | 'closed'): void {
  const { state } = step
  if (session.type === 'node') endParked(step, session)
  else endOwned(step, session, reason)
  session.outcomes.clear()
  state.sessions.delete(session.id)
  step.events.push({ type: 'session-ended', session: session.id, reason })
}

function endParked(step: Step, { outcomes }: NodeSession): void {
  const waits = [...outcomes.pending.values()].sort((left, right) => left.number - right.number)
  for (const wait of waits) endWait(step, wait, { type: 'cancelled' })
}

function endOwned(step: Step, session: ClientSession, reason: 'expired' | 'closed'): void {
  const { owner } = session
  const { client } = owner
  const waits = waitsOf(client).filter((wait) => wait.owner === owner)
  const holds = locksOf(owner).sort((left, right) => left.token - right.token)
  for (const wait of waits) endWait(step, wait, refuse(endOf(wait, session)))
  for (const hold of holds) endHold(step, hold, reason === 'expired' ? 'session-expired' : 'session-closed')
  for (const verdict of owner.verdicts) dropVerdict(step.state, verdict)
  client.sessions.splice(client.sessions.indexOf(session), 1)
  forgetIfIdle(step.state, client)
}

/** A node that asked on behalf of the client has not lost its own session. */
function endOf({ attempt, upgrade }: Wait, session: ClientSession): RefusalCode {
  if (attempt === null || attempt.session === session) return 'session_lost'
  return upgrade ? 'hold_ended' : 'withdrawn'
}
