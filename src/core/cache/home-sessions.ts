import { millis } from '#base/brand.ts'
import type { Millis } from '#base/brand.ts'
import type { HomeSession, HomeState } from './home-state.ts'
import { proposeCommand, removeHolder } from './home-state.ts'
import { answered } from './home-snoops.ts'
import { begin } from './home-transactions.ts'
import type { ToHome } from './messages.ts'
import type { AgentId, RequestNumber, SessionId } from './types.ts'
import { requestNumber } from './types.ts'

/**
 * Which agents there are, and until when each may use what it was granted (rules 7, 8 and 10).
 *
 * The home counts a lease from when it sends the answer, and adds the margin; the agent counts from when it asked, and takes the margin off. So
 * when the home thinks that a lease is over, the agent has thought so for a while.
 */

export function newHomeSession(
  state: HomeState,
  { id, agent, nonce, standing }: Pick<HomeSession, 'id' | 'agent' | 'nonce' | 'standing'>,
): HomeSession {
  const session: HomeSession = {
    id,
    agent,
    nonce,
    until: state.now,
    standing,
    muted: false,
    oldest: requestNumber(1),
    replies: new Map(),
  }
  prolong(state, session)
  state.sessions.set(id, session)
  return session
}

/**
 * A session that the home's own agent has from before ends like any other, unless it is heard of: the agent may have given the slot up while the home
 * before was silent, and then it says nothing, as it wants nothing.
 */
function prolong({ now, limits, start }: HomeState, session: HomeSession): void {
  const isLocal = session.agent === start.localAgent && session.standing !== 'absent'
  session.until = isLocal ? millis(Infinity) : millis(now + limits.leaseMs + limits.marginMs)
}

export function receiveOpen(state: HomeState, { agent, nonce, sentAt }: Extract<ToHome, { type: 'open' }>): void {
  const known = [...state.sessions.values()].find((session) => session.agent === agent)
  if (known !== undefined && known.nonce >= nonce) {
    if (known.nonce === nonce && known.standing === 'arrived') sendOpened(state, known, sentAt)
    return
  }
  for (const [number, purpose] of state.proposals) {
    if (purpose.type !== 'open' || purpose.agent !== agent) continue
    // Asked again meanwhile: the lease counts from then, or it may be over before the answer is there.
    if (purpose.nonce === nonce && purpose.sentAt < sentAt) state.proposals.set(number, { ...purpose, sentAt })
    return
  }
  proposeCommand(state, { type: 'open-session', agent, nonce }, { type: 'open', agent, nonce, sentAt })
}

/** Rule 8: the session is in the log before its agent is granted anything. */
export function sessionOpened(
  state: HomeState,
  opened: { readonly session: SessionId; readonly closed: SessionId | null },
  { agent, nonce, sentAt }: { readonly agent: AgentId; readonly nonce: number; readonly sentAt: Millis },
): void {
  if (opened.closed !== null) sessionClosed(state, opened.closed)
  if (state.sessions.has(opened.session)) return
  sendOpened(state, newHomeSession(state, { id: opened.session, agent, nonce, standing: 'arrived' }), sentAt)
}

function sendOpened(state: HomeState, session: HomeSession, sentAt: Millis): void {
  const { id, agent, nonce } = session
  prolong(state, session)
  state.send.push({ to: agent, message: { type: 'opened', slot: state.slot, term: state.term, session: id, nonce, sentAt } })
}

export function receiveRenew(state: HomeState, session: HomeSession, { oldest, sentAt }: Extract<ToHome, { type: 'renew' }>): void {
  confirm(session, oldest)
  if (session.standing !== 'arrived' || session.muted) return
  prolong(state, session)
  send(state, session, { type: 'renewed', sentAt })
}

/** Its answers to older requests have arrived. */
export function confirm(session: HomeSession, oldest: RequestNumber): void {
  if (oldest <= session.oldest) return
  session.oldest = oldest
  for (const number of session.replies.keys()) if (number < oldest) session.replies.delete(number)
}

