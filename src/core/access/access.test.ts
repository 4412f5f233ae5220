import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { addressKey } from './address-key.ts'
import { covers, denialOf, hasRole, narrowedPrefix } from './grants.ts'
import { RateLimiter } from './rate-limiter.ts'
import { roles } from './roles.ts'
import type { Grants } from './types.ts'

const grants = (all: Partial<Grants> = {}): Grants => ({ name: 't', roles: ['lock'], prefixes: [], ...all })

test('a token has the roles that it names, and an admin has all of them', () => {
  for (const role of roles) {
    equal(hasRole(grants({ roles: ['admin'] }), role), true)
    equal(hasRole(grants({ roles: [role] }), role), true)
    equal(hasRole(grants({ roles: [] }), role), false)
    if (role !== 'admin') equal(hasRole(grants({ roles: [role] }), 'admin'), false)
  }
  equal(hasRole(grants({ roles: [] }), null), true, 'any token will do')
})

test('a token without prefixes may touch every name, and one with some only what begins with one of them', () => {
  equal(denialOf(grants(), { role: 'lock', names: 'all' }), null)
  equal(denialOf(grants(), { role: 'lock', names: ['x'] }), null)
  const limited = grants({ prefixes: ['a-', 'b-'] })
  equal(denialOf(limited, { role: 'lock', names: ['a-1', 'b-2'] }), null)
  equal(denialOf(limited, { role: 'lock', names: [] }), null)
  deepEqual(denialOf(limited, { role: 'lock', names: ['a-1', 'a'] }), { type: 'name', name: 'a' })
  deepEqual(denialOf(limited, { role: null, names: 'all' }), { type: 'all' })
})

test('the role is asked for before the name, and of an admin the names are too', () => {
  deepEqual(denialOf(grants({ prefixes: ['a-'] }), { role: 'produce', names: ['x'] }), { type: 'role', role: 'produce' })
  deepEqual(denialOf(grants({ roles: ['admin'], prefixes: ['a-'] }), { role: 'produce', names: ['x'] }), { type: 'name', name: 'x' })
})

test('a list is narrowed to what the token may see, unless that is in several parts', () => {
  equal(narrowedPrefix({ prefixes: [] }, ''), '')
  equal(narrowedPrefix({ prefixes: ['a-'] }, ''), 'a-')
  equal(narrowedPrefix({ prefixes: ['a-'] }, 'a-b'), 'a-b')
  equal(narrowedPrefix({ prefixes: ['a-', 'b-'] }, 'a'), 'a-')
  equal(narrowedPrefix({ prefixes: ['a-b', 'a-'] }, ''), 'a-')
  equal(narrowedPrefix({ prefixes: ['a-', 'b-'] }, ''), null)
  equal(narrowedPrefix({ prefixes: ['a-'] }, 'b'), null)
})

test('a narrowed list shows only names that the token covers, and all of those that were asked for', () => {
  const name = fc.stringMatching(/^[ab]{0,4}$/)
  fc.assert(
    fc.property(
      fc.array(
        name.filter((text) => text !== ''),
        { minLength: 1, maxLength: 3 },
      ),
      name,
      name,
      (prefixes, asked, seen) => {
        const narrowed = narrowedPrefix({ prefixes }, asked)
        if (narrowed === null) return
        ok(narrowed.startsWith(asked))
        equal(seen.startsWith(narrowed), seen.startsWith(asked) && covers({ prefixes }, seen))
      },
    ),
    { numRuns: 2_000 },
  )
})

test('a caller has a burst, then one call for each interval, and is told when', () => {
  const limiter = new RateLimiter({ perSecond: 10, burst: 3, keysMax: 10 })
  deepEqual(
    [0, 0, 0, 0].map((now) => limiter.take('a', now)),
    [0, 0, 0, 100],
  )
  equal(limiter.take('b', 0), 0, 'another has a burst of its own')
  equal(limiter.take('a', 99), 1)
  equal(limiter.take('a', 100), 0)
  equal(limiter.take('a', 100), 100)
  deepEqual(
    [10_000, 10_000, 10_000, 10_000].map((now) => limiter.take('a', now)),
    [0, 0, 0, 100],
    'no more is saved than a burst',
  )
})

test('whenever a caller asks, it never gets more than its burst and what the time allows, nor less when it is patient', () => {
  const asks = fc.array(fc.nat(300), { minLength: 1, maxLength: 200 })
  fc.assert(
    fc.property(asks, fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 20 }), (gaps, perSecond, burst) => {
      const limiter = new RateLimiter({ perSecond, burst, keysMax: 4 })
      let now = 0
      let taken = 0
      for (const gap of gaps) {
        now += gap
        const waitMs = limiter.take('a', now)
        if (waitMs === 0) taken++
        else equal(limiter.take('a', now), waitMs, 'a refused call counts for nothing')
        ok(taken <= burst + (now * perSecond) / 1_000 + 1e-6)
      }
    }),
  )
})

test('callers beyond the limit push out those that asked longest ago', () => {
  const limiter = new RateLimiter({ perSecond: 1, burst: 1, keysMax: 2 })
  for (const key of ['a', 'b', 'c']) equal(limiter.take(key, 0), 0)
  ok(limiter.take('a', 0) > 0, 'the half before is remembered too')
  for (const key of ['d', 'e']) equal(limiter.take(key, 0), 0)
  equal(limiter.take('a', 0), 0, 'forgotten')
})

test('an address is that of its machine, or of its network', () => {
  equal(addressKey('10.0.0.1'), '10.0.0.1')
  equal(addressKey('::ffff:10.0.0.1'), '10.0.0.1')
  equal(addressKey('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2')
  equal(addressKey('2001:0DB8:0001:2::1'), '2001:db8:1:2')
  equal(addressKey('2001:db8::1'), '2001:db8:0:0')
  equal(addressKey('fe80::1%eth0'), 'fe80:0:0:0')
  equal(addressKey('::1'), '0:0:0:0')
})
