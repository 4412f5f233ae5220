import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { millis } from '#base/brand.ts'
import { Prng } from '#base/prng.ts'
import { SessionLeases } from './session-leases.ts'
import type { ExpireSessions } from './types.ts'
import { sessionId } from './types.ts'

const [s, t] = [sessionId('s'), sessionId('t')]
const ttlMs = 10_000

function leading(): SessionLeases {
  const leases = new SessionLeases()
  leases.lead(1, [], millis(0))
  for (const id of [s, t]) leases.opened({ id, ttlMs }, millis(0))
  return leases
}

test('decision L1: from the moment a leader proposes the end of a session it keeps it alive no more', () => {
  const leases = leading()
  equal(leases.keepAlive(t, millis(9_000)), 'renewed')
  equal(leases.nextDeadline(), 10_000)
  equal(leases.takeOverdue(millis(9_999), 10), null)
  deepEqual(leases.takeOverdue(millis(10_000), 10), { type: 'expire-sessions', term: 1, sessions: [s] })
  equal(leases.keepAlive(s, millis(10_001)), 'ending')
  equal(leases.takeOverdue(millis(10_001), 10), null, 'it is proposed once')
  leases.ended(s)
  equal(leases.keepAlive(s, millis(10_002)), 'unknown')
  equal(leases.keepAlive(t, millis(18_999)), 'renewed')
})

test('decision L1: a new leader keeps nobody alive and ends nobody before it leads, and then gives everybody a full lease', () => {
  const leases = leading()
  leases.follow()
  equal(leases.keepAlive(s, millis(1)), 'not-leading')
  equal(leases.takeOverdue(millis(20_000), 10), null)
  leases.opened({ id: sessionId('u'), ttlMs }, millis(1))
  equal(leases.nextDeadline(), null)
  leases.lead(3, [{ id: s, ttlMs }], millis(20_000))
  equal(leases.nextDeadline(), 30_000)
  deepEqual(leases.takeOverdue(millis(30_000), 10)?.term, 3)
})

test('a proposal that never got into the log is made again, unless the session is heard of first', () => {
  const leases = leading()
  const proposed = leases.takeOverdue(millis(10_000), 10)
  ok(proposed !== null)
  leases.notProposed(proposed)
  equal(leases.keepAlive(t, millis(10_001)), 'renewed')
  deepEqual(leases.takeOverdue(millis(10_002), 10)?.sessions, [s])
  leases.lead(2, [{ id: s, ttlMs }], millis(10_003))
  leases.notProposed(proposed)
  equal(leases.keepAlive(s, millis(10_004)), 'renewed', 'what belongs to an earlier term changes nothing')
  ok(leases.takeOverdue(millis(30_000), 10) !== null)
  leases.notProposed(proposed)
  equal(leases.keepAlive(s, millis(30_001)), 'ending', 'nor does it take back what was proposed in this one')
})

test('at most so many ends are proposed at once', () => {
  const leases = leading()
  deepEqual(leases.takeOverdue(millis(10_000), 1)?.sessions, [s])
  deepEqual(leases.takeOverdue(millis(10_000), 1)?.sessions, [t])
})

/**
 * Leaders come and go, keep-alives are late, proposals are committed late, refused, or proposed again by somebody else in a later term. The client
 * counts its lease from when it sent what was answered.
 */
function endsTooEarly(seed: number): boolean {
  const prng = new Prng(seed)
  const leases = new SessionLeases()
  let [now, term, believedUntil, sentAt] = [0, 1, ttlMs, 0]
  let proposals: ExpireSessions[] = []
  leases.lead(term, [{ id: s, ttlMs }], millis(now))
  for (let step = 0; step < 60; step++) {
    now += prng.between(0, 4_000)
    if (prng.chance(0.15)) leases.lead(++term, [{ id: s, ttlMs }], millis(now))
    if (prng.chance(0.4) && leases.keepAlive(s, millis(now)) === 'renewed') believedUntil = sentAt + ttlMs
    if (prng.chance(0.5)) sentAt = now
    const proposed = leases.takeOverdue(millis(now), 10)
    if (proposed !== null && prng.chance(0.2)) leases.notProposed(proposed)
    else if (proposed !== null) proposals.push(proposed)
    if (!prng.chance(0.3)) continue
    // Whatever is applied now is in the log of this term; the machine refuses what was decided in another.
    if (proposals.some((each) => each.term === term)) return now < believedUntil
    if (prng.chance(0.5)) proposals = []
  }
  return false
}

test('decision L1: whatever is late, no session ends while its client may still count on it', () => {
  for (let seed = 1; seed <= 3_000; seed++) equal(endsTooEarly(seed), false, `seed ${seed}`)
})
