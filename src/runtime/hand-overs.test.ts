import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { millis } from '#base/brand.ts'
import { replicaId } from '#core/raft/types.ts'
import { HandOvers } from './hand-overs.ts'

const heir = replicaId('a/i/0')
const handOver = { group: 1, heir, tableVersion: 7 }

/** When an heir that never leads is handed the lead, asked every 100 ms. */
function attemptsIn(handOvers: HandOvers, untilMs: number): number[] {
  const attempts: number[] = []
  for (let now = 0; now < untilMs; now += 100) {
    if (!handOvers.isDue(handOver, millis(now))) continue
    attempts.push(now)
    handOvers.begun(handOver, millis(now))
  }
  return attempts
}

test('an heir that never leads is handed the lead ever more rarely, and still every two minutes', () => {
  deepEqual(attemptsIn(new HandOvers(), 400_000), [0, 5_000, 15_000, 35_000, 75_000, 155_000, 275_000, 395_000])
})

test('patience begins anew with another heir or table, in each group, and once the heir has led for ten seconds', () => {
  const handOvers = new HandOvers()
  attemptsIn(handOvers, 100_000)
  const now = millis(100_000)
  equal(handOvers.isDue(handOver, now), false)
  const other = replicaId('b/i/0')
  for (const change of [{ heir: other }, { tableVersion: 8 }, { group: 2 }]) {
    equal(handOvers.isDue({ ...handOver, ...change }, now), true)
  }
  const led = [
    [heir, 0],
    [heir, 9_000],
    [other, 10_000],
    [heir, 11_000],
    [null, 20_000],
    [heir, 22_000],
    [heir, 31_000],
  ] as const
  for (const [leader, after] of led) handOvers.leads(1, leader, { tableVersion: 7, now: millis(100_000 + after) })
  equal(handOvers.isDue(handOver, millis(131_000)), false)
  handOvers.leads(1, heir, { tableVersion: 7, now: millis(132_000) })
  equal(handOvers.isDue(handOver, millis(132_000)), true)
})

test('who was elected in place of the heir leads for ten seconds before it hands over, unless the table has changed', () => {
  const [handOvers, other] = [new HandOvers(), replicaId('b/i/0')]
  const leads = (leader: typeof heir | null, now: number): void => handOvers.leads(1, leader, { tableVersion: 7, now: millis(now) })
  leads(other, 0)
  equal(handOvers.isDue(handOver, millis(0)), true, 'who led when this node began may hand over')
  leads(heir, 1_000)
  leads(null, 20_000)
  leads(other, 21_000)
  leads(other, 25_000)
  equal(handOvers.isDue(handOver, millis(30_999)), false)
  equal(handOvers.isDue({ ...handOver, tableVersion: 8 }, millis(30_999)), true)
  equal(handOvers.isDue(handOver, millis(31_000)), true)
  leads(null, 32_000)
  leads(other, 32_500)
  equal(handOvers.isDue(handOver, millis(33_000)), false, 'it was elected again')
})
