import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { linesOf, tableOf } from '#bench/contest/results.ts'
import type { Row } from '#bench/contest/row.ts'
import type { Measured } from './drive.ts'
import { columnsOf } from './results.ts'
import { workloadsNamed } from './workloads.ts'

const row: Row = { name: 'ours', role: 'ours', kind: 'http', addresses: [], pids: [] }
const measured = (perSecond: number, duplicates: number): Measured => {
  return { perSecond, p50Ms: 1, p99Ms: 2, serversUs: 30.4, clientUs: 5, producedPerSecond: perSecond * 2, messages: 9, duplicates }
}
const rateOf = ({ perSecond }: Measured): number => perSecond

test('duplicates of the worst round are shown, and what was produced only where both were done', () => {
  const lines = linesOf(new Map([[row, [measured(100, 0), measured(200, 3), measured(300, 0)]]]), { rateOf, with: [] })
  const lineOf = (work: 'produce' | 'both'): string => tableOf(lines, columnsOf({ work })).split('\n').at(-1) ?? ''
  equal(lineOf('produce'), '| ours | 100 / 200 / 300 | 1.00 / 1.00 / 1.00 | 2.00 / 2.00 / 2.00 | 30, 5 | 3 |  |')
  equal(lineOf('both'), '| ours | 100 / 200 / 300 | 200 / 400 / 600 | 1.00 / 1.00 / 1.00 | 2.00 / 2.00 / 2.00 | 30, 5 | 3 |  |')
})

test('workloads are asked for by name, and are measured in their own order', () => {
  deepEqual(
    workloadsNamed('both,produce-1').map(({ name }) => name),
    ['produce-1', 'both'],
  )
  throws(() => workloadsNamed('produce-2'), /no workload called produce-2/)
})
