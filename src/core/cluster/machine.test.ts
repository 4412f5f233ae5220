import assert from 'node:assert/strict'
import { test } from 'node:test'
import { millis, wallMillis } from '#base/brand.ts'
import { applyCommand, ClusterMachine } from './machine.ts'
import { parseReplicaId, replicaId } from './replica.ts'
import { TestCluster, formationOf, nodeName, timing } from './testkit.ts'
import { versionKnownToAll } from './version.ts'
import type { ClusterState, Join } from './types.ts'

const throughJson = (state: ClusterState): ClusterState => JSON.parse(JSON.stringify(state)) as ClusterState

const joinOf = (name: string, overrides: Partial<Join> = {}): Join => ({
  type: 'join',
  name,
  incarnation: '1',
  address: `http://${name}:7000`,
  version: 1,
  timing,
  ...overrides,
})

test('decision R3: nothing happens before a cluster is formed', () => {
  const cluster = new TestCluster()
  assert.equal(cluster.try(joinOf('node-4')), 'not-formed')
  assert.equal(cluster.machine.state, null)
})

test('decision R3: each founder may say the same formation, it happens once', () => {
  const cluster = new TestCluster(formationOf(3))
  cluster.add('node-4')
  const { state } = cluster
  assert.equal(cluster.try({ type: 'form', formation: formationOf(3) }), 'formed')
  assert.equal(cluster.state, state)
})

test('decision R3: a second cluster cannot be made of the members of the first', () => {
  const cluster = new TestCluster(formationOf(3))
  assert.equal(cluster.try({ type: 'form', formation: formationOf(3, { clusterId: 'cluster-b' }) }), 'other-cluster')
})

test('decision R3: the founders come to one table, in whatever order they are listed', () => {
  const formation = formationOf(5)
  const reversed = { ...formation, members: formation.members.toReversed() }
  assert.deepEqual(new TestCluster(reversed).state.table, new TestCluster(formation).state.table)
})

test('a formation that makes no sense is refused', () => {
  const twice = [...formationOf(2).members, ...formationOf(1).members]
  for (const wrong of [{ members: [] }, { members: twice }, { slots: 0 }, { slots: 65_536 }, { replication: 6 }, { clusterId: '' }]) {
    assert.equal(new TestCluster().try({ type: 'form', formation: formationOf(3, wrong) }), 'invalid', JSON.stringify(wrong))
  }
})

test('a new node joins without replicas and is active once it runs the constants in force', () => {
  const cluster = new TestCluster(formationOf(3))
  assert.equal(cluster.join('node-4'), 'joined')
  assert.equal(cluster.member('node-4')?.state, 'joining')
  assert.equal(cluster.settle(), 0)
  assert.equal(cluster.announce({ name: 'node-4', incarnation: '1' }, 0), 'member')
  assert.equal(cluster.member('node-4')?.state, 'joining')
  cluster.announce({ name: 'node-4', incarnation: '1' })
  assert.equal(cluster.member('node-4')?.state, 'active')
})

test('a member that joins again after a restart is told what it was told before', () => {
  const cluster = new TestCluster(formationOf(3))
  const answer = cluster.do(joinOf(nodeName(1), { address: 'http://elsewhere:7000' }))
  assert.equal(answer.type, 'joined')
  assert.equal(cluster.member(nodeName(1))?.state, 'active')
  assert.equal(cluster.member(nodeName(1))?.address, 'http://elsewhere:7000')
})

test('decision R8: a node that lost its disk takes the place of its former self, which is refused for ever', () => {
  const cluster = new TestCluster(formationOf(3))
  assert.equal(cluster.join(nodeName(2), '2'), 'joined')
  assert.equal(cluster.join(nodeName(2), '1'), 'removed')
  assert.equal(cluster.announce({ name: nodeName(2), incarnation: '1' }), 'removed')
  cluster.announce({ name: nodeName(2), incarnation: '2' })
  cluster.settle()
  for (const slot of cluster.state.table.slots) {
    const replica = slot.replicas.find(({ node }) => node === nodeName(2))
    assert.deepEqual([replica?.incarnation, replica?.generation], ['2', 1])
  }
})

test('decision R8: a removed incarnation is refused for ever, the name may come back under another', () => {
  const cluster = new TestCluster(formationOf(4))
  cluster.mark('leave', nodeName(4))
  assert.equal(cluster.mark('remove', nodeName(4)), 'holds-replicas')
  cluster.settle()
  assert.equal(cluster.mark('remove', nodeName(4)), 'done')
  assert.equal(cluster.join(nodeName(4), '1'), 'removed')
  assert.equal(cluster.mark('remove', nodeName(4)), 'done')
  assert.equal(cluster.join(nodeName(4), '2'), 'joined')
})

test('an active member is not removed: it leaves, or is dead', () => {
  const cluster = new TestCluster(formationOf(3))
  assert.equal(cluster.mark('remove', nodeName(1)), 'still-active')
  cluster.mark('mark-dead', nodeName(1))
  assert.equal(cluster.mark('leave', nodeName(1)), 'not-active')
  assert.equal(cluster.mark('remove', nodeName(1)), 'done')
})

