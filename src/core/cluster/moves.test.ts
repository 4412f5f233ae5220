import assert from 'node:assert/strict'
import { test } from 'node:test'
import { present } from '#base/assert.ts'
import { TestCluster, formationOf, nodeName } from './testkit.ts'
import type { MoveStep, PlanMove, Replica } from './types.ts'

/** Four members, slots on three of them; the first slot that node-4 is not part of, and one of its replicas. */
function ready(): { readonly cluster: TestCluster; readonly slot: number; readonly from: Replica } {
  const cluster = new TestCluster(formationOf(3, { slots: 4 }))
  cluster.add('node-4')
  return { cluster, slot: 2, from: present(cluster.state.table.slots[2]?.replicas[0], 'the slot has replicas') }
}

const plan = (cluster: TestCluster, command: Pick<PlanMove, 'slot' | 'from' | 'to'>): string =>
  cluster.try({ type: 'plan-move', expectedVersion: cluster.state.table.version, ...command })

function advance(cluster: TestCluster, expected: MoveStep, next: MoveStep, configurationIndex: number): string {
  return cluster.try({ type: 'advance-move', slot: 2, move: cluster.moveOf(2).id, expected, next, configurationIndex })
}

test('decision R8: a plan made on an older table is refused', () => {
  const { cluster, slot, from } = ready()
  const expectedVersion = cluster.state.table.version
  assert.equal(cluster.try({ type: 'plan-move', expectedVersion, slot: 1, from: null, to: 'node-4' }), 'move')
  assert.equal(cluster.try({ type: 'plan-move', expectedVersion, slot, from, to: 'node-4' }), 'stale-version')
})

test('decision R8: the intent is recorded, the replicas change when the voters have', () => {
  const { cluster, slot, from } = ready()
  plan(cluster, { slot, from, to: 'node-4' })
  assert.equal(advance(cluster, 'learn', 'catch-up', 11), 'move')
  assert.equal(advance(cluster, 'catch-up', 'switch', 11), 'move')
  assert.ok(cluster.nodesOf(slot).includes(from.node))
  assert.equal(advance(cluster, 'switch', 'retire', 13), 'move')
  assert.ok(!cluster.nodesOf(slot).includes(from.node) && cluster.nodesOf(slot).includes('node-4'))
  assert.equal(cluster.advance(slot), 'move')
  assert.equal(cluster.state.table.slots[slot]?.move, null)
  assert.equal(cluster.state.table.slots[slot]?.configurationIndex, 13)
})

test('decision R8: a step is taken once, in order, and on a configuration that is not older', () => {
  const { cluster, slot, from } = ready()
  plan(cluster, { slot, from, to: 'node-4' })
  assert.equal(advance(cluster, 'learn', 'switch', 11), 'stale-step')
  assert.equal(advance(cluster, 'learn', 'catch-up', 11), 'move')
  assert.equal(advance(cluster, 'learn', 'catch-up', 11), 'stale-step')
  assert.equal(advance(cluster, 'catch-up', 'switch', 10), 'stale-index')
  assert.equal(advance(cluster, 'catch-up', 'switch', 11), 'move')
  assert.equal(advance(cluster, 'switch', 'retire', 11), 'stale-index')
  assert.equal(advance(cluster, 'switch', 'switch', 12), 'move')
  const finish = { type: 'finish-move', slot, move: cluster.moveOf(slot).id, configurationIndex: 13 } as const
  assert.equal(cluster.try(finish), 'stale-step')
})

test('decision R8: commands about a former move do not touch its successor', () => {
  const { cluster, slot, from } = ready()
  plan(cluster, { slot, from, to: 'node-4' })
  const { id } = cluster.moveOf(slot)
  assert.equal(cluster.try({ type: 'abort-move', slot, move: id }), 'move')
  assert.equal(cluster.try({ type: 'finish-move', slot, move: id, configurationIndex: 0 }), 'move')
  plan(cluster, { slot, from, to: 'node-4' })
  const late = { slot, move: id, configurationIndex: 20 }
  assert.equal(cluster.try({ type: 'advance-move', expected: 'learn', next: 'catch-up', ...late }), 'no-such-move')
  assert.equal(cluster.try({ type: 'abort-move', slot, move: id }), 'no-such-move')
  assert.equal(cluster.try({ type: 'finish-move', ...late }), 'no-such-move')
})

