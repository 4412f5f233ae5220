import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import type { InjectOptions } from 'fastify'
import { err, ok as fine } from '#base/result.ts'
import type { ErrorCode, Fault } from '#api/errors.ts'
import { errorRegistry, faultOf } from '#api/errors.ts'
import * as faults from '#api/locks/faults.ts'
import type { LockApi } from '#api/locks/lock-api.ts'
import { lockRoutes } from '#api/locks/routes.ts'
import { lockErrors } from '#api/locks/errors.ts'
import * as common from '#api/common/faults.ts'
import { documentOf, faultsAgainst, isDocumented } from './testkit-document.ts'
import { Served } from './testkit.ts'

type LockCall = keyof typeof lockRoutes

const owner = { resource_id: 'db_table', client_id: 'client_A' }

/** A good request for every call. */
const requests: Readonly<Record<LockCall, InjectOptions>> = {
  acquire: { method: 'POST', url: '/acquire', payload: { ...owner, lock_type: 'exclusive' } },
  acquireMany: { method: 'POST', url: '/acquire-many', payload: { client_id: 'client_A', resources: [{ resource_id: 'a' }] } },
  release: { method: 'POST', url: '/release', payload: owner },
  extend: { method: 'POST', url: '/extend', payload: { ...owner, ttl_ms: 5_000 } },
  check: { method: 'POST', url: '/check', payload: { resource_id: 'db_table', fencing_token: 7 } },
  forceRelease: { method: 'POST', url: '/force-release', payload: { resource_id: 'db_table', reason: 'stuck' } },
  openSession: { method: 'POST', url: '/sessions', payload: { client_id: 'client_A' } },
  keepSessionAlive: { method: 'POST', url: '/sessions/session-1/keepalive' },
  endSession: { method: 'DELETE', url: '/sessions/session-1' },
  locks: { method: 'GET', url: '/locks?limit=10&prefix=db&consistency=local' },
  lock: { method: 'GET', url: '/locks/db_table' },
  deadlocks: { method: 'GET', url: '/deadlocks' },
}
const calls = Object.keys(requests) as LockCall[]

test('every lock call is answered as its document says', async () => {
  await using served = new Served()
  const document = await documentOf(served)
  for (const call of calls) {
    const response = await served.http.fastify.inject(requests[call])
    equal(response.statusCode, call === 'openSession' ? 201 : 200, call)
    isDocumented(response, call, document)
    equal(served.asked.at(-1)?.method, call)
  }
})

