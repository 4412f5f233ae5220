import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { TestCluster, formationOf, nodeName, timing } from './testkit.ts'
import { isSafeMixture, isSane } from './timing.ts'
import type { Timing } from './types.ts'

const slower: Timing = { heartbeatMs: 100, electionMinMs: 1_000, electionMaxMs: 2_000, leaseMs: 900 }
const slowWaits: Timing = { ...slower, leaseMs: timing.leaseMs }

function set(cluster: TestCluster, next: Timing, expectedRevision = cluster.state.constants.revision): string {
  return cluster.try({ type: 'set-constants', expectedRevision, timing: next })
}

function adoptAll(cluster: TestCluster): void {
  for (const member of cluster.state.members) cluster.announce(member)
}

test('the default constants keep the drift margin of 10 % and not a millisecond more lease', () => {
  assert.ok(isSane(timing))
  assert.ok(isSane({ ...timing, leaseMs: 454 }))
  assert.ok(!isSane({ ...timing, leaseMs: 455 }))
})

test('constants that make no sense are refused', () => {
  for (const wrong of [{ heartbeatMs: 0 }, { heartbeatMs: 0.5 }, { electionMaxMs: 500 }, { heartbeatMs: 226 }, { electionMaxMs: 60_001 }]) {
    assert.ok(!isSane({ ...timing, ...wrong }), JSON.stringify(wrong))
    const cluster = new TestCluster()
    assert.equal(cluster.try({ type: 'form', formation: formationOf(3, { timing: { ...timing, ...wrong } }) }), 'invalid')
    assert.equal(set(new TestCluster(formationOf(3)), { ...timing, ...wrong }), 'invalid')
  }
})

test('decision R4: raising waits and leases takes two steps, waits first', () => {
  const cluster = new TestCluster(formationOf(3))
  assert.equal(set(cluster, slower), 'unsafe-mixture')
  assert.equal(set(cluster, slowWaits), 'constants')
  assert.equal(set(cluster, slower), 'not-adopted')
  adoptAll(cluster)
  assert.equal(set(cluster, slower), 'constants')
  assert.deepEqual(cluster.state.constants, { revision: 3, timing: slower })
})

test('decision R4: lowering waits and leases takes two steps, leases first', () => {
  const cluster = new TestCluster(formationOf(3, { timing: slower }))
  assert.equal(set(cluster, timing), 'unsafe-mixture')
  assert.equal(set(cluster, slowWaits), 'constants')
  adoptAll(cluster)
  assert.equal(set(cluster, timing), 'constants')
})

test('decision R4: a change is refused until every active member has adopted the one before', () => {
  const cluster = new TestCluster(formationOf(3))
  set(cluster, slowWaits)
  cluster.announce({ name: nodeName(1), incarnation: '1' })
  cluster.announce({ name: nodeName(2), incarnation: '1' })
  assert.equal(set(cluster, slower), 'not-adopted')
  cluster.announce({ name: nodeName(3), incarnation: '1' })
  assert.equal(set(cluster, slower), 'constants')
})

test('decision R4: a voter taken for dead blocks the next change until it adopted this one or lost its replicas', () => {
  const cluster = new TestCluster(formationOf(4))
  set(cluster, slowWaits)
  cluster.mark('mark-dead', nodeName(4))
  adoptAll(cluster)
  // The announcement of a dead member counts; take one that never came.
  const silent = new TestCluster(formationOf(4))
  set(silent, slowWaits)
  silent.mark('mark-dead', nodeName(4))
  for (const at of [1, 2, 3]) silent.announce({ name: nodeName(at), incarnation: '1' })
  assert.equal(set(cluster, slower), 'constants')
  assert.equal(set(silent, slower), 'not-adopted')
  silent.settle()
  assert.equal(set(silent, slower), 'constants')
  // Back again, two revisions behind and without replicas, it must catch up before it counts.
  silent.mark('mark-alive', nodeName(4))
  assert.equal(silent.member(nodeName(4))?.state, 'joining')
})

test('decision R4: a replica of a removed member votes until it is moved, and blocks the next change', () => {
  const cluster = new TestCluster(formationOf(4))
  cluster.mark('mark-dead', nodeName(4))
  cluster.mark('remove', nodeName(4))
  assert.equal(set(cluster, slowWaits), 'not-adopted')
  cluster.settle()
  assert.equal(set(cluster, slowWaits), 'constants')
})

test('decision R4: a node whose constants differ may not join', () => {
  const cluster = new TestCluster(formationOf(3))
  const join = { type: 'join', name: 'node-9', incarnation: '1', address: 'http://node-9:7000', version: 1 } as const
  assert.equal(cluster.try({ ...join, timing: { ...timing, electionMinMs: 499 } }), 'timing-differs')
  assert.equal(cluster.try({ ...join, timing }), 'joined')
  set(cluster, slowWaits)
  assert.equal(cluster.try({ ...join, name: 'node-8', timing }), 'timing-differs')
})

test('decision R4: what was decided on older constants is refused', () => {
  const cluster = new TestCluster(formationOf(3))
  set(cluster, slowWaits)
  adoptAll(cluster)
  assert.equal(set(cluster, slower, 1), 'stale-revision')
  assert.equal(cluster.announce({ name: nodeName(1), incarnation: '1' }, 3), 'invalid')
})

test('decision R4: an announcement that was overtaken does not take an adoption back', () => {
  const cluster = new TestCluster(formationOf(3))
  set(cluster, slowWaits)
  adoptAll(cluster)
  cluster.announce({ name: nodeName(1), incarnation: '1' }, 1)
  assert.equal(cluster.member(nodeName(1))?.adopted, 2)
})

test('decision R4: whatever is set and adopted in whatever order, no voter waits less than any leader trusts its lease', () => {
  const anyTiming = fc.record({
    heartbeatMs: fc.constant(10),
    electionMinMs: fc.integer({ min: 100, max: 300 }),
    electionMaxMs: fc.constant(600),
    leaseMs: fc.integer({ min: 50, max: 250 }),
  })
  const anyEvent = fc.oneof(
    { weight: 3, arbitrary: anyTiming.map((next) => ({ type: 'set', next }) as const) },
    fc.integer({ min: 1, max: 3 }).map((at) => ({ type: 'adopt', name: nodeName(at) }) as const),
    fc.constant({ type: 'adopt-all' } as const),
  )
  let changes = 0
  fc.assert(
    fc.property(fc.array(anyEvent, { minLength: 20, maxLength: 60 }), (events) => {
      const first = { heartbeatMs: 10, electionMinMs: 200, electionMaxMs: 600, leaseMs: 180 }
      const cluster = new TestCluster(formationOf(3, { timing: first, slots: 1 }))
      const runs = new Map([1, 2, 3].map((at) => [nodeName(at), first]))
      for (const event of events) {
        if (event.type === 'set' && set(cluster, event.next) === 'constants') changes++
        for (const name of event.type === 'adopt' ? [event.name] : event.type === 'adopt-all' ? runs.keys() : []) {
          runs.set(name, cluster.state.constants.timing)
          cluster.announce({ name, incarnation: '1' })
        }
        const all = [...runs.values()]
        assert.ok(all.every((left) => all.every((right) => isSafeMixture(left, right))))
      }
    }),
  )
  assert.ok(changes > 100, `only ${changes} changes were accepted`)
})
