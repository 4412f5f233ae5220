import { cacheEvents } from '#api/cache/events.ts'
import { cacheMetricsReport } from '#api/cache/metrics.ts'
import type { MetricsSource } from '#api/common/metrics.ts'
import { cacheRoutes } from '#http/cache-routes.ts'
import { cacheMetrics } from '#services/cache/cache-metrics.ts'
import { CacheServer } from '#services/cache/cache-server.ts'
import { admitCacheMessage } from '#services/cache/client-access.ts'
import { defaultCacheLimits } from '#services/cache/limits.ts'
import { assemble, footingOf } from './assembly.ts'
import type { Serve } from './served.ts'

export const serveCache: Serve = (options, node, port) => {
  const { id, linesMax, store, data, snoops, slots, valueBytesMax, whenFull } = options
  const footing = footingOf(options, cacheMetrics)
  const limits = linesMax === null ? {} : { linesMax }
  const bytesMax = valueBytesMax === null ? defaultCacheLimits.memoryBytesMax : Math.floor(valueBytesMax / slots)
  const capacity = { bytesMax, whenFull }
  const server = new CacheServer({ ...footing.ports, node, limits, snoops, capacity, store: data === null ? 'memory' : store })
  return assemble(options, port, footing, {
    server,
    title: 'Lockstep cache',
    routes: (isStarted) => cacheRoutes({ api: () => (isStarted() ? server.cache : null), node: id, now: () => Date.now() }),
    events: Object.values(cacheEvents),
    admit: admitCacheMessage,
    on: { machineFor: (group) => server.newMachine(group), hooks: server },
    measured: { metrics: metricsSource(server, footing.metrics), report: cacheMetricsReport },
    warnings: () => server.warnings(),
    start: () => server.start(),
    leave: () => server.leave(),
    settle: () => server.settle(),
  })
}

/** What agents count themselves is gathered when somebody asks. */
const metricsSource = (server: CacheServer, metrics: MetricsSource): MetricsSource => ({
  async report() {
    server.gatherMetrics()
    return { ...(await metrics.report()), ...server.report() }
  },
  prometheus() {
    server.gatherMetrics()
    return metrics.prometheus()
  },
})
