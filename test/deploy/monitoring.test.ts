import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parser } from '@prometheus-io/lezer-promql'
import type { MetricDefinition } from '#api/common/metrics.ts'
import { httpMetrics } from '#http/metrics/definitions.ts'
import { PrometheusMetrics } from '#http/metrics/prometheus-metrics.ts'
import { cacheMetrics } from '#services/cache/cache-metrics.ts'
import { redisMetrics } from '#services/common/redis-metrics.ts'
import { lockMetrics } from '#services/lock/lock-metrics.ts'
import { queueMetrics } from '#services/queue/queue-metrics.ts'
import { composeFile, nodeServices } from './compose-file.ts'
import { textOf, yamlOf } from './yaml-files.ts'

interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly datasource?: { readonly uid: string }
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly { readonly expr: string; readonly datasource: { readonly uid: string } }[]
}
interface Dashboard {
  readonly uid: string
  readonly panels: readonly Panel[]
}
interface Alerts {
  readonly groups: readonly {
    readonly rules: readonly { readonly alert: string; readonly expr: string; readonly labels: object; readonly annotations: object }[]
  }[]
}
interface Scraping {
  readonly rule_files: readonly string[]
  readonly scrape_configs: readonly {
    readonly job_name: keyof typeof nodeServices
    readonly static_configs: readonly { readonly targets: readonly string[] }[]
    readonly dns_sd_configs: readonly { readonly names: readonly string[]; readonly port: number }[]
  }[]
}

const folder = 'deploy/monitoring'
const dashboard = JSON.parse(textOf(`${folder}/grafana/dashboards/lockstep.json`)) as Dashboard
const { rules } = (yamlOf(`${folder}/alerts.yaml`) as Alerts).groups[0] ?? { rules: [] }

interface Selector {
  readonly metric: string
  readonly labels: readonly string[]
}

/** Which metrics an expression names, with the labels it asks of each; throws what is no PromQL. */
function selectorsOf(expression: string): readonly Selector[] {
  // Grafana puts a length of time in for its variable.
  const text = expression.replaceAll('$__rate_interval', '1m')
  const found: { metric: string; labels: string[] }[] = []
  parser.parse(text).iterate({
    enter({ type, from, to }) {
      if (type.isError) throw new Error(`not PromQL at ${from}: ${expression}`)
      const word = text.slice(from, to)
      if (type.name === 'VectorSelector') found.push({ metric: /^[a-zA-Z_:][\w:]*/.exec(word)?.[0] ?? '', labels: [] })
      if (type.name === 'LabelName' && /^\s*(?:=|!)/.test(text.slice(to))) found.at(-1)?.labels.push(word)
    },
  })
  return found
}

const definitions: readonly MetricDefinition[] = [...httpMetrics, ...lockMetrics, ...queueMetrics, ...cacheMetrics, ...redisMetrics]

/** Every name of a time series that some node tells, with its labels. */
async function known(): Promise<ReadonlyMap<string, readonly string[]>> {
  const unique = [...new Map(definitions.map((definition) => [definition.name, definition])).values()]
  const series = unique.flatMap(({ type, name, labels }) =>
    (type === 'histogram' ? ['_bucket', '_count', '_sum'] : ['']).map((suffix): [string, readonly string[]] => [
      `${name}${suffix}`,
      labels,
    ]),
  )
  const text = await new PrometheusMetrics({ node: 'a', definitions: [], process: true, now: () => 0 }).prometheus()
  const ofProcess = [...text.matchAll(/^# TYPE (\S+) /gm)].map((match): [string, readonly string[]] => [match[1] ?? '', []])
  return new Map([...series, ...ofProcess, ['up', ['job']]])
}

const expressions = [...dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)), ...rules.map(({ expr }) => expr)]

test('dashboard and alerts name only metrics and labels that nodes tell', async () => {
  const metrics = await known()
  ok(expressions.length > 30)
  for (const expression of expressions) {
    const selectors = selectorsOf(expression)
    ok(selectors.length > 0, expression)
    for (const { metric, labels } of selectors) {
      const has = metrics.get(metric)
      ok(has, `${metric} is not measured: ${expression}`)
      deepEqual(
        labels.filter((label) => !['job', 'node', ...has].includes(label)),
        [],
        expression,
      )
    }
  }
})

test('the check reads PromQL: a metric that is not there is seen, and what is no expression is refused', () => {
  deepEqual(selectorsOf('sum by (job) (rate(some_total{outcome="x"}[$__rate_interval])) / other'), [
    { metric: 'some_total', labels: ['outcome'] },
    { metric: 'other', labels: [] },
  ])
  throws(() => selectorsOf('sum by (job (x)'), /not PromQL/)
})

test('panels have ids of their own, do not overlap, and ask the data source that is provisioned', () => {
  const panels = dashboard.panels.filter(({ type }) => type !== 'row')
  equal(new Set(dashboard.panels.map(({ id }) => id)).size, dashboard.panels.length)
  const { datasources } = yamlOf(`${folder}/grafana/datasources.yaml`) as { readonly datasources: readonly { readonly uid: string }[] }
  const uid = datasources[0]?.uid ?? ''
  const cells = new Set<string>()
  for (const { title, datasource, targets = [], gridPos } of panels) {
    deepEqual([datasource?.uid, targets.length > 0, targets.every((target) => target.datasource.uid === uid)], [uid, true, true], title)
    const { x, y, w, h } = gridPos
    ok(x + w <= 24, title)
    for (let column = x; column < x + w; column++) {
      for (let line = y; line < y + h; line++) {
        ok(!cells.has(`${column}/${line}`), `${title} overlaps another`)
        cells.add(`${column}/${line}`)
      }
    }
  }
})

test('every alert is described in the documents, and says how grave it is and what it is about', () => {
  const page = textOf('docs/deployment.md')
  ok(rules.length > 0)
  for (const { alert, labels, annotations } of rules) {
    ok(page.includes(`\`${alert}\``), alert)
    deepEqual([Object.keys(labels), Object.keys(annotations)], [['severity'], ['summary']], alert)
  }
})

test('Prometheus looks at every node of the compose file, at its port, and at all replicas of the scaled services', () => {
  const { services } = composeFile()
  const scraping = yamlOf(`${folder}/prometheus.yaml`) as Scraping
  deepEqual(
    scraping.scrape_configs.map(({ job_name: job }) => job),
    Object.keys(nodeServices),
  )
  for (const { job_name: job, static_configs: fixed, dns_sd_configs: found } of scraping.scrape_configs) {
    const { nodes, scaled } = nodeServices[job]
    deepEqual(
      fixed[0]?.targets,
      nodes.map((name) => `${name}:${services[name]?.environment['PORT']}`),
    )
    deepEqual([found[0]?.names, String(found[0]?.port)], [[scaled], services[scaled]?.environment['PORT']])
  }
})

test('every file that the containers mount is there, and Prometheus finds its rules beside its settings', () => {
  const { services } = composeFile()
  const mounts = Object.values(services).flatMap(({ volumes }) => volumes.filter((mount) => mount.startsWith('./')))
  equal(mounts.length, 5)
  for (const mount of mounts) {
    const [from = '', , mode] = mount.split(':')
    deepEqual([existsSync(join(import.meta.dirname, '..', '..', from)), mode], [true, 'ro'], mount)
  }
  const { rule_files: ruleFiles } = yamlOf(`${folder}/prometheus.yaml`) as Scraping
  for (const name of ruleFiles) ok(mounts.includes(`./${folder}/${name}:/etc/prometheus/${name}:ro`), name)
})
