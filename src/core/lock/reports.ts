import { wallMillis } from '#base/brand.ts'
import type { Hold, Owner, Place, Resource, Wait } from './records.ts'
import type { Step } from './state.ts'
import type { Grant, Granted, Holder, Item, OwnerRef, Queued, Refused, RefusalCode, TimedOut } from './types.ts'

/** What answers say about the state. Nothing here changes it. */

export function refuse(code: RefusalCode, detail = ''): Refused {
  return { type: 'refused', code, detail }
}

export function refOf({ client, session }: Owner): OwnerRef {
  return { client: client.id, session: session?.id ?? null }
}

export const grantOf = ({ resource, mode, token }: Hold): Grant => ({ resource: resource.name, mode, token })

export function itemsOf({ places }: Wait): readonly Item[] {
  return places.map(({ resource, mode }) => ({ resource: resource.name, mode }))
}

export const resourcesOf = ({ places }: Wait): readonly Resource[] => places.map(({ resource }) => resource)

export function grantedAnswer({ context }: Step, holds: readonly Hold[]): Granted {
  let ttlMs: number | null = null
  for (const { lease } of holds) {
    if (lease !== null) ttlMs = Math.min(ttlMs ?? Infinity, left(lease.at, context.time))
  }
  return { type: 'granted', grants: holds.map(grantOf), ttlMs, expiresAt: ttlMs === null ? null : wallMillis(context.wall + ttlMs) }
}

export function queuedAnswer({ state, context }: Step, wait: Wait): Queued {
  const { deadline } = wait
  return {
    type: 'queued',
    position: positionOf(wait),
    holders: listHolders(resourcesOf(wait), state.limits.listedMax),
    ttlMs: deadline === null ? null : left(deadline.at, context.time),
  }
}

export function timedOutAnswer(step: Step, resources: readonly Resource[]): TimedOut {
  return {
    type: 'timed-out',
    holders: listHolders(resources, step.state.limits.listedMax),
    retryAfterMs: retryAfter(step, resources),
  }
}

/** 1 is next; of several queues the longest counts. */
function positionOf({ places }: Wait): number {
  return places.reduce((position, place) => Math.max(position, positionIn(place)), 0)
}

function positionIn({ resource, before, after }: Place): number {
  if (after === null) return resource.placeCount
  let position = 1
  for (let other = before; other !== null; other = other.before) position++
  return position
}

function listHolders(resources: readonly Resource[], max: number): readonly Holder[] {
  const holders: Holder[] = []
  for (const { firstHold } of resources) {
    for (let hold = firstHold; hold !== null && holders.length < max; hold = hold.after) holders.push(holderOf(hold))
  }
  return holders
}

const holderOf = ({ owner, mode, token }: Hold): Holder => ({ client: owner.client.id, mode, token })

/** A closed resource opens at its time, and a lease ends at the latest then; a session has no end that is known here. */
function retryAfter({ context }: Step, resources: readonly Resource[]): number | null {
  const deadlines = resources.map(({ closure, firstHold }) => closure ?? firstHold?.lease ?? null).filter((each) => each !== null)
  return deadlines.length === 0 ? null : Math.max(...deadlines.map(({ at }) => left(at, context.time)))
}

const left = (at: number, now: number): number => Math.max(0, Math.floor(at - now))
