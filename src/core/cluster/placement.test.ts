import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { initialPlacement, initialTable, preferredLeader, replicasWanted } from './placement.ts'
import { TestCluster, formationOf } from './testkit.ts'

const anyFormation = fc
  .record({
    names: fc.uniqueArray(fc.stringMatching(/^[a-z0-9-]{1,12}$/), { minLength: 1, maxLength: 9 }),
    slots: fc.integer({ min: 1, max: 40 }),
    replication: fc.integer({ min: 1, max: 5 }),
  })
  .map(({ names, slots, replication }) =>
    formationOf(0, { slots, replication, members: names.map((name) => ({ name, incarnation: 'a', address: name })) }),
  )

test('three replicas where there are three members; more only in odd numbers', () => {
  for (const [replication, wanted] of [
    [1, [0, 1, 1, 1, 1, 1, 1, 1]],
    [3, [0, 1, 2, 3, 3, 3, 3, 3]],
    [5, [0, 1, 1, 3, 3, 5, 5, 5]],
  ] as const) {
    for (const [members, replicas] of wanted.entries()) assert.equal(replicasWanted(replication, members), replicas)
  }
})

test('decision R3: the first replicas follow from the founders alone, on distinct nodes, evenly', () => {
  fc.assert(
    fc.property(anyFormation, (formation) => {
      const sets = initialPlacement(formation)
      assert.equal(sets.length, formation.slots + 1)
      assert.deepEqual(initialPlacement({ ...formation, members: formation.members.toReversed() }), sets)
      for (const [group, set] of sets.entries()) {
        const nodes = new Set(set.map((replica) => replica.node))
        assert.equal(nodes.size, replicasWanted(group === 0 ? 5 : formation.replication, formation.members.length))
      }
      const loads = formation.members.map(
        ({ name }) =>
          sets
            .slice(1)
            .flat()
            .filter((replica) => replica.node === name).length,
      )
      assert.ok(Math.max(...loads) - Math.min(...loads) <= 1)
    }),
  )
})

test('the leaders of a new cluster are within 1.25 × the mean', () => {
  fc.assert(
    fc.property(anyFormation, (formation) => {
      const leaders = initialTable(formation)
        .slots.slice(1)
        .map((slot) => slot.leader)
      const mean = formation.slots / formation.members.length
      for (const { name } of formation.members) {
        assert.ok(leaders.filter((leader) => leader === name).length <= Math.ceil(1.25 * mean))
      }
    }),
  )
})

test('a new cluster has nothing to move', () => {
  fc.assert(
    fc.property(anyFormation, (formation) => {
      assert.equal(new TestCluster(formation).settle(), 0)
    }),
  )
})

test('the first placement never changes: it is found anew at every start', () => {
  const nodes = initialPlacement(formationOf(5, { slots: 4 })).map((set) => set.map((replica) => replica.node.slice(5)).join(''))
  assert.deepEqual(nodes, ['21453', '542', '135', '213', '143'])
})

test('the meta group is led beside the slot where there is only one, and anywhere where there are more', () => {
  const members = ['a', 'b', 'c'].map((name) => ({ name, incarnation: 'a', address: name }))
  const one = initialTable(formationOf(0, { slots: 1, replication: 3, members }))
  assert.equal(preferredLeader(one, 0), one.slots[1]?.leader)
  assert.notEqual(preferredLeader(one, 0), null)
  const many = initialTable(formationOf(0, { slots: 4, replication: 3, members }))
  assert.equal(preferredLeader(many, 0), null)
  for (let group = 1; group <= 4; group++) assert.equal(preferredLeader(many, group), many.slots[group]?.leader)
})
