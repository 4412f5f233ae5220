import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { all, linesOf, tableOf } from './results.ts'
import type { Row } from './row.ts'

interface Run {
  readonly perSecond: number
  readonly p50Ms: number
}

const row = (name: string, role: Row['role']): Row => ({ name, role, kind: 'any', addresses: [], pids: [] })
const runs = (...rates: readonly number[]): readonly Run[] => rates.map((perSecond) => ({ perSecond, p50Ms: 1 }))
const rateOf = ({ perSecond }: Run): number => perSecond

const rounds = new Map([
  [row('ours', 'ours'), runs(300, 100, 200)],
  [row('theirs', 'peer'), runs(100, 100, 400)],
  [row('one without promises', 'shown'), runs(300, 300, 300)],
])

test('a ratio compares runs of the same round, and only ours with those who count', () => {
  const [ours, theirs, shown] = linesOf(rounds, { rateOf, with: ['peer'] })
  deepEqual(ours?.ratios, { theirs: { min: 0.5, median: 1, max: 3 } })
  deepEqual([theirs?.ratios, shown?.ratios], [{}, {}])
  const [beside] = linesOf(rounds, { rateOf, with: ['peer', 'shown'] })
  deepEqual(Object.keys(beside?.ratios ?? {}), ['theirs', 'one without promises'])
})

test('every field of the runs is summed up by minimum, median and maximum', () => {
  const [ours] = linesOf(rounds, { rateOf, with: [] })
  deepEqual(ours?.summary, { perSecond: { min: 100, median: 200, max: 300 }, p50Ms: { min: 1, median: 1, max: 1 } })
})

test('a row that took no part in a round has no ratio there, instead of a wrong one', () => {
  const without = (count: number) => new Map([...rounds].map(([key, value]) => [key, key.role === 'peer' ? value.slice(0, count) : value]))
  const [ours] = linesOf(without(0), { rateOf, with: ['peer'] })
  deepEqual(ours?.ratios, {})
  const [beside] = linesOf(without(1), { rateOf, with: ['peer'] })
  equal(beside?.ratios['theirs']?.median, 3)
})

test('a table has a line for each row, with the columns asked for and the ratios', () => {
  const table = tableOf(linesOf(rounds, { rateOf, with: ['peer'] }), [{ head: 'messages/s', cell: ({ perSecond }) => all(perSecond) }])
  deepEqual(table.split('\n'), [
    '|  | messages/s | times |',
    '| --- | --- | --- |',
    '| ours | 100 / 200 / 300 | 1.00 × theirs |',
    '| theirs | 100 / 100 / 400 |  |',
    '| one without promises | 300 / 300 / 300 |  |',
  ])
})
