import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { chooseLeaders } from './leaders.ts'
import { buildRing, locate, replicaSet } from './ring.ts'

const node = (at: number): string => `node-${at + 1}`

function placement(input: { readonly slots: number; readonly nodes: number; readonly name: string }): string[][] {
  const ring = buildRing(Array.from({ length: input.nodes }, (_, at) => ({ name: node(at), weight: 1 })))
  return Array.from({ length: input.slots }, (_, slot) => replicaSet(ring, `${input.name}/${slot}`, 3))
}

const withoutLeader = (sets: readonly (readonly string[])[]): { candidates: readonly string[]; current: null }[] =>
  sets.map((candidates) => ({ candidates, current: null }))

function peak(leaders: readonly (string | null)[]): number {
  const loads = new Map<string | null, number>()
  for (const leader of leaders) loads.set(leader, (loads.get(leader) ?? 0) + 1)
  return Math.max(...loads.values())
}

test('twelve queues on ten nodes peak at 1.67 × the mean; the plain ring goes beyond twice', () => {
  const ring = buildRing(Array.from({ length: 10 }, (_, at) => ({ name: node(at), weight: 1 })))
  let plainWorst = 0
  for (let run = 0; run < 50; run++) {
    const bounded = chooseLeaders(withoutLeader(placement({ slots: 12, nodes: 10, name: `run-${run}` })))
    assert.ok(peak(bounded) / 1.2 <= 1.67, `${peak(bounded)}`)
    const plain = Array.from({ length: 12 }, (_, slot) => locate(ring, `run-${run}/${slot}`))
    plainWorst = Math.max(plainWorst, peak(plain) / 1.2)
  }
  assert.ok(plainWorst > 3, `${plainWorst}`)
})

/** Replica sets in rotation: no node holds more than its share of them. */
const evenSlots = fc
  .record({ slots: fc.integer({ min: 1, max: 64 }), nodes: fc.integer({ min: 1, max: 12 }) })
  .map(({ slots, nodes }) =>
    Array.from({ length: slots }, (_, slot) =>
      Array.from({ length: Math.min(3, nodes) }, (_unused, rank) => node((slot * Math.min(3, nodes) + rank) % nodes)),
    ),
  )

test('no node leads more than ceil(1.25 × mean) when replicas are spread evenly, whoever led before', () => {
  fc.assert(
    fc.property(evenSlots, fc.array(fc.nat({ max: 11 }).map(node), { minLength: 64, maxLength: 64 }), (sets, previous) => {
      const slots = sets.map((candidates, slot) => ({ candidates, current: previous[slot] ?? null }))
      const leaders = chooseLeaders(slots)
      const nodes = new Set(sets.flat()).size
      assert.ok(peak(leaders) <= Math.ceil((1.25 * sets.length) / nodes))
      for (const [slot, leader] of leaders.entries()) assert.equal(sets[slot]?.includes(leader ?? ''), true)
    }),
  )
})

test('uneven replica sets raise the bound no further than they must', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uniqueArray(fc.nat({ max: 4 }).map(node), { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 8 }),
      (sets) => {
        const leaders = chooseLeaders(withoutLeader(sets))
        const bound = Math.ceil((1.25 * sets.length) / new Set(sets.flat()).size)
        assert.ok(peak(leaders) <= Math.max(bound, bestPeak(sets)))
      },
    ),
  )
})

/** The smallest peak of all choices, by trying them all. */
function bestPeak(sets: readonly (readonly string[])[]): number {
  let choices: string[][] = [[]]
  for (const set of sets) choices = choices.flatMap((choice) => set.map((name) => [...choice, name]))
  return Math.min(...choices.map(peak))
}

test('a choice that is within the bound stays as it is', () => {
  fc.assert(
    fc.property(evenSlots, (sets) => {
      const leaders = chooseLeaders(withoutLeader(sets))
      const again = chooseLeaders(sets.map((candidates, slot) => ({ candidates, current: leaders[slot] ?? null })))
      assert.deepEqual(again, leaders)
    }),
  )
})

test('a node that goes moves the leaders it had and few others', () => {
  for (let run = 0; run < 20; run++) {
    const sets = placement({ slots: 32, nodes: 6, name: `run-${run}` })
    const before = chooseLeaders(withoutLeader(sets))
    const after = chooseLeaders(
      sets.map((set, slot) => ({ candidates: set.filter((name) => name !== 'node-1'), current: before[slot] ?? null })),
    )
    const orphans = before.filter((leader) => leader === 'node-1').length
    const moved = after.filter((leader, slot) => leader !== before[slot]).length
    assert.ok(moved <= orphans + 2, `${moved} moved, ${orphans} had to`)
  }
})

test('a node that comes takes only what others lead beyond the bound', () => {
  const three = Array.from({ length: 32 }, () => ['node-1', 'node-2', 'node-3'])
  const before = chooseLeaders(withoutLeader(three))
  assert.equal(peak(before), 11)
  const four = three.map((set, slot) => set.map((name, at) => (slot < 24 && at === slot % 3 ? 'node-4' : name)))
  const after = chooseLeaders(four.map((candidates, slot) => ({ candidates, current: before[slot] ?? null })))
  assert.ok(peak(after) <= 10)
  for (const [slot, leader] of after.entries()) {
    if (four[slot]?.includes(before[slot] ?? '') === true && leader !== before[slot]) assert.equal(leader, 'node-4')
  }
})

test('a slot that nobody can lead has no leader', () => {
  assert.deepEqual(chooseLeaders([{ candidates: [], current: 'node-1' }]), [null])
  assert.deepEqual(chooseLeaders([]), [])
})
