import { Type } from '#api/type.ts'
import { closed, count, instant, nullable, oneOf } from '#api/schemas.ts'
import type { Data } from '#api/schemas.ts'
import { nodeId } from './words.ts'

/** What is measured, for `GET /metrics`. */
export interface MetricsSource {
  /** For people. */
  report(): Promise<MetricsReport>
  /** The text format of Prometheus, version 0.0.4. */
  prometheus(): Promise<string>
}

/** Names are stable, begin with `lockstep_`, and end in their unit, or in `_total` when they only grow. */
export interface MetricDefinition {
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
  /** Of a histogram: upper bounds, ascending. */
  readonly buckets?: readonly number[]
}

const labels = Type.Record(Type.String(), Type.String())

const measured = closed(
  {
    labels,
    value: Type.Optional(Type.Number({ description: 'Of a counter or a gauge.' })),
    count: Type.Optional(count({ description: 'Of a histogram: how many values were seen; the other figures are null before the first.' })),
    mean: Type.Optional(nullable(Type.Number())),
    p50: Type.Optional(nullable(Type.Number({ description: 'Half of the values were smaller, as near as the buckets tell.' }))),
    p90: Type.Optional(nullable(Type.Number())),
    p99: Type.Optional(nullable(Type.Number())),
  },
  { title: 'Measured' },
)

const metric = closed(
  { type: oneOf(['counter', 'gauge', 'histogram']), help: Type.String(), values: Type.Array(measured, { maxItems: 10_000 }) },
  { title: 'Metric' },
)

export const metricsReport = closed(
  { node_id: nodeId, at: instant(), metrics: Type.Record(Type.String(), metric) },
  { title: 'MetricsReport' },
)
export type MetricsReport = Data<typeof metricsReport>
