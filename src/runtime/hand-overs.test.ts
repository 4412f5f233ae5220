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
  for (const [leader, after] of led) handOvers.leads(1, leader, millis(100_000 + after))
  equal(handOvers.isDue(handOver, millis(131_000)), false)
  handOvers.leads(1, heir, millis(132_000))
  equal(handOvers.isDue(handOver, millis(132_000)), true)
})
