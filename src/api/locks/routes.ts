import { anyUnlimitedToken, listing } from '#api/access/access.ts'
import { serviceErrors } from '#api/common/errors.ts'
import { json, route } from '#api/route.ts'
import type { Route } from '#api/route.ts'
import { acquireGranted, acquireManyGranted, acquireManyQueued, acquireManyRequest, acquireQueued, acquireRequest } from './acquire.ts'
import { checked, checkRequest, extended, extendRequest, forceReleaseRequest, released, releaseRequest } from './hold.ts'
import { openSessionRequest, sessionEnded, sessionKept, sessionOpened, sessionPath } from './sessions.ts'
import { consistencyQuery, deadlocksView, lockDetail, lockPath, locksQuery, locksView } from './views.ts'

const tag = 'Locks'

const acquireErrors = [
  ...serviceErrors,
  'lock_timeout',
  'deadlock',
  'wait_die',
  'wounded',
  'session_lost',
  'wrong_client',
  'conflicting_request',
  'superseded',
  'hold_ended',
  'withdrawn',
  'queue_full',
  'too_many_holders',
  'too_many_resources',
  'too_many_locks',
  'too_many_waits',
] as const

const taking = {
  acquire: route({
    id: 'acquire',
    access: { type: 'named', role: 'lock', names: ({ resource_id: name }) => [name] },
    method: 'POST',
    path: '/acquire',
    tag,
    summary: 'Acquire a lock',
    description:
      'Identified by client and resource: sent again it reports how things stand, and counts nothing twice. Exclusive on top of an own shared lock is an upgrade, which goes ahead of the queue. Without `wait_ms` a request that must wait is queued, and granted in the background; it leaves the queue unless it is sent again within its `ttl_ms`.',
    body: acquireRequest,
    answers: [json(200, 'The client holds the lock.', acquireGranted), json(202, 'The request is queued.', acquireQueued)],
    errors: acquireErrors,
  }),
  acquireMany: route({
    id: 'acquireMany',
    access: { type: 'named', role: 'lock', names: ({ resources }) => resources.map(({ resource_id: name }) => name) },
    method: 'POST',
    path: '/acquire-many',
    tag,
    summary: 'Acquire several locks, all or none',
    description: 'Waits in every queue as one request, and is granted in one step. Nobody passes it.',
    body: acquireManyRequest,
    answers: [json(200, 'The client holds all of them.', acquireManyGranted), json(202, 'The request is queued.', acquireManyQueued)],
    errors: acquireErrors,
  }),
} as const

const holding = {
  release: route({
    id: 'release',
    keeps: true,
    access: { type: 'named', role: 'lock', names: ({ resource_id: name }) => [name] },
    method: 'POST',
    path: '/release',
    tag,
    summary: 'Release a lock, or leave its queue',
    description: 'Who is next gets it in the same step. Give the `fencing_token`, so that a late copy of this request does no harm.',
    body: releaseRequest,
    answers: [json(200, 'The client holds it no more, and does not wait for it.', released)],
    errors: [...serviceErrors, 'unknown_resource', 'not_holder', 'session_lost', 'wrong_client'],
  }),
  extend: route({
    id: 'extend',
    keeps: true,
    access: { type: 'named', role: 'lock', names: ({ resource_id: name }) => [name] },
    method: 'POST',
    path: '/extend',
    tag,
    summary: 'Renew the lease of a lock',
    description: 'Counts from now. Count it from when you sent the request: then it ends for you before it ends here.',
    body: extendRequest,
    answers: [json(200, 'The lease is renewed.', extended)],
    errors: [...serviceErrors, 'unknown_resource', 'not_holder', 'carried_by_session'],
  }),
  check: route({
    id: 'check',
    access: { type: 'named', role: null, names: ({ resource_id: name }) => [name] },
    method: 'POST',
    path: '/check',
    tag,
    summary: 'Is this token still good?',
    description: 'For what a lock protects: true only while that very grant is held.',
    body: checkRequest,
    answers: [json(200, 'Whether it is, and why.', checked)],
    errors: serviceErrors,
  }),
  forceRelease: route({
    id: 'forceRelease',
    keeps: true,
    access: { type: 'named', role: 'admin', names: ({ resource_id: name }) => [name] },
    method: 'POST',
    path: '/force-release',
    tag,
    summary: 'Take a lock away from its holders',
    description:
      'For operators. It breaks exclusion: a holder does not know that it holds no more, and only the fencing token protects. Leaves a line in the audit log.',
    body: forceReleaseRequest,
    answers: [json(200, 'Nobody named holds it any more.', released)],
    errors: [...serviceErrors, 'unknown_resource', 'not_holder'],
    repeatable: false,
  }),
} as const

const sessions = {
  openSession: route({
    id: 'openSession',
    access: { type: 'nameless', role: 'lock' },
    method: 'POST',
    path: '/sessions',
    tag: 'Sessions',
    summary: 'Open a session',
    description: 'A session holds many locks under one lease. When it ends, all of them are released. Sent again it opens another.',
    body: openSessionRequest,
    answers: [json(201, 'The session is open.', sessionOpened)],
    errors: [...serviceErrors, 'too_many_sessions'],
  }),
  keepSessionAlive: route({
    id: 'keepSessionAlive',
    keeps: true,
    access: { type: 'nameless', role: 'lock' },
    method: 'POST',
    path: '/sessions/{session_id}/keepalive',
    tag: 'Sessions',
    summary: 'Keep a session alive',
    params: sessionPath,
    answers: [json(200, 'Its lease begins anew.', sessionKept)],
    errors: [...serviceErrors, 'session_lost'],
  }),
  endSession: route({
    id: 'endSession',
    keeps: true,
    access: { type: 'nameless', role: 'lock' },
    method: 'DELETE',
    path: '/sessions/{session_id}',
    tag: 'Sessions',
    summary: 'End a session',
    description: 'All it holds is released, and all it waits for is left.',
    params: sessionPath,
    answers: [json(200, 'It is over.', sessionEnded)],
    errors: [...serviceErrors, 'unknown_session'],
  }),
} as const

const looking = {
  locks: route({
    id: 'locks',
    access: listing,
    method: 'GET',
    path: '/locks',
    tag: 'Looking',
    summary: 'All locks, page by page',
    description: 'Those that are held, waited for or closed.',
    query: locksQuery,
    answers: [json(200, 'A page of them.', locksView)],
    errors: serviceErrors,
  }),
  lock: route({
    id: 'lock',
    access: { type: 'named', role: null, names: ({ resource_id: name }) => [name] },
    method: 'GET',
    path: '/locks/{resource_id}',
    tag: 'Looking',
    summary: 'One lock',
    description: 'Every name is a lock: one that nobody holds or waits for has empty lists. A `/` in the name is written `%2F`.',
    params: lockPath,
    query: consistencyQuery,
    answers: [json(200, 'Who holds it, and who waits in which order.', lockDetail)],
    errors: serviceErrors,
  }),
  deadlocks: route({
    id: 'deadlocks',
    access: anyUnlimitedToken,
    method: 'GET',
    path: '/deadlocks',
    tag: 'Looking',
    summary: 'Who waits for whom, and the last deadlocks',
    query: consistencyQuery,
    answers: [json(200, 'The wait-for graph, and the deadlocks that were found.', deadlocksView)],
    errors: serviceErrors,
  }),
} as const

/** The calls of the lock service. */
export const lockRoutes = { ...taking, ...holding, ...sessions, ...looking } as const satisfies Readonly<Record<string, Route>>
