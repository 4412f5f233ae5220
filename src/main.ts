import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { parseNodeOptions, UsageError } from '#cli/options.ts'
import type { NodeOptions } from '#cli/options.ts'
import { startLocalCluster } from '#cli/up.ts'
import { Prng } from '#base/prng.ts'
import { createHttpServer } from '#http/server.ts'
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

const exitCodes = { usage: 2, damaged: 3, storage: 4 } as const
const machineVersion = 2

async function runNode(options: NodeOptions): Promise<void> {
  const telemetry = new PinoTelemetry({ level: options.logLevel, node: options.id })
  let service: RegisterService | null = null
  const http = createHttpServer(() => service)
  const clock = systemClock
  const seed = (): number => randomBytes(6).readUIntBE(0, 6)
  const node = new LockstepNode(
    {
      name: options.id,
      address: options.listen,
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
      store: new LmdbLogStore({ folder: options.data }),
      connect: (self, clusterId) =>
        new TcpTransport({
          server: http.server,
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
  const [host, port] = options.listen.split(':')
  await http.listen({ host: host ?? '', port: Number(port) })
  service = new RegisterService(node, options.slots)
  node.start()
  let stopping = false
  const stop = (): void => {
    if (stopping) return
    stopping = true
    node.stop(() => void http.close().then(() => process.exit(0)))
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
}

/** A node without a sound store is of no use: it says so and ends, and whoever runs it decides. */
function fail(reason: NodeFatal): void {
  const damaged = reason.type === 'damaged'
  process.stderr.write(`lockstep: ${damaged ? 'the store is damaged' : 'the node cannot go on'}: ${reason.detail}\n`)
  process.exit(damaged ? exitCodes.damaged : exitCodes.storage)
}

async function main(): Promise<void> {
  const [command, ...args] = process.argv.slice(2)
  if (command === 'node') {
    await runNode(parseNodeOptions(args))
  } else if (command === 'up') {
    if (args.includes('--fresh')) rmSync('.lockstep', { recursive: true, force: true })
    startLocalCluster()
  } else {
    throw new UsageError('usage: lockstep up [--fresh] | lockstep node --id NAME --listen HOST:PORT --join A,B,C [--data DIR]')
  }
}

try {
  await main()
} catch (error) {
  if (!(error instanceof Error)) throw error
  const usage = error instanceof UsageError || ('code' in error && String(error.code).startsWith('ERR_PARSE_ARGS'))
  process.stderr.write(`lockstep: ${usage ? error.message : (error.stack ?? error.message)}\n`)
  process.exit(usage ? exitCodes.usage : 1)
}
