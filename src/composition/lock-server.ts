import { lockEvents } from '#api/locks/events.ts'
import { Prng } from '#base/prng.ts'
import { createApiServer } from '#http/api-server.ts'
import { lockRoutes } from '#http/lock-routes.ts'
import { httpMetrics } from '#http/metrics/definitions.ts'
import { PrometheusMetrics } from '#http/metrics/prometheus-metrics.ts'
import { ClientGate } from '#io/client/client-gate.ts'
import { PinoTelemetry } from '#io/pino-telemetry.ts'
import { systemClock } from '#io/system-clock.ts'
import { lockMetrics } from '#services/lock/lock-metrics.ts'
import { LockServer } from '#services/lock/lock-server.ts'
import { entropy, seed } from './served.ts'
import type { Serve } from './served.ts'

export const serveLocks: Serve = ({ id, logLevel, version }, node) => {
  const metrics = new PrometheusMetrics({ node: id, definitions: [...httpMetrics, ...lockMetrics], process: true, now: () => Date.now() })
  const telemetry = new PinoTelemetry({ level: logLevel, node: id, meter: metrics })
  const server = new LockServer({ node, name: id, version, clock: systemClock, prng: new Prng(seed()), entropy, telemetry })
  let started = false
  const http = createApiServer({
    node: () => (started ? server.nodeApi : null),
    routes: lockRoutes(() => (started ? server.locks : null)),
    metrics,
    meter: metrics,
    events: Object.values(lockEvents),
    title: 'Lockstep locks',
    version,
    home: '/docs',
    onFailure: ({ error, requestId, path }) =>
      telemetry.log('error', 'request-failed', { requestId, path, error: error.stack ?? error.message }),
    now: () => Date.now(),
  })
  const gate = new ClientGate({ server: http.fastify.server, service: 'lock', host: server.clients, clock: systemClock, telemetry })
  const start = (): void => {
    started = true
    server.start()
    gate.start()
  }
  const stop = (): void => {
    gate.stop()
    server.stop()
  }
  return {
    http,
    telemetry,
    machineVersion: 1,
    ports: { machineFor: () => server.newMachine(), hooks: server },
    start,
    leave: () => server.clients.going(),
    stop,
  }
}
