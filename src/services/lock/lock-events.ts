import type { LockEventView } from '#api/locks/events.ts'
import { unreachable } from '#base/assert.ts'
import { viewSession } from '#core/lock/queries.ts'
import type { LockState } from '#core/lock/state.ts'
import type { Grant, Item, LockAnswer, LockEvent } from '#core/lock/types.ts'
import { linksOf } from './lock-views.ts'

/** What a replica has applied, in the words of the API; null for what is no news to people. `state` is the one after it. */
export function eventViewOf(event: LockEvent, at: string, state: LockState): LockEventView | null {
  switch (event.type) {
    case 'granted':
      return { type: 'granted', at, client_id: event.owner.client, locks: event.grants.map(grantView) }
    case 'hold-ended':
      return { type: 'hold-ended', at, client_id: event.owner.client, ...tokenOf(event.grant), reason: event.reason }
    case 'downgraded':
      return { type: 'downgraded', at, client_id: event.owner.client, ...tokenOf(event.grant), lock_type: event.grant.mode }
    case 'wait-ended': {
      const reason = reasonOf(event.answer)
      return reason === null
        ? null
        : { type: 'wait-ended', at, client_id: event.owner.client, resources: event.items.map(itemView), reason }
    }
    case 'session-opened': {
      const client = viewSession(state, event.session)?.client ?? null
      return client === null ? null : { type: 'session-opened', at, client_id: client }
    }
    case 'session-ended':
      return { type: 'session-ended', at, client_id: null, reason: event.reason }
    case 'deadlock': {
      const { victim, cycle, length } = event.record
      return { type: 'deadlock', at, victim, waits: [...linksOf(cycle, length)] }
    }
    case 'wounded':
      return { type: 'wounded', at, client_id: event.client, by: event.by }
    case 'settled':
      return null
    default:
      return unreachable(event)
  }
}

const itemView = ({ resource, mode }: Item): { resource_id: string; lock_type: Item['mode'] } => ({
  resource_id: resource,
  lock_type: mode,
})

const tokenOf = ({ resource, token }: Grant): { resource_id: string; fencing_token: number } => ({
  resource_id: resource,
  fencing_token: token,
})

const grantView = (grant: Grant): ReturnType<typeof itemView> & ReturnType<typeof tokenOf> => ({ ...itemView(grant), ...tokenOf(grant) })

function reasonOf(answer: LockAnswer): 'cancelled' | 'timed-out' | 'deadlock' | 'refused' | null {
  const { type } = answer
  return type === 'cancelled' || type === 'timed-out' || type === 'deadlock' || type === 'refused' ? type : null
}
