import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { doesCount, Summary } from './report.ts'
import type { RunReport } from './run.ts'

const enough = { minutes: 5, slots: 2, answered: 1_000, elections: 6, turnover: 'none', foundersGone: 0 } as const

const reports = (counts: readonly boolean[], violation: string | null = null): Summary => {
  const summary = new Summary('lock')
  for (const each of counts)
    summary.add({ totals: {}, faults: new Map(), actions: new Map(), violation, counts: each } as unknown as RunReport)
  return summary
}

test('a run counts that lasted, answered, and had three changes of leader beyond the first of each of its groups', () => {
  equal(doesCount(enough), true)
  for (const less of [{ minutes: 4 }, { answered: 999 }, { elections: 5 }, { slots: 3 }]) equal(doesCount({ ...enough, ...less }), false)
})

test('a run with turnover counts only when a founder has gone', () => {
  equal(doesCount({ ...enough, turnover: 'told-whom-to-join' }), false)
  equal(doesCount({ ...enough, turnover: 'told-whom-to-join', foundersGone: 1 }), true)
})

test('so many runs must count as were asked for, and half of those that there was time for', () => {
  equal(reports([true, true, false]).hasEnough(2), true)
  equal(reports([true, true, false]).hasEnough(3), false)
  equal(reports([true, false]).hasEnough(null), true)
  equal(reports([true, false, false]).hasEnough(null), false)
  equal(reports([false]).hasEnough(null), false)
})

test('a run that failed has shown enough', () => {
  equal(reports([false, false], 'both lead').hasEnough(2), true)
  equal(reports([false, false], 'both lead').hasEnough(null), true)
})
