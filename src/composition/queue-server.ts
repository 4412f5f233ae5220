import type { MetricDefinition } from '#api/common/metrics.ts'
import { queueEvents } from '#api/queues/events.ts'
import { Prng } from '#base/prng.ts'
import { createApiServer } from '#http/api-server.ts'
import { httpMetrics } from '#http/metrics/definitions.ts'
import { PrometheusMetrics } from '#http/metrics/prometheus-metrics.ts'
import { queueRoutes } from '#http/queue-routes.ts'
import { ClientGate } from '#io/client/client-gate.ts'
import { PinoTelemetry } from '#io/pino-telemetry.ts'
import { systemClock } from '#io/system-clock.ts'
import type { SlotHost } from '#runtime/slot-host.ts'
import { admitQueueMessage } from '#services/queue/client-access.ts'
import { queueReadings } from '#services/queue/depths.ts'
import { queueSlots } from '#services/queue/limits.ts'
import { queueMetrics } from '#services/queue/queue-metrics.ts'
import { QueueServer } from '#services/queue/queue-server.ts'
import type { StorageUse } from '#services/queue/viewing.ts'
import { Admission } from '#services/common/admission.ts'
import { accessOf } from './access.ts'
import { consoleOf } from './console.ts'
import { entropy, seed } from './served.ts'
import type { Serve } from './served.ts'
import { withWarnings } from './with-warnings.ts'

/** Where the node keeps what the service is told. */
export interface Keeping {
  readonly storage: () => Promise<StorageUse>
  /** What is measured of it besides. */
  readonly metrics: readonly MetricDefinition[]
}

export const serveQueues: (keeping: Keeping) => Serve<SlotHost> =
  ({ storage, metrics: ofEngine }) =>
  (options, node, { serverFactory, warnings }) => {
    const { id, logLevel, version, hasRoom } = options
    const definitions = [...httpMetrics, ...queueMetrics, ...ofEngine]
    const readings = queueReadings(() => server.depths)
    const metrics = new PrometheusMetrics({ node: id, definitions, readings, process: true, now: () => Date.now() })
    const telemetry = new PinoTelemetry({ level: logLevel, node: id, meter: metrics })
    const admission = new Admission({ clock: systemClock, prng: new Prng(seed()), telemetry })
    const ports = { node, name: id, version, clock: systemClock, prng: new Prng(seed()), entropy, telemetry, admission, hasRoom, storage }
    const server = new QueueServer({ ...ports, slots: queueSlots })
    let started = false
    const known = withWarnings(server.nodeApi, warnings)
    const nodeApi = () => (started ? known : null)
    const access = accessOf(options, telemetry)
    const http = createApiServer({
      node: nodeApi,
      serverFactory,
      routes: queueRoutes(() => (started ? server.queues : null)),
      metrics,
      meter: metrics,
      events: Object.values(queueEvents),
      title: 'Lockstep queues',
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
      ...access.clients(server.clients, admitQueueMessage),
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
        gate.start()
        admission.start()
      },
      leave: () => server.clients.going(),
      stop: () => {
        access.stop()
        admission.stop()
        gate.stop()
        server.stop()
      },
    }
  }
