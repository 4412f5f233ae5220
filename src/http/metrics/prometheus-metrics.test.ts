import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import type { MetricDefinition } from '#api/common/metrics.ts'
import { PrometheusMetrics } from './prometheus-metrics.ts'
import { quantile } from './report.ts'

const definitions: readonly MetricDefinition[] = [
  { type: 'counter', name: 'lockstep_things_total', help: 'Things.', labels: ['kind'] },
  { type: 'counter', name: 'lockstep_plain_total', help: 'Plain.', labels: [] },
  { type: 'gauge', name: 'lockstep_level', help: 'Level.', labels: [] },
  { type: 'histogram', name: 'lockstep_wait_seconds', help: 'Waits.', labels: ['call'], buckets: [0.1, 1, 10] },
]
const metricsOf = (process = false): PrometheusMetrics =>
  new PrometheusMetrics({ node: 'n', definitions, process, now: () => Date.UTC(2026, 0, 31) })

test('the same figures are told to people and to Prometheus', async () => {
  const metrics = metricsOf()
  metrics.count('lockstep_things_total', { kind: 'a' }, 3)
  metrics.gauge('lockstep_level', {}, 2.5)
  for (const value of [0.05, 0.05, 0.5, 5]) metrics.observe('lockstep_wait_seconds', { call: 'x' }, value)
  const text = await metrics.prometheus()
  match(text, /^# HELP lockstep_things_total Things\.$/m)
  match(text, /^lockstep_things_total\{kind="a",node="n"\} 3$/m)
  match(text, /^lockstep_wait_seconds_bucket\{le="1",node="n",call="x"\} 3$/m)
  const { node_id: node, at, metrics: report } = await metrics.report()
  deepEqual([node, at], ['n', '2026-01-31T00:00:00.000Z'])
  deepEqual(report['lockstep_things_total'], { type: 'counter', help: 'Things.', values: [{ labels: { kind: 'a', node: 'n' }, value: 3 }] })
  const [histogram] = report['lockstep_wait_seconds']?.values ?? []
  deepEqual([histogram?.count, histogram?.mean, histogram?.p50], [4, 1.4, 0.1])
})

test('a gauge that is read has the values of the moment, and no others', async () => {
  let kinds = ['a', 'b']
  const metrics = new PrometheusMetrics({
    node: 'n',
    definitions: [{ type: 'gauge', name: 'lockstep_depth', help: 'Depth.', labels: ['kind'] }],
    readings: { lockstep_depth: () => kinds.map((kind, value) => ({ labels: { kind }, value })) },
    process: false,
    now: () => 0,
  })
  const told = async () => (await metrics.report()).metrics['lockstep_depth']?.values.map(({ labels, value }) => [labels['kind'], value])
  deepEqual(await told(), [
    ['a', 0],
    ['b', 1],
  ])
  kinds = ['c']
  deepEqual(await told(), [['c', 0]])
  match(await metrics.prometheus(), /^lockstep_depth\{kind="c",node="n"\} 0$/m)
})

test('what was never counted is told as zero, and a histogram without values has no figures', async () => {
  const { metrics } = await metricsOf().report()
  equal(metrics['lockstep_plain_total']?.values[0]?.value, 0)
  deepEqual(metrics['lockstep_wait_seconds']?.values, [])
})

test('to measure what is not defined does not throw, and is told', async () => {
  const metrics = metricsOf()
  metrics.count('lockstep_unheard_total', {})
  metrics.count('lockstep_things_total', { sort: 'a' })
  metrics.count('lockstep_things_total', { kind: 'a' }, -1)
  metrics.observe('lockstep_wait_seconds', { call: 'x' }, 'soon' as never)
  metrics.gauge('lockstep_plain_total', {}, 1)
  const { metrics: report } = await metrics.report()
  const refused = report['lockstep_metrics_refused_total']?.values.map(({ labels, value }) => [labels['name'], value])
  deepEqual(refused, [
    ['lockstep_unheard_total', 1],
    ['lockstep_things_total', 2],
    ['lockstep_wait_seconds', 1],
    ['lockstep_plain_total', 1],
  ])
})

test('quantiles are where the buckets say', () => {
  const buckets = [
    [1, 0],
    [2, 50],
    [4, 90],
    [Infinity, 100],
  ] as const
  equal(quantile(0.5, buckets, 100), 2)
  equal(quantile(0.7, buckets, 100), 3)
  equal(quantile(0.99, buckets, 100), 4, 'beyond the last bound nothing more is known')
  equal(quantile(0.5, buckets, 0), null)
})

test('what Node.js tells of its process is there when it is wanted', async () => {
  const { metrics } = await metricsOf(true).report()
  ok((metrics['process_resident_memory_bytes']?.values[0]?.value ?? 0) > 1e6)
})
