import type { WallMillis } from '#base/brand.ts'
import { wallMillis } from '#base/brand.ts'
import { firstInTheWay, inTheWay, upgradedBy } from './grants.ts'
import { locksOf, waitsOf } from './links.ts'
import type { Deadline, Hold, Place, Resource, Session } from './records.ts'
import { refOf } from './reports.ts'
import type { LockState } from './state.ts'
import type { ClientId, FencingToken, Hop, LockMode, OwnerRef, ResourceName, SessionId } from './types.ts'

/** Questions to the state; whoever asks sees to it that it is recent enough. */

interface HolderView extends OwnerRef {
  readonly mode: LockMode
  readonly token: FencingToken
  /** For people only; null for a lock that its session carries, or that has no end. */
  readonly expiresAt: WallMillis | null
}

interface WaiterView extends OwnerRef {
  readonly mode: LockMode
  readonly upgrade: boolean
  readonly endsAt: WallMillis | null
}

export interface ResourceView {
  readonly resource: ResourceName
  readonly holders: readonly HolderView[]
  /** The next one first. */
  readonly waiters: readonly WaiterView[]
  /** Until when a lock that was lost keeps it closed. */
  readonly closedUntil: WallMillis | null
}

/** Null when nobody holds it or waits for it. */
export function viewResource(state: LockState, name: ResourceName): ResourceView | null {
  const resource = state.resources.get(name)
  return resource === undefined ? null : viewOf(state, resource)
}

/** Those whose names begin so and come after that one, by name, one by one, for there may be millions. */
export function* viewResources(state: LockState, { prefix, after }: Names): IterableIterator<ResourceView> {
  const start = after === null || after < prefix ? prefix : after
  for (const name of state.names.from(start)) {
    if (!name.startsWith(prefix)) return
    const view = name === after ? null : viewResource(state, name)
    if (view !== null) yield view
  }
}

interface Names {
  readonly prefix: string
  readonly after: string | null
}

function viewOf(state: LockState, resource: Resource): ResourceView {
  const holders: HolderView[] = []
  for (let hold = resource.firstHold; hold !== null; hold = hold.after) holders.push(holderView(state, hold))
  const waiters: WaiterView[] = []
  for (let place = resource.firstPlace; place !== null; place = place.after) waiters.push(waiterView(state, place))
  return { resource: resource.name, holders, waiters, closedUntil: wallOf(state, resource.closure) }
}

function holderView(state: LockState, { owner, mode, token, lease }: Hold): HolderView {
  return { ...refOf(owner), mode, token, expiresAt: wallOf(state, lease) }
}

function waiterView(state: LockState, { wait, mode }: Place): WaiterView {
  return { ...refOf(wait.owner), mode, upgrade: wait.upgrade, endsAt: wallOf(state, wait.deadline) }
}

/** The last entry's two stamps belong together, so they translate from one time to the other. */
function wallOf({ time, wall }: LockState, deadline: Deadline | null): WallMillis | null {
  return deadline === null ? null : wallMillis(wall + deadline.at - time)
}

export interface SessionView {
  readonly session: SessionId
  /** Null for the session of a node. */
  readonly client: ClientId | null
  readonly ttlMs: number
  readonly locks: number
  readonly waits: number
}

export function viewSession(state: LockState, id: SessionId): SessionView | null {
  const session = state.sessions.get(id)
  return session === undefined ? null : sessionView(session)
}

export function* viewSessions(state: LockState): IterableIterator<SessionView> {
  for (const session of state.sessions.values()) yield sessionView(session)
}

function sessionView(session: Session): SessionView {
  const { id, ttlMs } = session
  if (session.type === 'node') return { session: id, client: null, ttlMs, locks: 0, waits: session.outcomes.pending.size }
  const { client } = session.owner
  const waits = waitsOf(client).filter(({ owner }) => owner === session.owner).length
  return { session: id, client: client.id, ttlMs, locks: locksOf(session.owner).length, waits }
}

export interface Edge extends Hop {
  /** Who is in the way. */
  readonly of: ClientId
}

/** The wait-for graph; the edges of one queue may be as many as the square of its length, so take what you need. */
export function* waitForEdges(state: LockState): IterableIterator<Edge> {
  for (const resource of state.resources.values()) {
    for (let place = resource.firstPlace; place !== null; place = place.after) yield* edgesOf(place)
  }
}

function* edgesOf(place: Place): IterableIterator<Edge> {
  const { wait, resource, mode } = place
  const from = { client: wait.owner.client.id, resource: resource.name }
  const own = upgradedBy(wait)
  for (let hold = firstInTheWay(resource, mode); hold !== null; hold = hold.after) {
    if (hold !== own) yield { ...from, behind: 'holder', of: hold.owner.client.id }
  }
  for (let other = place.before; other !== null; other = other.before) {
    if (inTheWay(other, mode)) yield { ...from, behind: 'waiter', of: other.wait.owner.client.id }
  }
}

/**
 * Whether a resource may still trust who shows this token: only while that very grant is held. One that is not is `superseded` when an
 * exclusive grant came after it; a resource that was forgotten cannot tell, and says `expired`.
 */
export function checkToken(state: LockState, name: ResourceName, token: number): TokenCheck {
  const resource = state.resources.get(name)
  for (let hold = resource?.firstHold ?? null; hold !== null; hold = hold.after) {
    if (hold.token === token) return { valid: true, reason: 'held' }
  }
  return { valid: false, reason: (resource?.lastExclusive ?? 0) > token ? 'superseded' : 'expired' }
}

export interface TokenCheck {
  readonly valid: boolean
  readonly reason: 'held' | 'expired' | 'superseded'
}

/** What a keep-alive tells a client under wound-wait (decision L5). */
export const isWounded = (state: LockState, id: ClientId): boolean => state.clients.get(id)?.wounded === true

export interface Counts {
  readonly resources: number
  readonly locks: number
  readonly waits: number
  readonly clients: number
  readonly sessions: number
  readonly deadlocks: number
  /** Of all there ever were. */
  readonly grants: number
}

export function countsOf(state: LockState): Counts {
  return {
    resources: state.resources.size,
    locks: state.held,
    waits: state.waiting,
    clients: state.clients.size,
    sessions: state.sessions.size,
    deadlocks: state.deadlocksFound,
    grants: state.token,
  }
}
