import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { present } from '#base/assert.ts'
import { lifeEntriesMax, lostTermsMax } from './limits.ts'
import { clusterKeyOf } from './recovery.ts'
import { formationOf, nodeName, TestCluster } from './testkit.ts'
import type { Recover, Slot } from './types.ts'

const left = nodeName(1)

/** Four members, of which one is left; it has every slot that the table gives it but those that were left out. */
function given(slots = 4): { readonly cluster: TestCluster; readonly kept: Recover['kept'] } {
  const cluster = new TestCluster(formationOf(4, { slots }))
  const kept = cluster.state.table.slots.flatMap(({ replicas }, slot) => {
    const replica = replicas.find(({ node }) => node === left)
    return replica === undefined ? [] : [{ slot, replica, configurationIndex: 70 + slot }]
  })
  return { cluster, kept }
}

const recovered = (cluster: TestCluster, kept: Recover['kept'], incarnation = '1'): string =>
  cluster.try({ type: 'recover', name: left, incarnation, recovery: 'r-1', kept })

const slotOf = (cluster: TestCluster, group: number): Slot => present(cluster.state.table.slots[group], 'the group is there')

test('decision R3: one member is left, the only voter of all that it has, and of another cluster than those who are given up', () => {
  const { cluster, kept } = given()
  const { formation } = cluster.state
  equal(recovered(cluster, kept), 'done')
  deepEqual(
    cluster.state.members.map(({ name, state }) => [name, state]),
    [[left, 'active']],
  )
  for (const { slot, replica, configurationIndex } of kept) {
    const { life, replicas, move, configurationIndex: index } = slotOf(cluster, slot)
    deepEqual([life.number, replicas, move, index], [1, [replica], null, configurationIndex])
  }
  equal(cluster.state.formation.clusterId, formation.clusterId)
  equal(clusterKeyOf(cluster.state.formation) === clusterKeyOf(formation), false)
})

test('a slot that is not there begins anew, above every index and term that the others may have had', () => {
  const { cluster, kept } = given()
  const [meta, gone, ...others] = kept
  recovered(cluster, [present(meta, 'the meta group is kept'), ...others])
  const { life, replicas, nextGeneration } = slotOf(cluster, present(gone, 'a slot is there').slot)
  deepEqual([life.number, life.index, life.term], [2, lifeEntriesMax, lostTermsMax + 1])
  deepEqual(
    replicas.map(({ node, generation }) => [node, generation]),
    [[left, nextGeneration - 1]],
  )
})

test('a replica of a life that is over is not gone on from', () => {
  const { cluster, kept } = given()
  recovered(cluster, kept.slice(0, 1))
  const slot = present(kept[1], 'a slot is there')
  recovered(cluster, [present(kept[0], 'the meta group is kept'), slot])
  equal(slotOf(cluster, slot.slot).life.number, 3)
})

test('whoever was given up joins again in another life, and is given replicas like anybody', () => {
  const { cluster, kept } = given()
  recovered(cluster, kept)
  cluster.add(nodeName(2), '2')
  cluster.add(nodeName(3), '2')
  equal(cluster.member(nodeName(2))?.state, 'active')
  cluster.settle()
  for (const group of [0, 1, 2, 3, 4]) deepEqual(cluster.nodesOf(group), [left, nodeName(2), nodeName(3)])
})

test('a node that is no member, or not in that life, cannot be what is left', () => {
  const { cluster, kept } = given()
  const before = cluster.state
  equal(recovered(cluster, kept, '9'), 'unknown-member')
  equal(cluster.state, before)
})
