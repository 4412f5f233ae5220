import { holdOf, waitsOf } from './links.ts'
import type { Hold, Owner, SessionAttempt, Wait } from './records.ts'
import { itemsOf, refuse } from './reports.ts'
import type { LockState } from './state.ts'
import type { Identity, Item, LockMode, OwnerRef, Refused, ResourceName } from './types.ts'
import { isSameItems } from './waits.ts'

/** For whom a request speaks: a session, or the client as a whole with what it has of its own first. Empty when nothing is known of it. */
export function ownersOf(state: LockState, { client: id, session: named }: OwnerRef): readonly Owner[] | Refused {
  if (named !== null) {
    const session = state.sessions.get(named)
    if (session === undefined) return refuse('session_lost')
    if (session.type === 'node' || session.owner.client.id !== id) return refuse('wrong_client')
    return [session.owner]
  }
  const client = state.clients.get(id)
  if (client === undefined) return []
  const owners = client.sessions.map(({ owner }) => owner)
  return client.own === null ? owners : [client.own, ...owners]
}

export const isRefused = (value: readonly Owner[] | Refused): value is Refused => 'code' in value

/** What an owner already has of the items of a request. */
type Known =
  | { readonly type: 'nothing' }
  | { readonly type: 'held'; readonly holds: readonly Hold[] }
  | { readonly type: 'waiting'; readonly wait: Wait }
  /** Held shared, and asked for exclusively. */
  | { readonly type: 'upgradable'; readonly hold: Hold }
  /** A part of it, or in another mode. */
  | { readonly type: 'conflicting' }

/** Decision L2: a request is identified by client and resources, so one that is sent again reports how things stand. */
export function knownOf(state: LockState, owners: readonly Owner[], items: readonly Item[]): Known {
  for (const owner of owners) {
    const known = knownOfOne(state, owner, items)
    if (known.type !== 'nothing') return known
  }
  return { type: 'nothing' }
}

function knownOfOne(state: LockState, owner: Owner, items: readonly Item[]): Known {
  const holds = items.map((item) => holdAt(state, owner, item.resource)).filter((hold) => hold !== null)
  const isCovered = holds.length === items.length && items.every(({ mode }, at) => covers(holds[at]?.mode, mode))
  if (isCovered) return { type: 'held', holds }
  const wait = waitOn(owner, items)
  if (wait !== undefined) return isSameItems(itemsOf(wait), items) ? { type: 'waiting', wait } : { type: 'conflicting' }
  const [hold] = holds
  if (hold === undefined) return { type: 'nothing' }
  return items.length === 1 ? { type: 'upgradable', hold } : { type: 'conflicting' }
}

const covers = (held: LockMode | undefined, wanted: LockMode): boolean => held === 'exclusive' || held === wanted

export function holdAt(state: LockState, owner: Owner, name: ResourceName): Hold | null {
  const resource = state.resources.get(name)
  return resource === undefined ? null : holdOf(resource, owner)
}

/** The wait of an owner that has a place at one of these resources. */
export function waitOn(owner: Owner, items: readonly Pick<Item, 'resource'>[]): Wait | undefined {
  const { client } = owner
  if (client.waitCount === 0) return undefined
  const names = new Set(items.map(({ resource }) => resource))
  return waitsOf(client).find((wait) => wait.owner === owner && wait.places.some(({ resource }) => names.has(resource.name)))
}

export function attemptOf(state: LockState, identity: Identity | null): SessionAttempt | null {
  const session = identity === null ? undefined : state.sessions.get(identity.session)
  return identity === null || session === undefined ? null : { session, sequence: identity.sequence }
}
