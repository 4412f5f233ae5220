import assert from 'node:assert/strict'
import { test } from 'node:test'
import { present } from '#base/assert.ts'
import { movesLeft } from './moves-left.ts'
import { planDeparture, planLeaders } from './planner.ts'
import { TestCluster, formationOf, nodeName } from './testkit.ts'
import { majorityWithout } from './replica.ts'
import { commandOfRebalance, commandOfTransfer, planTransfer } from './transfers.ts'
import type { LeaderTransfer } from './transfers.ts'

const leadersOf = ({ state }: TestCluster): (string | null)[] => state.table.slots.slice(1).map(({ leader }) => leader)
const ledBy = (cluster: TestCluster, node: string): number => leadersOf(cluster).filter((leader) => leader === node).length

function transfer(cluster: TestCluster, asked: LeaderTransfer): readonly number[] {
  const plan = planTransfer(cluster.state, asked)
  assert.equal(cluster.try(commandOfTransfer(cluster.state, asked, plan)), 'done')
  return plan.skipped
}

test('all that a node leads goes to the others evenly, and is not balanced back before an operator says so', () => {
  const cluster = new TestCluster(formationOf(3))
  const giver = nodeName(1)
  assert.ok(ledBy(cluster, giver) > 0)
  assert.deepEqual(transfer(cluster, { what: { from: giver }, to: null }), [])
  assert.deepEqual(
    [nodeName(1), nodeName(2), nodeName(3)].map((node) => ledBy(cluster, node)),
    [0, 16, 16],
  )
  assert.equal(planLeaders(cluster.state), null)

  cluster.do(present(commandOfRebalance(cluster.state), 'leaders are pinned'))
  assert.equal(commandOfRebalance(cluster.state), null)
  cluster.settle()
  assert.ok(ledBy(cluster, giver) > 0)
})

test('one slot goes to the node that is named, or to nobody who has no replica of it', () => {
  const cluster = new TestCluster(formationOf(4))
  const slot = 5
  const holder = cluster.nodesOf(slot).find((node) => node !== cluster.state.table.slots[slot]?.leader)
  assert.deepEqual(transfer(cluster, { what: { slot }, to: present(holder, 'it has three replicas') }), [])
  assert.equal(cluster.state.table.slots[slot]?.leader, holder)
  const stranger = [1, 2, 3, 4].map(nodeName).find((node) => !cluster.nodesOf(slot).includes(node))
  const plan = planTransfer(cluster.state, { what: { slot }, to: present(stranger, 'one of four has none') })
  assert.deepEqual(plan, { moves: [], skipped: [slot] })
  assert.deepEqual(planTransfer(cluster.state, { what: { slot: 0 }, to: null }), { moves: [], skipped: [] })
})

test('a leader that was chosen and can lead no more is replaced as any other', () => {
  const cluster = new TestCluster(formationOf(3))
  const slots = leadersOf(cluster).flatMap((leader, at) => (leader === nodeName(1) ? [at + 1] : []))
  for (const slot of slots) transfer(cluster, { what: { slot }, to: nodeName(2) })
  assert.equal(planLeaders(cluster.state)?.leaders.some(({ slot }) => slots.includes(slot)) ?? false, false)
  cluster.mark('mark-dead', nodeName(2))
  cluster.settle()
  assert.equal(ledBy(cluster, nodeName(2)), 0)
  assert.equal(commandOfRebalance(cluster.state), null)
})

test('who leaves goes once it holds nothing, and the moves that this takes are known from the start', () => {
  const cluster = new TestCluster(formationOf(4))
  const leaver = nodeName(2)
  assert.equal(movesLeft(cluster.state), 0)
  cluster.mark('leave', leaver)
  const expected = movesLeft(cluster.state)
  assert.ok(expected >= 24)
  assert.equal(planDeparture(cluster.state), null)
  assert.equal(cluster.settle(), expected)
  assert.equal(movesLeft(cluster.state), 0)
  const departure = present(planDeparture(cluster.state), 'it may go')
  assert.equal(cluster.try(departure), 'done')
  assert.equal(cluster.member(leaver), undefined)
  assert.equal(planDeparture(cluster.state), null)
})

test('moves that are under way count among those that are left', () => {
  const cluster = new TestCluster(formationOf(3))
  cluster.add(nodeName(4))
  const all = movesLeft(cluster.state)
  const { replicas } = present(cluster.state.table.slots[1], 'there is a slot')
  cluster.try({ type: 'plan-move', expectedVersion: cluster.state.table.version, slot: 1, from: replicas[0] ?? null, to: nodeName(4) })
  assert.equal(movesLeft(cluster.state), all)
})

test('a member without whose replica a slot has no majority is told from one that can be spared', () => {
  const cluster = new TestCluster(formationOf(3))
  assert.equal(majorityWithout(cluster.state, nodeName(1), new Set()), true)
  cluster.mark('mark-dead', nodeName(2))
  assert.equal(majorityWithout(cluster.state, nodeName(1), new Set()), false)
  assert.equal(majorityWithout(cluster.state, nodeName(2), new Set()), true)
  assert.equal(majorityWithout(cluster.state, 'stranger', new Set()), true)
  cluster.mark('mark-alive', nodeName(2))
  assert.equal(majorityWithout(cluster.state, nodeName(1), new Set([nodeName(2)])), false)
  assert.equal(majorityWithout(cluster.state, nodeName(1), new Set([nodeName(1)])), true)
})

test('while a slot switches, a majority of its new replicas has to be left as well', () => {
  const cluster = new TestCluster(formationOf(3))
  cluster.add(nodeName(4))
  const { replicas } = present(cluster.state.table.slots[1], 'there is a slot')
  const [leaver, other] = replicas
  cluster.try({
    type: 'plan-move',
    expectedVersion: cluster.state.table.version,
    slot: 1,
    from: present(leaver, 'it has three replicas'),
    to: nodeName(4),
  })
  const silent = new Set([present(other, 'it has three replicas').node])
  assert.equal(majorityWithout(cluster.state, nodeName(4), silent), true)
  while (cluster.moveOf(1).step !== 'switch') cluster.advance(1)
  assert.equal(majorityWithout(cluster.state, nodeName(4), silent), false)
  assert.equal(majorityWithout(cluster.state, nodeName(4), new Set()), true)
  const { id, configurationIndex } = cluster.moveOf(1)
  const back = { slot: 1, move: id, expected: 'switch', next: 'catch-up', configurationIndex } as const
  assert.equal(cluster.try({ type: 'advance-move', ...back }), 'move')
  assert.equal(majorityWithout(cluster.state, nodeName(4), silent), false, 'the order may be on its way')
})
