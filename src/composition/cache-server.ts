import { cacheEvents } from '#api/cache/events.ts'
import { admitCacheMessage } from '#services/cache/client-access.ts'
import { cacheMetricsReport } from '#api/cache/metrics.ts'
import type { MetricsSource } from '#api/common/metrics.ts'
import { Prng } from '#base/prng.ts'
import { createApiServer } from '#http/api-server.ts'
import { cacheRoutes } from '#http/cache-routes.ts'
import { httpMetrics } from '#http/metrics/definitions.ts'
import { PrometheusMetrics } from '#http/metrics/prometheus-metrics.ts'
import { ClientGate } from '#io/client/client-gate.ts'
import { PinoTelemetry } from '#io/pino-telemetry.ts'
import { systemClock } from '#io/system-clock.ts'
import { cacheMetrics } from '#services/cache/cache-metrics.ts'
import { CacheServer } from '#services/cache/cache-server.ts'
import { Admission } from '#services/common/admission.ts'
import { accessOf } from './access.ts'
import { consoleOf } from './console.ts'
import { entropy, seed } from './served.ts'
import type { Serve } from './served.ts'
import { withWarnings } from './with-warnings.ts'

export const serveCache: Serve = (options, node, { serverFactory, warnings }) => {
  const { id, logLevel, version, hasRoom, linesMax, store, data } = options
  const metrics = new PrometheusMetrics({ node: id, definitions: [...httpMetrics, ...cacheMetrics], process: true, now: () => Date.now() })
  const telemetry = new PinoTelemetry({ level: logLevel, node: id, meter: metrics })
  const admission = new Admission({ clock: systemClock, prng: new Prng(seed()), telemetry })
  const limits = linesMax === null ? {} : { linesMax }
  const ports = { node, name: id, version, clock: systemClock, prng: new Prng(seed()), entropy, telemetry, admission, hasRoom }
  const server = new CacheServer({ ...ports, limits, store: data === null ? 'memory' : store })
  let started = false
  const known = withWarnings(server.nodeApi, () => [...warnings(), ...server.warnings()])
  const nodeApi = () => (started ? known : null)
  const access = accessOf(options, telemetry)
  const http = createApiServer({
    node: nodeApi,
    serverFactory,
    routes: cacheRoutes({ api: () => (started ? server.cache : null), node: id, now: () => Date.now() }),
    metrics: metricsSource(server, metrics),
    report: cacheMetricsReport,
    meter: metrics,
    events: Object.values(cacheEvents),
    title: 'Lockstep cache',
    version,
    home: '/console',
    console: consoleOf(options),
    onFailure: ({ error, requestId, path }) =>
      telemetry.log('error', 'request-failed', { requestId, path, error: error.stack ?? error.message }),
    now: () => Date.now(),
    access: access.guard,
    admission,
  })
  const gate = new ClientGate({
    server: http.fastify.server,
    ...access.clients(server.clients, admitCacheMessage),
    clock: systemClock,
    telemetry,
  })
  return {
    http,
    telemetry,
    nodeApi,
    machineVersion: 1,
    ports: { machineFor: (group) => server.newMachine(group), hooks: server },
    start: () => {
      started = true
      server.start()
      gate.start()
      admission.start()
    },
    leave: () => {
      server.clients.going()
      server.leave()
    },
    settle: () => server.settle(),
    stop: () => {
      access.stop()
      admission.stop()
      gate.stop()
      server.stop()
    },
  }
}

/** What agents count themselves is gathered when somebody asks. */
const metricsSource = (server: CacheServer, metrics: PrometheusMetrics): MetricsSource => ({
  async report() {
    server.gatherMetrics()
    return { ...(await metrics.report()), ...server.report() }
  },
  prometheus() {
    server.gatherMetrics()
    return metrics.prometheus()
  },
})
