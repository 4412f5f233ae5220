import assert from 'node:assert/strict'
import { test } from 'node:test'
import { present } from '#base/assert.ts'
import { clientLeaseMsMax, lifeEntriesMax } from './limits.ts'
import { isStuck, planFormAnew, remainingOf } from './lives.ts'
import { planLeaders, planMoves } from './planner.ts'
import { TestCluster, formationOf, timing } from './testkit.ts'
import type { FormAnew, Replica, Slot } from './types.ts'

const slotOf = (cluster: TestCluster, group = 1): Slot => present(cluster.state.table.slots[group], 'the slot is in the table')

const replicaOn = (cluster: TestCluster, node: string, group = 1): Replica =>
  present(
    slotOf(cluster, group).replicas.find((replica) => replica.node === node),
    'the node has a replica',
  )

/** The node was restarted, and says what it had. */
function lose(cluster: TestCluster, node: string, { term = 3, group = 1 } = {}): string {
  return cluster.try({ type: 'report-losses', losses: [{ slot: group, replica: replicaOn(cluster, node, group), term }] })
}

function formAnew(cluster: TestCluster, change: Partial<FormAnew> = {}): string {
  const slots = [{ slot: 1, nodes: ['node-1', 'node-2', 'node-3'] }]
  return cluster.try({ type: 'form-anew', expectedVersion: cluster.state.table.version, slots, ...change })
}

/** A command of the test cluster takes 10 ms. */
function pass(cluster: TestCluster, ms: number): void {
  for (let passed = 0; passed < ms; passed += 10) cluster.mark('mark-alive', 'node-1')
}

const waitMs = Math.ceil(timing.electionMinMs + 1.1 * clientLeaseMsMax)
const three = (): TestCluster => new TestCluster(formationOf(3, { slots: 2 }))

test('decision C12: a replica that was lost is replaced by a new one on its node, while the others are a majority', () => {
  const cluster = three()
  assert.equal(lose(cluster, 'node-2'), 'done')
  const lost = replicaOn(cluster, 'node-2')
  assert.deepEqual(
    planMoves(cluster.state).map((command) => (command.type === 'plan-move' ? [command.slot, command.from, command.to] : command)),
    [[1, lost, 'node-2']],
  )
  cluster.settle()
  const { replicas, lost: stillLost, life } = slotOf(cluster)
  assert.deepEqual(replicas.map(({ node, generation }) => `${node}/${generation}`).toSorted(), ['node-1/0', 'node-2/1', 'node-3/0'])
  assert.deepEqual([stillLost, life.number], [[], 1])
  assert.equal(planFormAnew(cluster.state, 1e9), null)
})

test('decision C12: only a lost replica is replaced on its own node', () => {
  const cluster = three()
  const expectedVersion = cluster.state.table.version
  const command = { type: 'plan-move', expectedVersion, slot: 1, from: replicaOn(cluster, 'node-2'), to: 'node-2' } as const
  assert.equal(cluster.try(command), 'already-a-replica')
})

test('decision C12: who has lost its replica is not chosen to lead', () => {
  const cluster = three()
  const leader = present(slotOf(cluster).leader, 'the table has a leader')
  lose(cluster, leader)
  const chosen = planLeaders(cluster.state)?.leaders.find(({ slot }) => slot === 1)
  assert.ok(chosen !== undefined && chosen.node !== leader)
})

test('decision C12: a learner that was lost before it voted is given up, and another one comes', () => {
  const cluster = three()
  lose(cluster, 'node-2')
  for (const command of planMoves(cluster.state)) cluster.do(command)
  const learner = present(slotOf(cluster).move?.to, 'a new replica is on its way')
  assert.equal(cluster.try({ type: 'report-losses', losses: [{ slot: 1, replica: learner, term: 3 }] }), 'done')
  const [abort] = planMoves(cluster.state)
  assert.equal(abort?.type, 'abort-move')
  cluster.settle()
  assert.equal(replicaOn(cluster, 'node-2').generation, 2)
})

test('decision C12: a slot that lost a majority begins another life, above all indexes and terms of the one before', () => {
  const cluster = three()
  lose(cluster, 'node-1', { term: 7 })
  assert.equal(formAnew(cluster), 'majority-left')
  lose(cluster, 'node-3', { term: 5 })
  pass(cluster, waitMs)
  assert.deepEqual(planMoves(cluster.state), [])
  const command = present(planFormAnew(cluster.state, cluster.time), 'the slot can begin anew')
  assert.equal(cluster.try(command), 'done')
  const { life, initial, replicas, configurationIndex, lost } = slotOf(cluster)
  assert.deepEqual([life.number, life.index, life.term, configurationIndex], [2, lifeEntriesMax, 8, lifeEntriesMax])
  assert.deepEqual(replicas.map(({ node, generation }) => `${node}/${generation}`).toSorted(), ['node-1/1', 'node-2/1', 'node-3/1'])
  assert.deepEqual([initial, lost], [replicas, []])
  assert.equal(slotOf(cluster, 2).life.number, 1)
  assert.equal(cluster.try(command), 'stale-version')
})