/** An agent has dropped all it had under the home before. What it had at the level `owner` is taken only before anybody is granted anything. */
export function receiveArrive(state: HomeState, session: HomeSession, { pushes, sentAt }: Extract<ToHome, { type: 'arrive' }>): void {
  if (session.standing === 'arrived') {
    prolong(state, session)
    send(state, session, { type: 'welcome', sentAt })
  } else if (session.standing === 'absent' && state.phase === 'opening') {
    session.standing = 'arriving'
    for (const push of pushes)
      proposeCommand(state, { type: 'push', session: session.id, push }, { type: 'push', session: session.id, sentAt })
    if (pushes.length === 0) arrived(state, session, sentAt)
  } else if (session.standing === 'arriving') arriveAgain(state, session, sentAt)
}

/** While what it pushed is being committed: the lease counts from then, or it may be over before the welcome is there. */
function arriveAgain({ proposals }: HomeState, { id }: HomeSession, sentAt: Millis): void {
  for (const [number, purpose] of proposals)
    if (purpose.type === 'push' && purpose.session === id && purpose.sentAt < sentAt) proposals.set(number, { ...purpose, sentAt })
}

export function pushed(state: HomeState, { session: id, sentAt }: { readonly session: SessionId; readonly sentAt: Millis }): void {
  const session = state.sessions.get(id)
  const isLast = [...state.proposals.values()].every((purpose) => purpose.type !== 'push' || purpose.session !== id)
  if (session !== undefined && isLast) arrived(state, session, sentAt)
}

function arrived(state: HomeState, session: HomeSession, sentAt: Millis): void {
  session.standing = 'arrived'
  prolong(state, session)
  send(state, session, { type: 'welcome', sentAt })
  openIfComplete(state)
}

function send(
  state: HomeState,
  { id, agent }: HomeSession,
  message: { readonly type: 'welcome' | 'renewed'; readonly sentAt: Millis },
): void {
  state.send.push({ to: agent, message: { ...message, slot: state.slot, term: state.term, session: id } })
}

/** Rule 7 without the wait: an agent that has dropped all it had is closed at once, unless what it pushed is still being committed. */
export function receiveLeave(state: HomeState, session: HomeSession): void {
  if (session.standing !== 'arriving') close(state, session)
}

/** Rule 10: everybody who may have lines from before has dropped them, or is too late to use them and closed. */
export function openIfComplete(state: HomeState): void {
  if (state.phase === 'open') return
  const { previousAgent } = state.start
  // What somebody has pushed comes first, whoever it is: it is in the log before anybody is granted anything.
  for (const { standing, agent } of state.sessions.values())
    if (standing === 'arriving' || (standing !== 'arrived' && agent !== previousAgent)) return
  state.phase = 'open'
  for (const session of state.sessions.values()) if (session.standing !== 'arrived') close(state, session)
  for (const [first] of state.queues.values()) if (first !== undefined) begin(state, first)
}

/**
 * Rule 7: silence alone proves nothing; a lease that is over, and a close that is committed, do. Until somebody waits for what it has, a session may be late with its
 * renewal: to open another would cost it an entry of the log, and what it has under way would be unknown.
 */
export function closeLapsed(state: HomeState): void {
  const lapsed = [...state.sessions.values()].filter(({ standing, until }) => isUpright(standing) && state.now >= until)
  if (lapsed.length === 0) return
  const awaited = awaitedSessions(state)
  for (const session of lapsed)
    if (session.standing === 'absent' || awaited.has(session.id) || state.now >= session.until + state.limits.lingerMs)
      close(state, session)
}

const isUpright = (standing: HomeSession['standing']): boolean => standing !== 'closing' && standing !== 'arriving'

/** Whose answer to a snoop is missing, and who loads what others wait for. */
function awaitedSessions({ queues, fills }: HomeState): ReadonlySet<SessionId> {
  const awaited = new Set<SessionId>()
  for (const { session, parked } of fills.values()) if (parked.length > 0) awaited.add(session)
  for (const [first] of queues.values()) if (first?.phase === 'snooping') for (const id of first.waiting) awaited.add(id)
  return awaited
}

function close(state: HomeState, session: HomeSession): void {
  session.standing = 'closing'
  proposeCommand(state, { type: 'close-session', session: session.id }, { type: 'close', session: session.id })
}

export function sessionClosed(state: HomeState, id: SessionId): void {
  state.sessions.delete(id)
  for (const key of state.directory.keys()) removeHolder(state, key, id)
  for (const [first] of state.queues.values()) if (first?.phase === 'snooping' && first.waiting.has(id)) answered(state, first, id)
  openIfComplete(state)
}
