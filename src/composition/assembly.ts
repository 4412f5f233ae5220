import type { MetricDefinition } from '#api/common/metrics.ts'
import type { NodeApi } from '#api/common/node-api.ts'
import { Prng } from '#base/prng.ts'
import type { ApiServerOptions } from '#http/api-server.ts'
import { createApiServer } from '#http/api-server.ts'
import { httpMetrics } from '#http/metrics/definitions.ts'
import { PrometheusMetrics } from '#http/metrics/prometheus-metrics.ts'
import { ClientGate } from '#io/client/client-gate.ts'
import { PinoTelemetry } from '#io/pino-telemetry.ts'
import { systemClock } from '#io/system-clock.ts'
import type { ClientHost } from '#ports/client.ts'
import type { Admit } from '#services/access/guarded-clients.ts'
import { Admission } from '#services/common/admission.ts'
import { accessOf } from './access.ts'
import { consoleOf } from './console.ts'
import { entropy, seed } from './served.ts'
import type { Port, Served, ServeOptions } from './served.ts'
import { withWarnings } from './with-warnings.ts'

type Readings = NonNullable<ConstructorParameters<typeof PrometheusMetrics>[0]['readings']>

/** What every service is built on. */
export interface Footing {
  readonly metrics: PrometheusMetrics
  readonly ports: {
    readonly name: string
    readonly version: string
    readonly clock: typeof systemClock
    readonly prng: Prng
    readonly entropy: typeof entropy
    readonly telemetry: PinoTelemetry
    readonly admission: Admission
    readonly hasRoom: () => boolean
  }
}

export function footingOf(options: ServeOptions, definitions: readonly MetricDefinition[], readings: Readings = {}): Footing {
  const { id: name, logLevel, version, hasRoom } = options
  const all = [...httpMetrics, ...definitions]
  const metrics = new PrometheusMetrics({ node: name, definitions: all, readings, process: true, now: () => Date.now() })
  const telemetry = new PinoTelemetry({ level: logLevel, node: name, meter: metrics })
  const admission = new Admission({ clock: systemClock, prng: new Prng(seed()), telemetry })
  return { metrics, ports: { name, version, clock: systemClock, prng: new Prng(seed()), entropy, telemetry, admission, hasRoom } }
}

/** A service, and what is particular about the way to it. */
interface Particulars<FromClient, FromNode> {
  readonly server: {
    readonly nodeApi: NodeApi
    /** Who clients of the binary protocol talk to. */
    readonly clients: ClientHost<FromClient, FromNode> & { going(): void }
    stop(): void
  }
  readonly title: string
  /** `isStarted` says whether calls can be answered. */
  readonly routes: (isStarted: () => boolean) => ApiServerOptions['routes']
  readonly events: ApiServerOptions['events']
  readonly admit: Admit<FromClient, FromNode>
  readonly on: Served['ports']
  /** What there is to measure besides. */
  readonly measured?: Pick<ApiServerOptions, 'metrics' | 'report'>
  readonly warnings?: () => readonly string[]
  readonly start?: () => void
  readonly leave?: () => void
  readonly settle?: () => Promise<void>
}

/** Puts a service behind the one port of its node, with what all of them have in common. */
export function assemble<FromClient, FromNode>(
  options: ServeOptions,
  { serverFactory, warnings }: Port,
  { metrics, ports: { telemetry, admission } }: Footing,
  service: Particulars<FromClient, FromNode>,
): Served {
  const { server } = service
  let started = false
  const known = withWarnings(server.nodeApi, () => [...warnings(), ...(service.warnings?.() ?? [])])
  const nodeApi = (): NodeApi | null => (started ? known : null)
  const access = accessOf(options, telemetry)
  const http = createApiServer({
    node: nodeApi,
    serverFactory,
    routes: service.routes(() => started),
    metrics,
    ...service.measured,
    meter: metrics,
    events: service.events,
    title: service.title,
    version: options.version,
    home: '/console',
    console: consoleOf(options),
    onFailure: ({ error, requestId, path }) =>
      telemetry.log('error', 'request-failed', { requestId, path, error: error.stack ?? error.message }),
    now: () => Date.now(),
    access: access.guard,
    admission,
  })
  const clients = access.clients(server.clients, service.admit)
  const gate = new ClientGate({ server: http.fastify.server, ...clients, clock: systemClock, telemetry })
  return {
    http,
    telemetry,
    nodeApi,
    machineVersion: 1,
    ports: service.on,
    start: () => {
      started = true
      service.start?.()
      gate.start()
      admission.start()
    },
    leave: () => {
      server.clients.going()
      service.leave?.()
    },
    settle: () => service.settle?.() ?? Promise.resolve(),
    stop: () => {
      access.stop()
      admission.stop()
      gate.stop()
      server.stop()
    },
  }
}
