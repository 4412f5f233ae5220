import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { CommandError } from '#cli/command-error.ts'
import { runCommandLine } from '#cli/command-line.ts'
import { ackCommand } from '#cli/commands/ack.ts'
import { acquireCommand } from '#cli/commands/acquire.ts'
import { benchCommand } from '#cli/commands/bench.ts'
import { cacheCommand } from '#cli/commands/cache.ts'
import { clusterCommand } from '#cli/commands/cluster.ts'
import { completionCommand } from '#cli/commands/completion.ts'
import { configCommand } from '#cli/commands/config.ts'
import { consumeCommand } from '#cli/commands/consume.ts'
import { demoCommand } from '#cli/commands/demo.ts'
import { devCommand } from '#cli/commands/dev.ts'
import { doctorCommand } from '#cli/commands/doctor.ts'
import { healthcheckCommand } from '#cli/commands/healthcheck.ts'
import { locksCommand } from '#cli/commands/locks.ts'
import { nodeCommand } from '#cli/commands/node.ts'
import { produceCommand } from '#cli/commands/produce.ts'
import { queueCommand } from '#cli/commands/queue.ts'
import { queuesCommand } from '#cli/commands/queues.ts'
import { releaseCommand } from '#cli/commands/release.ts'
import { runCommand } from '#cli/commands/run.ts'
import { statusCommand } from '#cli/commands/status.ts'
import { tokenCommand } from '#cli/commands/token.ts'
import { upCommand } from '#cli/commands/up.ts'
import { workCommand } from '#cli/commands/work.ts'
import type { Connect } from '#cli/load/connect.ts'
import { exitCodes, signalExitCode } from '#cli/exit-codes.ts'
import { Interrupted } from '#cli/interrupts.ts'
import { printed } from '#cli/output/terminal.ts'
import { loadCertificates } from '#io/listener/certificate-files.ts'
import { parseRedisPlace } from '#io/redis/redis-place.ts'

/** The commands there are. What they run is loaded when it is asked for: a node is large, and most commands need none. */

const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8')) as { readonly version: string }

const connect: Connect = async (urls) => {
  const library = await import('./index.ts')
  return library.connect(urls)
}

const judges = { parse: parseRedisPlace, checkTls: loadCertificates }

const commands = [
  upCommand(async (folder) => {
    const { claimFolder } = await import('#composition/claim-folder.ts')
    return claimFolder(folder)
  }, judges),
  devCommand(async (options, signal) => {
    const { runDev } = await import('#composition/run-dev.ts')
    return runDev({ ...options, version }, signal)
  }),
  nodeCommand(async (options, signal) => {
    const { runNode } = await import('#composition/run-node.ts')
    return runNode({ ...options, version }, signal)
  }, judges),
  configCommand(judges),
  statusCommand,
  clusterCommand,
  locksCommand,
  acquireCommand,
  releaseCommand,
  runCommand,
  queuesCommand,
  queueCommand,
  produceCommand,
  consumeCommand,
  ackCommand,
  workCommand,
  cacheCommand,
  healthcheckCommand,
  doctorCommand({
    version,
    parse: parseRedisPlace,
    inspectRedis: async (options) => {
      const { inspectRedis } = await import('#composition/inspect-redis.ts')
      return inspectRedis(options)
    },
  }),
  tokenCommand,
  benchCommand(connect),
  demoCommand(connect),
]

const summary = 'Locks, queues and a coherent cache on a replicated log: nodes that serve them, and commands that use them.'
const help = `Exit codes: 0 done, 1 refused, 2 wrong flags, 69 no node answered, 75 held by others or a limit is reached; more with each command.
On this machine: 'lockstep up' in one terminal, 'lockstep status' in another.`

function say(error: unknown): number {
  if (!(error instanceof Error)) throw error
  if (error instanceof Interrupted) return error.exitCode
  const isKnown = error instanceof CommandError
  process.stderr.write(`lockstep: ${isKnown ? error.message : (error.stack ?? error.message)}\n`)
  return isKnown ? error.exitCode : exitCodes.bug
}

// Who reads has had enough, as `head` does.
process.stdout.on('error', () => process.exit(signalExitCode(constants.signals.SIGPIPE)))

const code = await runCommandLine(
  { version, commands: [...commands, completionCommand(commands)], summary, help },
  process.argv.slice(2),
).catch(say)
await printed()
process.exit(code)
