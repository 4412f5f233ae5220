import { millis } from '#base/brand.ts'
import type { Asker, Fill, HomeState, Transaction } from './home-state.ts'
import { reply } from './home-state.ts'
import { enqueue, transaction } from './home-transactions.ts'
import type { Key, Operation, SessionId } from './types.ts'

/**
 * Who may load what is absent (decision C10). One agent has the token; others wait beside the queue of the key, so nobody who writes waits for a
 * loader. Any write takes the token: what was loaded before it may be older, and is not stored.
 *
 * An agent asks one thing about a key at a time. So one that wants to read or to write the key while it waits withdraws its fill: it sends it again under the
 * same number, as a read. That may come before the fill, which is then taken for a repetition of it; be doubled; or come when a token was given, whose message is
 * then sent again. Lost, it is repeated like every request. A new home knows of neither, and is asked anew.
 */

/** Nothing is there. */
export function giveToken(state: HomeState, asking: Transaction): void {
  const { key, asker } = asking
  if (asker === null) return
  const fill = state.fills.get(key)
  if (fill !== undefined && isLoading(state, fill)) {
    fill.parked.push(asking)
    return
  }
  const token = state.next()
  const parked = fill?.parked ?? []
  state.fills.set(key, { token, session: asker.session, until: millis(state.now + state.limits.fillMs), parked })
  reply(state, asking, { type: 'load', token })
}

const isLoading = ({ now, sessions }: HomeState, { until, session }: Fill): boolean => now < until && sessions.has(session)

/** An operation with a token that is good goes to memory without it; memory refuses every other. */
export function redeem(state: HomeState, key: Key, by: SessionId, operation: Operation): Operation {
  const { change, identity } = operation
  if (change.type === 'add' || change.condition.type !== 'token') return operation
  const fill = state.fills.get(key)
  const isGood = fill !== undefined && fill.token === change.condition.token && fill.session === by && isLoading(state, fill)
  return isGood ? { identity, change: { ...change, condition: { type: 'none' } } } : operation
}

/** Somebody wrote, or the loader is gone: those who wait ask again. */
export function endFill(state: HomeState, key: Key): void {
  const fill = state.fills.get(key)
  if (fill === undefined) return
  state.fills.delete(key)
  for (const { asker, body } of fill.parked) enqueue(state, transaction({ key, body, asker }))
}

/** It is a plain read from now on: one that waits for a loader is answered at once, one that waits for its turn does not begin to. */
export function withdrawFill(state: HomeState, key: Key, { session, number }: Asker): void {
  const isMeant = ({ asker, body }: Transaction): boolean =>
    body.type === 'fill' && asker !== null && asker.session === session && asker.number === number
  const queued = state.queues.get(key)?.find(isMeant)
  if (queued !== undefined) queued.body = { type: 'read' }
  const parked = state.fills.get(key)?.parked ?? []
  const at = parked.findIndex(isMeant)
  const [taken] = at < 0 ? [] : parked.splice(at, 1)
  if (taken !== undefined) enqueue(state, transaction({ key, body: { type: 'read' }, asker: taken.asker }))
}

export function endLateFills(state: HomeState): void {
  for (const [key, fill] of state.fills) if (!isLoading(state, fill)) endFill(state, key)
}
