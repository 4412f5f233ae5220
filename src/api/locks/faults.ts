import type { DetailsOf, Fault } from '#api/errors.ts'
import { faultOf } from '#api/errors.ts'
import type { Data } from '#api/schemas.ts'
import { lockApiLimits as limits } from './limits.ts'
import type { holder, waitLink } from './words.ts'

/** The faults of the lock service with their words, so that every path to one says the same. */

interface Held {
  readonly resource: string
  readonly client: string
}

type WaitLink = Data<typeof waitLink>
type Holder = Data<typeof holder>

/** Long names would drown the message. */
const quoted = (name: string): string => JSON.stringify(name.length > 64 ? `${name.slice(0, 63)}…` : name)
const listed = (names: readonly string[]): string => names.map(quoted).join(', ')

export function lockTimeout(asked: {
  readonly resources: readonly string[]
  readonly waitMs: number
  readonly holders: readonly Holder[]
  readonly retryAfterMs: number | null
}): Fault<'lock_timeout'> {
  const holders = asked.holders.slice(0, limits.holdersMax)
  const clients = [...new Set(holders.map(({ client_id: client }) => client))]
  const why = clients.length > 0 ? `it is held by ${listed(clients)}` : 'it is closed, or others wait for it'
  const message = `${listed(asked.resources)} was not free within ${asked.waitMs} ms: ${why}. The request holds nothing and does not wait: ask again`
  return faultOf('lock_timeout', message, { holders: [...holders], retry_after_ms: asked.retryAfterMs })
}

/** `waits` has a link for each client of the cycle, at least the first few. */
export function deadlock(waits: readonly WaitLink[], cycleLength: number): Fault<'deadlock'> {
  const shown = waits.slice(0, limits.cycleMax)
  const cycle = shown.map(({ client_id: client }) => client)
  const links = shown.map((link) => `${quoted(link.client_id)} would wait for ${quoted(link.waits_for)} in ${quoted(link.resource_id)}`)
  const first = links.slice(0, 4).join(', ') + (cycleLength > 4 ? ` and so on, ${cycleLength} in all` : '')
  const message = `waiting would never end: ${first}. The request does not wait: release what you hold, then begin again`
  return faultOf('deadlock', message, { cycle, waits: [...shown], cycle_length: cycleLength })
}

export const notHolder = ({ resource, client }: Held, token: number | null): Fault<'not_holder'> =>
  faultOf(
    'not_holder',
    token === null
      ? `${quoted(client)} does not hold ${quoted(resource)}: see GET /locks for who does`
      : `${quoted(client)} does not hold ${quoted(resource)} by the token ${token}: that grant is over`,
    {},
  )

export const unknownResource = (resource: string): Fault<'unknown_resource'> =>
  faultOf('unknown_resource', `nobody holds ${quoted(resource)} or waits for it: there is nothing to do`, {})

export const sessionLost = (session: string): Fault<'session_lost'> =>
  faultOf('session_lost', `the session ${quoted(session)} has ended or never was, and holds nothing: open another with POST /sessions`, {})

export const unknownSession = (session: string): Fault<'unknown_session'> =>
  faultOf('unknown_session', `there is no session ${quoted(session)} to end: it is over, and holds nothing`, {})

export const wrongClient = (session: string, client: string): Fault<'wrong_client'> =>
  faultOf('wrong_client', `the session ${quoted(session)} is not one of ${quoted(client)}: use the client_id it was opened with`, {})

export const carriedBySession = ({ resource, client }: Held): Fault<'carried_by_session'> =>
  faultOf(
    'carried_by_session',
    `${quoted(client)} holds ${quoted(resource)} under a session: keep that alive with POST /sessions/{session_id}/keepalive`,
    {},
  )

/** The refusals of an acquire that say all there is to say by their name. */
export function acquireRefused<Code extends PlainRefusal>(code: Code, { resource, client }: Held): Fault<Code> {
  // None of these has details, which the compiler does not see of one that it does not know; so below.
  return faultOf(code, plainRefusals[code]({ resource: quoted(resource), client: quoted(client) }), {} as DetailsOf<Code>)
}

type PlainRefusal = keyof typeof plainRefusals

const plainRefusals = {
  wait_die: ({ resource }) => `an older client is in the way of ${resource}: release what you hold, and ask again later`,
  wounded: ({ client }) => `an older client waits for a lock of ${client}: release all that ${client} holds, then begin again`,
  conflicting_request: ({ resource, client }) =>
    `${client} has ${resource} already by another request, of other resources: release that first`,
  superseded: ({ resource, client }) => `a newer request of ${client} for ${resource} took the place of this one: wait for that`,
  hold_ended: ({ resource, client }) =>
    `the shared lock of ${client} on ${resource} ended before it became exclusive: what was read under it may have changed, begin again`,
  withdrawn: ({ resource, client }) => `${client} has left the queue of ${resource} by another call, or by the end of its session`,
} as const satisfies Readonly<Record<string, (held: Held) => string>>

/** `max` is the limit that was met. */
export function limitMet<Code extends LimitCode>(code: Code, max: number, retryAfterMs = 1_000): Fault<Code> {
  return faultOf(code, `${limitSubjects[code]}, ${max}: try again later, or release some first`, {
    retry_after_ms: retryAfterMs,
  } as unknown as DetailsOf<Code>)
}

type LimitCode = keyof typeof limitSubjects

const limitSubjects = {
  queue_full: 'as many requests wait for the resource as may',
  too_many_holders: 'as many clients share the resource as may',
  too_many_resources: 'as many resources are in use as may be',
  too_many_locks: 'the client holds and waits for as many resources as it may',
  too_many_waits: 'the client has as many requests waiting as it may',
  too_many_sessions: 'there are as many sessions as may be',
} as const
