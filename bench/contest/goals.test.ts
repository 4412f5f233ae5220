import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { verdictsOf } from './goals.ts'
import { linesOf } from './results.ts'
import type { Row } from './row.ts'

const row = (name: string, role: Row['role']): Row => ({ name, role, kind: 'any', addresses: [], pids: [] })
const runs = (...rates: readonly number[]) => rates.map((perSecond) => ({ perSecond }))

const medianOf = ({ perSecond }: { readonly perSecond: { readonly median: number } }): number => perSecond.median

test('a goal is held against the median, and what was not measured is neither reached nor missed', () => {
  const rounds = new Map([
    [row('ours', 'ours'), runs(100, 200, 300)],
    [row('theirs', 'peer'), runs(100, 100, 100)],
  ])
  const lines = linesOf(rounds, { rateOf: ({ perSecond }) => perSecond, with: ['peer'] })
  deepEqual(
    verdictsOf(lines, [
      { row: 'ours', atLeast: 200, unit: 'messages/s', medianOf },
      { row: 'ours', times: 3, other: 'theirs' },
      { row: 'ours', times: 2, other: 'absent' },
      { row: 'absent', atLeast: 1, unit: 'messages/s', medianOf },
    ]),
    [
      'goal for ours: 200 messages/s: 200, reached',
      'goal for ours: 3.00 × theirs: 2.00, MISSED',
      'goal for ours: 2.00 × absent: not measured',
      'goal for absent: 1.00 messages/s: not measured',
    ],
  )
})

test('that nothing bad is seen is reached only where enough was looked at, and is missed by a single one however few there were', () => {
  const verdictOn = (name: string, ...all: readonly (readonly [bad: number, of: number])[]): readonly string[] => {
    const lines = linesOf(new Map([[row(name, 'ours'), all.map(([bad, of]) => ({ bad, of }))]]), { rateOf: () => 1, with: [] })
    return verdictsOf(lines, [
      { row: 'ours', none: 'stale read', among: 1_000, unit: 'pairs', seenOf: ({ bad, of }) => ({ bad: bad.max, all: of.min }) },
    ])
  }
  deepEqual(verdictOn('ours', [0, 1_000], [0, 2_000]), ['goal for ours: no stale read in 1000 pairs: 0 in 1000, reached'])
  deepEqual(verdictOn('ours', [0, 999], [0, 2_000]), ['goal for ours: no stale read in 1000 pairs: 0 in 999, too few pairs'])
  deepEqual(verdictOn('ours', [1, 9], [0, 2_000]), ['goal for ours: no stale read in 1000 pairs: 1 in 9, MISSED'])
  deepEqual(verdictOn('others', [0, 1_000]), ['goal for ours: no stale read in 1000 pairs: not measured'])
})