test('decision C12: nothing begins anew while anybody may rely on a lease of the life before', () => {
  const cluster = three()
  lose(cluster, 'node-1')
  lose(cluster, 'node-2')
  const reportedAt = cluster.time
  pass(cluster, waitMs - 50)
  assert.equal(planFormAnew(cluster.state, reportedAt + waitMs - 50), null)
  assert.equal(formAnew(cluster), 'too-early')
  pass(cluster, 60)
  assert.equal(formAnew(cluster), 'done')
})

test('decision C12: leases last no longer than the wait of the constants that may have made them shorter', () => {
  const cluster = three()
  const shorter = { ...timing, leaseMs: timing.leaseMs / 2 }
  assert.equal(cluster.try({ type: 'set-constants', expectedRevision: 1, timing: shorter }), 'constants')
  lose(cluster, 'node-1')
  lose(cluster, 'node-2')
  pass(cluster, Math.floor(1.1 * (timing.leaseMs + clientLeaseMsMax)) - 20)
  assert.equal(formAnew(cluster), 'too-early', 'a leader that is cut off goes by the longer ones')
  pass(cluster, waitMs)
  assert.equal(formAnew(cluster), 'done')
})

test('decision C12: a slot on the move begins anew only when neither configuration has a majority', () => {
  const cluster = new TestCluster(formationOf(3, { slots: 1 }))
  lose(cluster, 'node-1')
  for (const command of planMoves(cluster.state)) cluster.do(command)
  lose(cluster, 'node-2')
  pass(cluster, waitMs)
  // It may have switched to the learner on node-1 and node-3 already.
  assert.equal(formAnew(cluster), 'majority-left')
  assert.ok(isStuck(cluster.state, slotOf(cluster)))
  assert.deepEqual(
    remainingOf(slotOf(cluster)).map(({ node, generation }) => `${node}/${generation}`),
    ['node-3/0', 'node-1/1'],
  )
  lose(cluster, 'node-3')
  pass(cluster, waitMs)
  assert.equal(formAnew(cluster), 'done')
  assert.equal(slotOf(cluster).move, null)
})

test('decision C12: nobody is in the way of a slot that has lost nothing, or has its majority', () => {
  const cluster = three()
  assert.ok(!isStuck(cluster.state, slotOf(cluster)))
  lose(cluster, 'node-1')
  assert.ok(!isStuck(cluster.state, slotOf(cluster)))
  cluster.mark('mark-dead', 'node-2')
  assert.ok(isStuck(cluster.state, slotOf(cluster)))
  assert.equal(formAnew(cluster), 'majority-left')
})

test('decision C12: a report of what is not in the table any more, or twice, changes nothing', () => {
  const cluster = three()
  const { version } = cluster.state.table
  const stranger = { ...replicaOn(cluster, 'node-1'), generation: 9 }
  assert.equal(cluster.try({ type: 'report-losses', losses: [{ slot: 1, replica: stranger, term: 1 }] }), 'done')
  assert.equal(cluster.state.table.version, version)
  lose(cluster, 'node-1')
  const { lost } = slotOf(cluster)
  lose(cluster, 'node-1', { term: 9 })
  assert.deepEqual(slotOf(cluster).lost, lost)
})

test('decision C12: the meta group is never begun anew, and a slot only on nodes that are active', () => {
  const cluster = three()
  const meta = { slot: 0, replica: replicaOn(cluster, 'node-1', 0), term: 1 }
  assert.equal(cluster.try({ type: 'report-losses', losses: [meta] }), 'no-such-slot')
  for (const node of ['node-1', 'node-2', 'node-3']) lose(cluster, node)
  pass(cluster, waitMs)
  assert.equal(formAnew(cluster, { slots: [{ slot: 0, nodes: ['node-1'] }] }), 'no-such-slot')
  assert.equal(formAnew(cluster, { slots: [{ slot: 1, nodes: ['node-1', 'node-1'] }] }), 'invalid')
  assert.equal(formAnew(cluster, { slots: [{ slot: 1, nodes: [] }] }), 'invalid')
  cluster.mark('mark-dead', 'node-3')
  assert.equal(formAnew(cluster), 'not-active')
  assert.deepEqual(planFormAnew(cluster.state, 1e9)?.slots[0]?.nodes.toSorted(), ['node-1', 'node-2'])
})
