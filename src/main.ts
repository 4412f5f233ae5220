import { randomBytes } from 'node:crypto'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { lockEvents } from '#api/locks/events.ts'
import { exitCodes } from '#cli/exit-codes.ts'
import { parseNodeOptions, UsageError } from '#cli/options.ts'
import type { NodeOptions } from '#cli/options.ts'
import { startLocalCluster } from '#cli/up.ts'
import { usage } from '#cli/usage.ts'
import { Prng } from '#base/prng.ts'
import { createApiServer } from '#http/api-server.ts'
import { lockRoutes } from '#http/lock-routes.ts'
import { httpMetrics } from '#http/metrics/definitions.ts'
import { PrometheusMetrics } from '#http/metrics/prometheus-metrics.ts'
import type { NodeHttp } from '#http/node-http.ts'
import { createHttpServer } from '#http/server.ts'
import { JournaledLogStore } from '#io/journal/journaled-log-store.ts'
import { LmdbLogStore } from '#io/lmdb/lmdb-log-store.ts'
import { PinoTelemetry } from '#io/pino-telemetry.ts'
import { ClientGate } from '#io/client/client-gate.ts'
import { systemClock } from '#io/system-clock.ts'
import { TcpTransport } from '#io/transport/tcp-transport.ts'
import type { Telemetry } from '#ports/telemetry.ts'
import { defaultCompaction } from '#runtime/limits.ts'
import type { NodeConfig, NodeFatal, NodePorts } from '#runtime/node-config.ts'
import { LockstepNode } from '#runtime/node.ts'
import { lockMetrics } from '#services/lock/lock-metrics.ts'
import { LockServer } from '#services/lock/lock-server.ts'
import { RegisterMachine } from '#services/register/register-machine.ts'
import { RegisterService } from '#services/register/register-service.ts'

/** The composition root: the only place where sockets, stores and clocks are made. */

const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8')) as { readonly version: string }
/** For requests under way when the node is told to stop. */
const drainMs = 1_000

const clock = systemClock
const seed = (): number => randomBytes(6).readUIntBE(0, 6)
const entropy = { hex: (bytes: number) => randomBytes(bytes).toString('hex') }

/** What runs on the replicas of a node, and how it is reached. */
interface Served {
  readonly http: NodeHttp
  readonly telemetry: Telemetry
  readonly machineVersion: number
  readonly ports: Pick<NodePorts, 'machineFor' | 'hooks'>
  /** The port is this node's, and the node runs. */
  start(): void
  /** It is about to stop. */
  leave(): void
  stop(): void
}

function lockServer({ id, logLevel }: NodeOptions, node: () => LockstepNode): Served {
  const metrics = new PrometheusMetrics({ node: id, definitions: [...httpMetrics, ...lockMetrics], process: true, now: () => Date.now() })
  const telemetry = new PinoTelemetry({ level: logLevel, node: id, meter: metrics })
  const server = new LockServer({ node, name: id, version, clock, prng: new Prng(seed()), entropy, telemetry })
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
  const gate = new ClientGate({ server: http.fastify.server, service: 'lock', host: server.clients, clock, telemetry })
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

function registerServer({ id, logLevel }: NodeOptions, node: () => LockstepNode): Served {
  let service: RegisterService | null = null
  return {
    http: createHttpServer(() => service),
    telemetry: new PinoTelemetry({ level: logLevel, node: id, meter: null }),
    machineVersion: 2,
    ports: { machineFor: () => new RegisterMachine() },
    start: () => {
      service = new RegisterService(node())
    },
    leave: () => {},
    stop: () => {},
  }
}

async function runNode(options: NodeOptions): Promise<void> {
  const serve = options.service === 'lock' ? lockServer : registerServer
  const served = serve(options, () => node)
  const { http, telemetry } = served
  const node: LockstepNode = new LockstepNode(
    configOf(options, served.machineVersion),
    {
      clock,
      telemetry,
      entropy,
      prng: new Prng(seed()),
      store: new JournaledLogStore({ folder: options.data, beneath: new LmdbLogStore({ folder: options.data }) }),
      connect: (self, clusterId) => {
        const { service, secret } = options
        const { server } = http.fastify
        return new TcpTransport({ server, self, service, clusterId, secret, clock, telemetry, prng: new Prng(seed()) })
      },
      ...served.ports,
    },
    (reason) => fail(reason),
  )
  if (!(await listen(http.fastify, options))) return
  node.start()
  served.start()
  let stopping = false
  // Requests first, while this node can still carry them out; then leadership is handed over, and the connections close.
  const stop = async (): Promise<void> => {
    if (stopping) return
    stopping = true
    served.leave()
    await http.drain(drainMs)
    served.stop()
    await new Promise<void>((resolve) => node.stop(resolve))
    await http.fastify.close()
    process.exit(exitCodes.stopped)
  }
  process.on('SIGINT', () => void stop())
  process.on('SIGTERM', () => void stop())
}

const configOf = ({ id, address, voters, seeds, slots, timing }: NodeOptions, machineVersion: number): NodeConfig => ({
  name: id,
  address,
  voters,
  seeds,
  slots,
  replication: 3,
  timing,
  compaction: defaultCompaction,
  deadAfterMs: 60_000,
  machineVersion,
})

/** False when that is impossible, which is then said. */
async function listen(http: FastifyInstance, { listen: { host, port }, id }: NodeOptions): Promise<boolean> {
  try {
    await http.listen({ host, port })
    return true
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    const reason = listenFaults.get(code)
    if (reason === undefined) throw error
    end(exitCodes.address, `${id} cannot listen on ${host}:${port}: ${reason} (${code})`)
    return false
  }
}

const listenFaults = new Map([
  ['EADDRINUSE', 'another process listens there already; choose another port with --listen, or stop that process'],
  ['EADDRNOTAVAIL', 'this machine does not have that address'],
  ['EACCES', 'this user may not use that port'],
  ['ENOTFOUND', 'no such host is known'],
  ['EAI_AGAIN', 'the name of that host could not be looked up'],
])

/** A node without a sound store is of no use: it says so and ends, and whoever runs it decides. */
function fail(reason: NodeFatal): void {
  if (reason.type === 'damaged') end(exitCodes.damaged, `the store is damaged: ${reason.detail}`)
  else end(exitCodes.storage, `the node cannot go on: ${reason.detail}`)
}

function end(code: number, message: string): void {
  process.stderr.write(`lockstep: ${message}\n`)
  process.exit(code)
}

async function main(): Promise<void> {
  const [command, ...args] = process.argv.slice(2)
  if (command === 'help' || command === '--help' || args.includes('--help')) {
    process.stdout.write(usage)
  } else if (command === 'node') {
    await runNode(parseNodeOptions(args))
  } else if (command === 'up') {
    const unknown = args.filter((argument) => argument !== '--fresh')
    if (unknown.length > 0) throw new UsageError(`lockstep up takes --fresh only, not ${unknown.join(' ')}`)
    if (args.includes('--fresh')) rmSync('.lockstep', { recursive: true, force: true })
    startLocalCluster()
  } else {
    throw new UsageError(`${command === undefined ? 'no command was given' : `there is no command ${command}`}\n${usage.trimEnd()}`)
  }
}

try {
  await main()
} catch (error) {
  if (!(error instanceof Error)) throw error
  if (error instanceof UsageError) end(exitCodes.usage, error.message)
  else end(exitCodes.bug, error.stack ?? error.message)
}