test('decision R8: a replica id is never used twice, whatever became of its move', () => {
  const { cluster, slot, from } = ready()
  const generations = [0, 1, 2].map(() => {
    plan(cluster, { slot, from, to: 'node-4' })
    const { id, to } = cluster.moveOf(slot)
    cluster.try({ type: 'abort-move', slot, move: id })
    cluster.advance(slot)
    return to?.generation
  })
  assert.deepEqual(generations, [1, 2, 3])
})

test('a move is given up until the voters switch, and no later', () => {
  for (const [steps, answer] of [
    [0, 'move'],
    [1, 'move'],
    [2, 'too-late'],
    [3, 'too-late'],
  ] as const) {
    const { cluster, slot, from } = ready()
    plan(cluster, { slot, from, to: 'node-4' })
    for (let step = 0; step < steps; step++) cluster.advance(slot)
    assert.equal(cluster.try({ type: 'abort-move', slot, move: cluster.moveOf(slot).id }), answer)
    assert.equal(cluster.moveOf(slot).step === 'revert', answer === 'move')
  }
})

test('what makes no sense is not planned', () => {
  const { cluster, slot, from } = ready()
  cluster.join('node-5')
  assert.equal(plan(cluster, { slot: 9, from, to: 'node-4' }), 'no-such-slot')
  assert.equal(plan(cluster, { slot, from: null, to: null }), 'invalid')
  assert.equal(plan(cluster, { slot, from: { ...from, generation: 7 }, to: 'node-4' }), 'not-a-replica')
  assert.equal(plan(cluster, { slot, from, to: 'node-5' }), 'not-active')
  assert.equal(plan(cluster, { slot, from, to: 'node-9' }), 'not-active')
  assert.equal(plan(cluster, { slot, from, to: from.node }), 'already-a-replica')
  assert.equal(plan(cluster, { slot, from: null, to: from.node }), 'already-a-replica')
  assert.equal(plan(cluster, { slot, from, to: 'node-4' }), 'move')
  assert.equal(plan(cluster, { slot, from, to: 'node-4' }), 'move-pending')
})

test('no more moves are under way than may be', () => {
  const { cluster } = ready()
  for (let slot = 0; slot < 4; slot++) assert.equal(plan(cluster, { slot, from: null, to: 'node-4' }), 'move')
  assert.equal(plan(cluster, { slot: 4, from: null, to: 'node-4' }), 'full')
})

test('a slot is not brought below a majority', () => {
  const { cluster, slot } = ready()
  const [first, second] = cluster.nodesOf(slot)
  const replicaOn = (node: string | undefined): Replica | null =>
    cluster.state.table.slots[slot]?.replicas.find((replica) => replica.node === node) ?? null
  cluster.mark('mark-dead', present(first, 'three replicas'))
  assert.equal(plan(cluster, { slot, from: replicaOn(second), to: null }), 'no-majority')
  assert.equal(plan(cluster, { slot, from: replicaOn(first), to: 'node-4' }), 'move')
  cluster.mark('mark-dead', present(second, 'three replicas'))
  assert.equal(plan(cluster, { slot: 3, from: null, to: 'node-4' }), 'no-majority')
})

test('a leader is one of the replicas, chosen on the table as it is', () => {
  const { cluster, slot } = ready()
  const set = (node: string, group = slot, expectedVersion = cluster.state.table.version): string =>
    cluster.try({ type: 'set-preferred-leaders', expectedVersion, leaders: [{ slot: group, node }], pinned: false })
  assert.equal(set(nodeName(1)), 'done')
  assert.equal(cluster.state.table.slots[slot]?.leader, nodeName(1))
  assert.equal(set('node-4'), 'not-a-replica')
  assert.equal(set(nodeName(1), 0), 'no-such-slot')
  assert.equal(set(nodeName(1), 9), 'no-such-slot')
  assert.equal(set(nodeName(1), slot, 1), 'stale-version')
})
