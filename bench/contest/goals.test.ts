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
