import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { lockLimits } from '#core/lock/limits.ts'
import { fitsBytes } from '#api/schemas.ts'
import { deadlock, lockTimeout, notHolder } from './faults.ts'
import { lockApiLimits as limits, lockDefaults } from './limits.ts'
import { faultOfAcquire, faultOfAcquireMany } from './rules.ts'

test('the API takes what the lock machine takes, and nothing more', () => {
  equal(limits.nameBytesMax, lockLimits.nameBytesMax)
  equal(limits.resourcesMax, lockLimits.itemsMax)
  equal(limits.waitMsMax, lockLimits.waitMsMax)
  equal(limits.ttlMsMax, lockLimits.ttlMsMax)
  equal(limits.sessionTtlMsMin, lockLimits.sessionTtlMsMin)
  equal(limits.lockDelayMsMax, lockLimits.lockDelayMsMax)
  equal(limits.deadlocksMax, lockLimits.deadlocksKept)
  equal(limits.cycleMax, lockLimits.hopsMax)
  equal(limits.holdersMax, lockLimits.listedMax)
})

test('the defaults are within the limits', () => {
  ok(lockDefaults.ttl_ms <= limits.ttlMsMax && lockDefaults.ttl_ms > 0)
  ok(lockDefaults.session_ttl_ms >= limits.sessionTtlMsMin)
  ok(lockDefaults.page <= limits.pageMax)
})

test('a text fits by its bytes in UTF-8, and only when it is well formed', () => {
  const encoder = new TextEncoder()
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.nat(40), (value, max) => {
      equal(fitsBytes(max, value), value.isWellFormed() && encoder.encode(value).length <= max)
    }),
  )
  equal(fitsBytes(9, 'a\udc00'), false)
})

const owner = { resource_id: 'r', client_id: 'c' }

test('decision L3: a wait in the background must end by itself, unless a session carries it', () => {
  equal(faultOfAcquire({ ...owner, ttl_ms: 0 })?.code, 'invalid_request')
  for (const terms of [
    {},
    { ttl_ms: 1 },
    { ttl_ms: 0, wait_ms: 0 },
    { ttl_ms: 0, wait_ms: 5 },
    { ttl_ms: 0, session_id: 's' },
    { session_id: 's' },
  ])
    equal(faultOfAcquire({ ...owner, ...terms }), null)
})

test('a lease under a session is refused, not ignored', () => {
  deepEqual(faultOfAcquire({ ...owner, ttl_ms: 1, session_id: 's' })?.details, { field: 'ttl_ms' })
})

test('acquire-many names each resource once', () => {
  const many = (...names: readonly string[]) =>
    faultOfAcquireMany({ client_id: 'c', resources: names.map((name) => ({ resource_id: name })) })
  equal(many('a', 'b', 'c'), null)
  equal(many('__proto__', 'constructor'), null)
  deepEqual(many('a', 'b', 'a', 'b')?.details, { field: 'resources[2].resource_id' })
})

test('messages stay short and say what to do, however long the names', () => {
  const long = 'n'.repeat(256)
  const link = { client_id: long, waits_for: long, resource_id: long, behind: 'waiter' } as const
  const faults = [
    deadlock(
      Array.from({ length: 100 }, () => link),
      100,
    ),
    notHolder({ resource: long, client: long }, 3),
    lockTimeout({ resources: [long], waitMs: 0, holders: [{ client_id: long, lock_type: 'shared', fencing_token: 1 }], retryAfterMs: 5 }),
    lockTimeout({ resources: [long], waitMs: 0, holders: [], retryAfterMs: null }),
  ]
  for (const { message } of faults) ok(message.length < 1_200, message)
  equal(deadlock([link], 1).details.cycle.length, 1)
  equal(
    deadlock(
      Array.from({ length: 100 }, () => link),
      100,
    ).details.waits.length,
    limits.cycleMax,
  )
})