test('the calls of the walk-through answer as written', async () => {
  await using served = new Served({
    acquire: async ({ resource_id, client_id, lock_type = 'exclusive' }) =>
      client_id === 'client_A'
        ? fine({
            status: 'granted',
            resource_id,
            client_id,
            lock_type,
            fencing_token: 7,
            ttl_ms: 60_000,
            expires_at: '2026-01-31T12:00:00.000Z',
          })
        : fine({ status: 'queued', resource_id, client_id, lock_type, position: 1, holders: [], ttl_ms: 60_000 }),
  })
  const post = async (url: string, payload: object): Promise<readonly [number, string]> => {
    const { statusCode, body } = await served.http.fastify.inject({ method: 'POST', url, payload })
    return [statusCode, body]
  }
  deepEqual(await post('/acquire', { resource_id: 'db_table', client_id: 'client_A', lock_type: 'exclusive' }), [
    200,
    '{"status":"granted","resource_id":"db_table","client_id":"client_A","lock_type":"exclusive","fencing_token":7,"ttl_ms":60000,"expires_at":"2026-01-31T12:00:00.000Z"}',
  ])
  deepEqual(await post('/acquire', { resource_id: 'db_table', client_id: 'client_B', lock_type: 'exclusive' }), [
    202,
    '{"status":"queued","resource_id":"db_table","client_id":"client_B","lock_type":"exclusive","position":1,"holders":[],"ttl_ms":60000}',
  ])
  deepEqual(await post('/release', { resource_id: 'db_table', client_id: 'client_A' }), [
    200,
    '{"status":"released","granted_to":[{"client_id":"client_B","lock_type":"exclusive","fencing_token":8}]}',
  ])
  match(
    (await served.http.fastify.inject('/locks')).body,
    /^\{"node_id":"lock-node-1","role":"follower","leader":"lock-node-2","term":3,"locks":\[/,
  )
})

test('a service is given the request as it was sent, with nothing added', async () => {
  await using served = new Served()
  for (const call of calls) await served.http.fastify.inject(requests[call])
  deepEqual(
    served.asked.map(({ request }) => request),
    [
      { ...owner, lock_type: 'exclusive' },
      { client_id: 'client_A', resources: [{ resource_id: 'a' }] },
      owner,
      { ...owner, ttl_ms: 5_000 },
      { resource_id: 'db_table', fencing_token: 7 },
      { resource_id: 'db_table', reason: 'stuck' },
      { client_id: 'client_A' },
      { session_id: 'session-1' },
      { session_id: 'session-1' },
      { limit: 10, prefix: 'db', consistency: 'local' },
      { resource_id: 'db_table' },
      {},
    ],
  )
})

test('a lock with no end, and one under a session, say null', async () => {
  await using served = new Served({
    acquire: async ({ resource_id, client_id }) =>
      fine({ status: 'granted', resource_id, client_id, lock_type: 'shared', fencing_token: 9, ttl_ms: null, expires_at: null }),
  })
  const response = await served.http.fastify.inject({ ...requests.acquire, payload: { ...owner, session_id: 's' } })
  equal(response.json<{ ttl_ms: unknown }>().ttl_ms, null)
  isDocumented(response, 'acquire', await documentOf(served))
})

test('a name in the path may have any character', async () => {
  await using served = new Served()
  for (const name of ['a/b', 'ü ☃', '%2F', 'a?b#c', '\'"<>&']) {
    const { statusCode } = await served.http.fastify.inject(`/locks/${encodeURIComponent(name)}`)
    equal(statusCode, 200)
    deepEqual(served.asked.at(-1)?.request, { resource_id: name })
  }
})

const held = { resource: 'r', client: 'c' }
const link = { client_id: 'client_A', waits_for: 'client_B', resource_id: 'r', behind: 'holder' } as const

/** One of each kind that the lock service answers with. */
const samples: { readonly [Code in ErrorCode]?: Fault<Code> } = {
  no_leader: common.noLeader(),
  unavailable: common.unavailable('the slot moves'),
  overloaded: common.overloaded('the inbox is full', 2_500),
  stopping: common.stopping(),
  unknown: common.unknownOutcome(),
  disk_full: faultOf('disk_full', 'x', { retry_after_ms: 10_000 }),
  internal: common.internal('id'),
  lock_timeout: faults.lockTimeout({
    resources: ['r'],
    waitMs: 5,
    holders: [{ client_id: 'client_B', lock_type: 'shared', fencing_token: 3 }],
    retryAfterMs: 1,
  }),
  deadlock: faults.deadlock([link, { ...link, client_id: 'client_B', waits_for: 'client_A' }], 2),
  wait_die: faults.acquireRefused('wait_die', held),
  wounded: faults.acquireRefused('wounded', held),
  conflicting_request: faults.acquireRefused('conflicting_request', held),
  superseded: faults.acquireRefused('superseded', held),
  hold_ended: faults.acquireRefused('hold_ended', held),
  withdrawn: faults.acquireRefused('withdrawn', held),
  not_holder: faults.notHolder(held, 7),
  wrong_client: faults.wrongClient('s', 'c'),
  carried_by_session: faults.carriedBySession(held),
  unknown_resource: faults.unknownResource('r'),
  unknown_session: faults.unknownSession('s'),
  session_lost: faults.sessionLost('s'),
  queue_full: faults.limitMet('queue_full', 10_000),
  too_many_holders: faults.limitMet('too_many_holders', 1),
  too_many_resources: faults.limitMet('too_many_resources', 1),
  too_many_locks: faults.limitMet('too_many_locks', 1),
  too_many_waits: faults.limitMet('too_many_waits', 1),
  too_many_sessions: faults.limitMet('too_many_sessions', 1),
}

const sampleOf = (code: ErrorCode): Fault => {
  const sample = samples[code]
  ok(sample !== undefined, `no sample of ${code}`)
  return sample
}

test('defect 18: every error of every call leaves with its status, its details, and when to ask again', async () => {
  const seen = new Set<ErrorCode>()
  let fault = sampleOf('no_leader')
  // Every call ends so, whatever it may end with by its type.
  const refuse = async (): Promise<unknown> => err(fault)
  await using served = new Served(Object.fromEntries(calls.map((call) => [call, refuse])) as Partial<LockApi>)
  const document = await documentOf(served)
  for (const call of calls) {
    for (const code of lockRoutes[call].errors) {
      fault = sampleOf(code)
      const response = await served.http.fastify.inject(requests[call])
      const { status, retryable } = errorRegistry[code]
      equal(response.statusCode, status)
      const isRetryable = code === 'unknown' ? call !== 'forceRelease' : retryable
      deepEqual(response.json(), { error: { code, message: fault.message, retryable: isRetryable, ...fault.details } })
      equal(response.headers['retry-after'] !== undefined, 'retry_after_ms' in fault.details, code)
      isDocumented(response, call, document)
      seen.add(code)
    }
  }
  const codes = Object.keys(lockErrors) as readonly ErrorCode[]
  deepEqual(
    codes.filter((code) => !seen.has(code)),
    [],
    'each lock error is one of some call',
  )
})

test('a deadlock names the clients of its cycle', () => {
  const { details, message } = sampleOf('deadlock') as Fault<'deadlock'>
  deepEqual(details.cycle, ['client_A', 'client_B'])
  match(message, /"client_A" would wait for "client_B" in "r"/)
})

test('retry-after is whole seconds, and never none', async () => {
  for (const [retryAfterMs, seconds] of [
    [0, '1'],
    [1, '1'],
    [1_001, '2'],
    [60_000, '60'],
  ] as const) {
    await using served = new Served({ check: async () => err(common.noLeader(retryAfterMs)) })
    equal((await served.http.fastify.inject(requests.check)).headers['retry-after'], seconds)
  }
})

test('what a service throws is told to the log, and to nobody else', async () => {
  await using served = new Served({ check: () => Promise.reject(new Error('secret of /etc/passwd')) })
  const response = await served.http.fastify.inject({ ...requests.check, headers: { 'x-request-id': 'mine' } })
  equal(response.statusCode, 500)
  ok(!response.body.includes('secret'))
  match(response.body, /mine/)
  deepEqual(
    served.failures.map(({ error, requestId, path }) => [error.message, requestId, path]),
    [['secret of /etc/passwd', 'mine', '/check']],
  )
  isDocumented(response, 'check', await documentOf(served))
})

test('a node that starts says so', async () => {
  await using served = new Served()
  served.isStarting = true
  for (const call of calls) {
    const response = await served.http.fastify.inject(requests[call])
    equal(response.statusCode, 503)
    equal(response.json<{ error: { code: string } }>().error.code, 'unavailable')
    equal(response.headers['retry-after'], '1')
  }
})

test('an answer that is not documented is noticed', async () => {
  await using served = new Served()
  const document = await documentOf(served)
  const schema = { $ref: '#/components/schemas/Checked' }
  equal(faultsAgainst(schema, { valid: true, reason: 'held' }, document).length, 0)
  ok(faultsAgainst(schema, { valid: true, reason: 'perhaps' }, document).length > 0)
  ok(faultsAgainst(schema, { valid: true, reason: 'held', more: 1 }, document).length > 0)
})