test('decision R8: a dead member is not removed while a slot would have no majority without what it may come back with', () => {
  const cluster = new TestCluster(formationOf(3))
  for (const dead of [2, 1]) cluster.mark('mark-dead', nodeName(dead))
  for (const dead of [1, 2]) assert.equal(cluster.mark('remove', nodeName(dead)), 'no-majority')
  cluster.mark('mark-alive', nodeName(1))
  assert.equal(cluster.mark('remove', nodeName(2)), 'done')
  cluster.mark('mark-dead', nodeName(3))
  assert.equal(cluster.mark('remove', nodeName(3)), 'no-majority', 'what was removed or wiped works no more')
})

test('the last active member does not leave, also where another one that leaves is still there', () => {
  const cluster = new TestCluster(formationOf(2))
  assert.equal(cluster.mark('leave', nodeName(1)), 'member')
  assert.equal(cluster.mark('leave', nodeName(2)), 'last-active')
  assert.equal(cluster.mark('leave', nodeName(1)), 'member')
})

test('a member that was taken for dead comes back with its replicas', () => {
  const cluster = new TestCluster(formationOf(3))
  cluster.mark('mark-dead', nodeName(1))
  cluster.mark('mark-alive', nodeName(1))
  assert.equal(cluster.member(nodeName(1))?.state, 'active')
  assert.equal(cluster.settle(), 0)
})

test('the time of a state is when it was entered, not when it was last confirmed', () => {
  const cluster = new TestCluster(formationOf(3))
  cluster.mark('mark-dead', nodeName(1))
  const since = cluster.member(nodeName(1))?.since
  cluster.mark('mark-dead', nodeName(1))
  assert.equal(cluster.member(nodeName(1))?.since, since)
})

test('strangers and malformed names are refused', () => {
  const cluster = new TestCluster(formationOf(3))
  assert.equal(cluster.announce({ name: 'node-9', incarnation: '1' }), 'unknown-member')
  assert.equal(cluster.try({ type: 'leave', name: nodeName(1), incarnation: '7' }), 'unknown-member')
  for (const wrong of [{ name: '' }, { incarnation: 'a/b' }, { address: 'x'.repeat(257) }]) {
    assert.equal(cluster.try(joinOf('node-4', wrong)), 'invalid')
  }
})

function announceVersion(cluster: TestCluster, at: number, version: number): string {
  return cluster.try({ type: 'announce', name: nodeName(at), incarnation: '1', address: 'http://node:7000', version, adopted: 1 })
}

test('decision R9: the version is raised once every member announced it, the dead included', () => {
  const cluster = new TestCluster(formationOf(3))
  cluster.mark('mark-dead', nodeName(3))
  for (const at of [1, 2]) announceVersion(cluster, at, 2)
  assert.equal(versionKnownToAll(cluster.state), 1)
  assert.equal(cluster.try({ type: 'raise-version', version: 2 }), 'version-too-old')
  announceVersion(cluster, 3, 3)
  assert.equal(versionKnownToAll(cluster.state), 2)
  assert.equal(cluster.try({ type: 'raise-version', version: 2 }), 'done')
  assert.equal(cluster.state.version, 2)
})

test('decision R9: a version in use is never taken back', () => {
  const cluster = new TestCluster(formationOf(1))
  announceVersion(cluster, 1, 3)
  cluster.do({ type: 'raise-version', version: 3 })
  cluster.do({ type: 'raise-version', version: 2 })
  assert.equal(cluster.state.version, 3)
  for (const version of [0, 1.5, Number.NaN]) assert.equal(cluster.try({ type: 'raise-version', version }), 'invalid')
})

test('decision R9: a node too old for the version in use neither joins nor announces', () => {
  const cluster = new TestCluster(formationOf(1))
  announceVersion(cluster, 1, 2)
  cluster.do({ type: 'raise-version', version: 2 })
  assert.equal(cluster.try(joinOf('node-4')), 'version-too-old')
  assert.equal(announceVersion(cluster, 1, 1), 'version-too-old')
  assert.equal(cluster.try(joinOf('node-4', { version: 2 })), 'joined')
})

test('a snapshot that went through JSON goes on as the original does', () => {
  const cluster = new TestCluster(formationOf(3))
  cluster.add('node-4')
  cluster.mark('mark-dead', nodeName(1))
  const copy = new ClusterMachine(throughJson(cluster.state))
  assert.deepEqual(copy.state, cluster.state)
  const context = { index: 100, time: millis(9), wall: wallMillis(9), version: 1 }
  const command = joinOf('node-5')
  assert.deepEqual(copy.apply(command, context), cluster.machine.apply(command, context))
  assert.deepEqual(copy.snapshot(), cluster.machine.snapshot())
})

test('a command changes nothing in place', () => {
  const { state } = new TestCluster(formationOf(3))
  const before = JSON.stringify(state)
  applyCommand(state, joinOf('node-4'), { index: 2, time: millis(20), wall: wallMillis(0), version: 1 })
  assert.equal(JSON.stringify(state), before)
})

test('a replica is found again from its id', () => {
  for (const node of ['node-1', 'a/b', 'a/1/2']) {
    const replica = { node, incarnation: '9f', generation: 12 }
    assert.deepEqual(parseReplicaId(replicaId(replica)), replica)
  }
  for (const wrong of ['', 'node-1', 'node-1/9f', 'node-1/9f/x', 'node-1/9f/01', '/9f/1']) assert.equal(parseReplicaId(wrong), null)
})

test('decision R4: a member that restarts is let in whatever it was started with: it runs the constants it adopted', () => {
  const cluster = new TestCluster(formationOf(3))
  assert.equal(cluster.try(joinOf(nodeName(1), { timing: { ...timing, electionMinMs: 499 } })), 'joined')
})
