import { lockEvents } from '#api/locks/events.ts'
import { Prng } from '#base/prng.ts'
import { createApiServer } from '#http/api-server.ts'
import { lockRoutes } from '#http/lock-routes.ts'
import { httpMetrics } from '#http/metrics/definitions.ts'
import { PrometheusMetrics } from '#http/metrics/prometheus-metrics.ts'
import { ClientGate } from '#io/client/client-gate.ts'
import { PinoTelemetry } from '#io/pino-telemetry.ts'
import { systemClock } from '#io/system-clock.ts'
import { admitLockMessage } from '#services/lock/client-access.ts'
import { lockMetrics } from '#services/lock/lock-metrics.ts'
import { LockServer } from '#services/lock/lock-server.ts'
import { Admission } from '#services/common/admission.ts'
import { accessOf } from './access.ts'
import { consoleOf } from './console.ts'
import { entropy, seed } from './served.ts'
import type { Serve } from './served.ts'
import { withWarnings } from './with-warnings.ts'

export const serveLocks: Serve = (options, node, { serverFactory, warnings }) => {
  const { id, logLevel, version, hasRoom } = options
  const metrics = new PrometheusMetrics({ node: id, definitions: [...httpMetrics, ...lockMetrics], process: true, now: () => Date.now() })
  const telemetry = new PinoTelemetry({ level: logLevel, node: id, meter: metrics })
  const admission = new Admission({ clock: systemClock, prng: new Prng(seed()), telemetry })
  const server = new LockServer({
    node,
    name: id,
    version,
    clock: systemClock,
    prng: new Prng(seed()),
    entropy,
    telemetry,
    admission,
    hasRoom,
  })
  let started = false
  const known = withWarnings(server.nodeApi, warnings)
  const nodeApi = () => (started ? known : null)
  const access = accessOf(options, telemetry)
  const http = createApiServer({
    node: nodeApi,
    serverFactory,
    routes: lockRoutes(() => (started ? server.locks : null)),
    metrics,
    meter: metrics,
    events: Object.values(lockEvents),
    title: 'Lockstep locks',
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
    ...access.clients(server.clients, admitLockMessage),
    clock: systemClock,
    telemetry,
  })
  const start = (): void => {
    started = true
    server.start()
    gate.start()
    admission.start()
  }
  const stop = (): void => {
    access.stop()
    admission.stop()
    gate.stop()
    server.stop()
  }
  return {
    http,
    telemetry,
    nodeApi,
    machineVersion: 1,
    ports: { machineFor: () => server.newMachine(), hooks: server },
    start,
    leave: () => server.clients.going(),
    stop,
  }
}
