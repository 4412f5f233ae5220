import type { MetricObjectWithValues, MetricValue, MetricValueWithName } from 'prom-client'
import type { MetricsReport } from '#api/common/metrics.ts'

type Family = MetricObjectWithValues<MetricValue<string>>
type Metric = MetricsReport['metrics'][string]
type Measured = Metric['values'][number]

/** The same figures as for Prometheus, for people: histograms as their quantiles. */
export function reportOf(families: readonly Family[]): MetricsReport['metrics'] {
  return Object.fromEntries(families.map((family) => [family.name, metricOf(family)]))
}

function metricOf({ name, help, type, values }: Family): Metric {
  const kind = String(type)
  if (kind === 'histogram') return { type: 'histogram', help, values: histogramsOf(name, values) }
  return {
    type: kind === 'gauge' ? 'gauge' : 'counter',
    help,
    values: values.map(({ labels, value }) => ({ labels: textsOf(labels), value: finite(value) ?? 0 })),
  }
}

interface Histogram {
  readonly labels: Readonly<Record<string, string>>
  /** Upper bound and how many values were at most that; ascending. */
  readonly buckets: (readonly [bound: number, count: number])[]
  sum: number
  count: number
}

/** A histogram comes as one value per bucket, with the bound as the label `le`. */
function histogramsOf(name: string, values: readonly MetricValueWithName<string>[]): Measured[] {
  const histograms = new Map<string, Histogram>()
  for (const { labels, value, metricName } of values) {
    const { le, ...own } = textsOf(labels)
    const key = JSON.stringify(own)
    const histogram = histograms.get(key) ?? { labels: own, buckets: [], sum: 0, count: 0 }
    histograms.set(key, histogram)
    if (metricName === `${name}_sum`) histogram.sum = value
    else if (metricName === `${name}_count`) histogram.count = value
    else histogram.buckets.push([le === '+Inf' ? Infinity : Number(le), value])
  }
  return [...histograms.values()].map(({ labels, buckets, sum, count }) => ({
    labels,
    count,
    mean: count === 0 ? null : sum / count,
    p50: quantile(0.5, buckets, count),
    p90: quantile(0.9, buckets, count),
    p99: quantile(0.99, buckets, count),
  }))
}

/** As `histogram_quantile` of Prometheus: values are taken to be spread evenly within their bucket. */
export function quantile(share: number, buckets: readonly (readonly [bound: number, count: number])[], count: number): number | null {
  if (count === 0) return null
  const rank = share * count
  let lower: readonly [bound: number, count: number] = [0, 0]
  for (const bucket of buckets) {
    if (bucket[1] >= rank) {
      if (bucket[0] === Infinity) return lower[0]
      return lower[0] + ((bucket[0] - lower[0]) * (rank - lower[1])) / (bucket[1] - lower[1])
    }
    lower = bucket
  }
  return lower[0]
}

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null)

const textsOf = (labels: Partial<Record<string, string | number>>): Record<string, string> =>
  Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, String(value)]))
