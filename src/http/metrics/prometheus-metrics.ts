import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { MetricDefinition, MetricsReport, MetricsSource } from '#api/common/metrics.ts'
import { instantOf } from '#api/schemas.ts'
import { reportOf } from './report.ts'

type Labels = Readonly<Record<string, string>>
/** Of a gauge: all values that it has now. */
type Read = () => Iterable<{ readonly labels: Labels; readonly value: number }>

/** Counts what it is told, and tells it to people and to Prometheus. */
export class PrometheusMetrics implements MetricsSource {
  readonly #registry = new Registry()
  readonly #node: string
  readonly #now: () => number
  readonly #counters = new Map<string, Counter>()
  readonly #gauges = new Map<string, Gauge>()
  readonly #histograms = new Map<string, Histogram>()
  readonly #refused: Counter

  constructor(options: {
    readonly node: string
    readonly definitions: readonly MetricDefinition[]
    /** Gauges that are read when somebody asks, rather than set. */
    readonly readings?: Readonly<Record<string, Read>>
    /** Also what Node.js tells of its process: memory, processor, event loop. */
    readonly process: boolean
    /** Milliseconds since 1970. */
    readonly now: () => number
  }) {
    this.#node = options.node
    this.#now = options.now
    this.#registry.setDefaultLabels({ node: options.node })
    for (const definition of options.definitions) this.#define(definition, options.readings?.[definition.name])
    if (options.process) collectDefaultMetrics({ register: this.#registry })
    this.#refused = new Counter({
      name: 'lockstep_metrics_refused_total',
      help: 'Measurements without a definition that fits: a fault of this software.',
      labelNames: ['name'],
      registers: [this.#registry],
    })
  }

  #define({ type, name, help, labels, buckets }: MetricDefinition, read: Read | undefined): void {
    const common = { name, help, labelNames: [...labels], registers: [this.#registry] }
    if (type === 'counter') this.#counters.set(name, new Counter(common))
    else if (type === 'gauge')
      this.#gauges.set(name, new Gauge(read === undefined ? common : { ...common, collect: () => this.#read(name, read) }))
    else this.#histograms.set(name, new Histogram(buckets === undefined ? common : { ...common, buckets: [...buckets] }))
  }

  /** What is not there any more is not told any more. */
  #read(name: string, read: Read): void {
    this.#gauges.get(name)?.reset()
    for (const { labels, value } of read()) this.gauge(name, labels, value)
  }

  count(name: string, labels: Labels, by = 1): void {
    this.#try(name, this.#counters.get(name), (counter) => counter.inc(labels, by))
  }

  gauge(name: string, labels: Labels, value: number): void {
    this.#try(name, this.#gauges.get(name), (gauge) => gauge.set(labels, value))
  }

  observe(name: string, labels: Labels, value: number): void {
    this.#try(name, this.#histograms.get(name), (histogram) => histogram.observe(labels, value))
  }

  /** To measure never throws: whoever does has something better to do. */
  #try<Metric>(name: string, metric: Metric | undefined, measure: (metric: Metric) => void): void {
    try {
      if (metric === undefined) this.#refused.inc({ name })
      else measure(metric)
    } catch {
      // Labels that were not defined, or a value that is no number.
      this.#refused.inc({ name })
    }
  }

  prometheus(): Promise<string> {
    return this.#registry.metrics()
  }

  async report(): Promise<MetricsReport> {
    const families = await this.#registry.getMetricsAsJSON()
    return { node_id: this.#node, at: instantOf(this.#now()), metrics: reportOf(families) }
  }
}
