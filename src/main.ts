import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import type { FastifyInstance } from 'fastify'
import { exitCodes } from '#cli/exit-codes.ts'
import { parseNodeOptions, UsageError } from '#cli/options.ts'
import type { NodeOptions } from '#cli/options.ts'
import { startLocalCluster } from '#cli/up.ts'
import { usage } from '#cli/usage.ts'
import { Prng } from '#base/prng.ts'
import { createHttpServer } from '#http/server.ts'
import { JournaledLogStore } from '#io/journal/journaled-log-store.ts'
import { LmdbLogStore } from '#io/lmdb/lmdb-log-store.ts'
import { PinoTelemetry } from '#io/pino-telemetry.ts'
import { systemClock } from '#io/system-clock.ts'
import { TcpTransport } from '#io/transport/tcp-transport.ts'
import { defaultCompaction } from '#runtime/limits.ts'
import type { NodeFatal } from '#runtime/node-config.ts'
import { LockstepNode } from '#runtime/node.ts'
import { RegisterMachine } from '#services/register/register-machine.ts'
import { RegisterService } from '#services/register/register-service.ts'

/** The composition root: the only place where sockets, stores and clocks are made. */

const machineVersion = 2
/** For requests under way when the node is told to stop. */
const drainMs = 1_000

async function runNode(options: NodeOptions): Promise<void> {
  const telemetry = new PinoTelemetry({ level: options.logLevel, node: options.id })
  let service: RegisterService | null = null
  const http = createHttpServer(() => service)
  const clock = systemClock
  const seed = (): number => randomBytes(6).readUIntBE(0, 6)
  const node = new LockstepNode(
    {
      name: options.id,
      address: options.address,
      voters: options.voters,
      seeds: options.seeds,
      slots: options.slots,
      replication: 3,
      timing: options.timing,
      compaction: defaultCompaction,
      deadAfterMs: 60_000,
      machineVersion,
    },
    {
      clock,
      telemetry,
      prng: new Prng(seed()),
      entropy: { hex: (bytes) => randomBytes(bytes).toString('hex') },
      store: new JournaledLogStore({ folder: options.data, beneath: new LmdbLogStore({ folder: options.data }) }),
      connect: (self, clusterId) =>
        new TcpTransport({
          server: http.fastify.server,
          self,
          service: 'register',
          clusterId,
          secret: options.secret,
          clock,
          telemetry,
          prng: new Prng(seed()),
        }),
      machineFor: () => new RegisterMachine(),
    },
    (reason) => fail(reason),
  )
  if (!(await listen(http.fastify, options))) return
  service = new RegisterService(node)
  node.start()
  let stopping = false
  // Requests first, while this node can still carry them out; then leadership is handed over, and the connections close.
  const stop = async (): Promise<void> => {
    if (stopping) return
    stopping = true
    await http.drain(drainMs)
    await new Promise<void>((resolve) => node.stop(resolve))
    await http.fastify.close()
    process.exit(exitCodes.stopped)
  }
  process.on('SIGINT', () => void stop())
  process.on('SIGTERM', () => void stop())
}

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
