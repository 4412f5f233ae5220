import { deepEqual, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { verdictsOf } from '#bench/contest/goals.ts'
import { linesOf } from '#bench/contest/results.ts'
import type { Row } from '#bench/contest/row.ts'
import type { Measured } from './drive.ts'
import { goalsOf } from './goals.ts'
import { growthOf } from './growth.ts'
import { rowNames } from './rows.ts'
import { workloadNames, workloadsNamed } from './workloads.ts'

const row = (name: string, role: Row['role']): Row => ({ name, role, kind: 'sdk', addresses: [], pids: [] })
const measured = (perSecond: number, more: Partial<Measured> = {}): Measured => {
  return { perSecond, p50Ms: 1, p99Ms: 2, serversUs: 3, clientUs: 4, probes: 0, stale: 0, lost: 0, keys: 1_000, ...more }
}
const linesFor = (rounds: readonly (readonly [Row, readonly Measured[]])[]) =>
  linesOf(new Map(rounds), { rateOf: ({ perSecond }) => perSecond, with: ['peer', 'shown'] })

test('what has a goal is a workload', () => {
  const named = workloadNames.filter((name) => goalsOf({ name }).length > 0)
  deepEqual(named, ['here', 'hit-1', 'hit-64', 'hit', 'owner', 'set', 'stale', 'stale-apart'])
})

test('goals are told under their table, those of others that were measured beside us too', () => {
  const lines = linesFor([
    [row(rowNames.library, 'ours'), [measured(1_000)]],
    [row(rowNames.http, 'ours'), [measured(10_000)]],
    [row(rowNames.bentocache, 'shown'), [measured(100)]],
    [row(rowNames.redis, 'shown'), [measured(100)]],
  ])
  deepEqual(verdictsOf(lines, goalsOf({ name: 'hit-64' })), [
    'goal for ours, library: 10.0 × bentocache, memory and bus, fsync everysec: 10.0, reached',
    'goal for ours, library: 12.0 × ioredis, fsync everysec: 10.0, MISSED',
    'goal for ours, HTTP: 20000 calls/s: 10000, MISSED',
  ])
  const probed = linesFor([[row(rowNames.library, 'ours'), [measured(1, { probes: 7_561 }), measured(1, { probes: 100_000 })]]])
  deepEqual(verdictsOf(probed, goalsOf({ name: 'stale' })), [
    'goal for ours, library: no stale read in 100000 pairs: 0 in 7561, too few pairs',
    'goal for ours, HTTP: no stale read in 100000 pairs: not measured',
  ])
})

test('what gets slower with more keys by more than a fifth misses its goal, and what was measured once has none', () => {
  const ours = (perSecond: number, keys: number) =>
    linesFor([
      [row(rowNames.library, 'ours'), [measured(perSecond, { keys })]],
      [row(rowNames.redis, 'shown'), [measured(1, { keys })]],
    ])
  const [small, large] = workloadsNamed('set', [1, 10_000])
  const [once] = workloadsNamed('turns')
  ok(small !== undefined && large !== undefined && once !== undefined)
  const all = (rate: number) =>
    growthOf([
      [small, ours(100, 1)],
      [large, ours(rate, 9_000)],
      [once, ours(5, 1)],
    ])
  deepEqual(all(80), ['goal for ours, library, set with 1, 9000 keys: within 20 %: with 9000 it has 0.80 × the rate with 1, reached'])
  deepEqual(all(79), ['goal for ours, library, set with 1, 9000 keys: within 20 %: with 9000 it has 0.79 × the rate with 1, MISSED'])
})
