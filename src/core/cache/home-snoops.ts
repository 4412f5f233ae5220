import type { HomeState, Transaction } from './home-state.ts'
import { removeHolder, setEntry } from './home-state.ts'
import { proceed } from './home-transactions.ts'
import type { ToHome } from './messages.ts'
import type { SessionId } from './types.ts'

/** Takes rights away: all that were granted so far. A reader leaves the others a copy, if that is the one that memory has. */
export function snoop(state: HomeState, current: Transaction, targets: readonly SessionId[]): void {
  const { key, body } = current
  current.phase = 'snooping'
  current.snoop = state.next()
  current.downgradeTo = body.type === 'read' || body.type === 'fill' ? state.memory.versionOf(key) : null
  current.snoopedAt = state.now
  if (current.downgradeTo === null) current.invalidated = targets.length
  for (const id of targets) current.waiting.add(id)
  tell(state, current)
}

function tell(state: HomeState, current: Transaction): void {
  const { key, snoop: grant, downgradeTo } = current
  current.sentAt = state.now
  for (const id of current.waiting) {
    const session = state.sessions.get(id)
    if (session === undefined) continue
    const message = { type: 'snoop', slot: state.slot, term: state.term, session: id, key, grant, downgradeTo } as const
    state.send.push({ to: session.agent, message })
  }
}

/** Only an answer to the snoop that is under way counts. */
export function receiveSnooped(state: HomeState, { session: id, key, grant, kept, dirty }: Extract<ToHome, { type: 'snooped' }>): void {
  const current = state.queues.get(key)?.[0]
  if (current === undefined || current.phase !== 'snooping' || current.snoop !== grant || !current.waiting.has(id)) return
  // Who keeps what it was told to drop has not done as it was told (decision C13).
  if (kept && current.downgradeTo === null) return
  const session = state.sessions.get(id)
  current.waiting.delete(id)
  if (session?.muted === true) session.muted = isOverdue(state, id)
  const entry = state.directory.get(key)
  if (dirty !== null && entry?.type === 'exclusive' && entry.owner === id && entry.grant === dirty.grant && dirty.sequence > entry.taken)
    current.dirty = dirty
  if (!kept) removeHolder(state, key, id)
  else if (entry?.type === 'exclusive' && entry.owner === id) setEntry(state, key, { type: 'shared', sharers: new Set([id]) })
  answered(state, current, id)
}

const isLate = ({ now, limits }: HomeState, { phase, snoopedAt }: Transaction): boolean =>
  phase === 'snooping' && now - snoopedAt >= limits.snoopPatienceMs

/** There is a key for which it has left somebody without an answer, whatever it says of others. */
function isOverdue(state: HomeState, id: SessionId): boolean {
  for (const [current] of state.queues.values()) if (current?.waiting.has(id) === true && isLate(state, current)) return true
  return false
}

/** Or the session is closed, and its lease is over: then it may be taken for an answer (rule 7). */
export function answered(state: HomeState, current: Transaction, id: SessionId): void {
  current.waiting.delete(id)
  if (current.waiting.size === 0) proceed(state, current)
}

/** Snoops may get lost; and who leaves one unanswered for too long gets no more of its lease (decision C13). */
export function repeatSnoops(state: HomeState): void {
  const { now, limits } = state
  for (const [current] of state.queues.values()) {
    if (current?.phase !== 'snooping') continue
    if (now - current.sentAt >= limits.snoopRetryMs) tell(state, current)
    if (!isLate(state, current)) continue
    for (const id of current.waiting) {
      const session = state.sessions.get(id)
      if (session !== undefined) session.muted = true
    }
  }
}
