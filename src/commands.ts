import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from '#cli/command.ts'
import type { Judges } from '#cli/config/node-settings.ts'
import type { Connect } from '#cli/load/connect.ts'

/** The commands there are. Each is loaded when it is asked for, and what it runs when it runs: a node is large, and most commands need none. */

const description = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8')) as {
  readonly version: string
  readonly engines: { readonly node: string }
}
export const { version } = description

const connect: Connect = async (urls) => {
  const library = await import('./index.ts')
  return library.connect(urls)
}

async function judges(): Promise<Judges> {
  const [{ parseRedisPlace }, { loadCertificates }] = await Promise.all([
    import('#io/redis/redis-place.ts'),
    import('#io/listener/certificate-files.ts'),
  ])
  return { parse: parseRedisPlace, checkTls: loadCertificates }
}

async function up(): Promise<Command> {
  const { upCommand } = await import('#cli/commands/up.ts')
  return upCommand(
    async (folder) => {
      const { claimFolder } = await import('#composition/claim-folder.ts')
      return claimFolder(folder)
    },
    await judges(),
  )
}

async function dev(): Promise<Command> {
  const { devCommand } = await import('#cli/commands/dev.ts')
  return devCommand(async (options, signal) => {
    const { runDev } = await import('#composition/run-dev.ts')
    return runDev({ ...options, version }, signal)
  })
}

async function node(): Promise<Command> {
  const { nodeCommand } = await import('#cli/commands/node.ts')
  return nodeCommand(
    async (options, signal) => {
      const { runNode } = await import('#composition/run-node.ts')
      return runNode({ ...options, version }, signal)
    },
    await judges(),
  )
}

async function doctor(): Promise<Command> {
  const [{ doctorCommand }, { neededNode }] = await Promise.all([import('#cli/commands/doctor.ts'), import('#cli/doctor/machine.ts')])
  const { parse } = await judges()
  return doctorCommand({
    version,
    node: neededNode(description.engines.node, import.meta.filename.endsWith('.ts')),
    parse,
    inspectRedis: async (options) => {
      const { inspectRedis } = await import('#composition/inspect-redis.ts')
      return inspectRedis(options)
    },
  })
}

async function recover(): Promise<Command> {
  const { recoverCommand } = await import('#cli/commands/recover.ts')
  return recoverCommand(async (folder, options) => {
    const { recoverStore } = await import('#composition/recover-store.ts')
    return recoverStore(folder, options)
  })
}

async function completion(): Promise<Command> {
  const { completionCommand } = await import('#cli/commands/completion.ts')
  return completionCommand(await allCommands(([name]) => name !== 'completion'))
}

const loaders: Readonly<Record<string, () => Promise<Command>>> = {
  up,
  dev,
  node,
  config: async () => (await import('#cli/commands/config.ts')).configCommand(await judges()),
  status: async () => (await import('#cli/commands/status.ts')).statusCommand,
  cluster: async () => (await import('#cli/commands/cluster.ts')).clusterCommand,
  locks: async () => (await import('#cli/commands/locks.ts')).locksCommand,
  acquire: async () => (await import('#cli/commands/acquire.ts')).acquireCommand,
  release: async () => (await import('#cli/commands/release.ts')).releaseCommand,
  run: async () => (await import('#cli/commands/run.ts')).runCommand(connect),
  queues: async () => (await import('#cli/commands/queues.ts')).queuesCommand,
  queue: async () => (await import('#cli/commands/queue.ts')).queueCommand,
  produce: async () => (await import('#cli/commands/produce.ts')).produceCommand,
  consume: async () => (await import('#cli/commands/consume.ts')).consumeCommand,
  ack: async () => (await import('#cli/commands/ack.ts')).ackCommand,
  work: async () => (await import('#cli/commands/work.ts')).workCommand,
  cache: async () => (await import('#cli/commands/cache.ts')).cacheCommand,
  healthcheck: async () => (await import('#cli/commands/healthcheck.ts')).healthcheckCommand,
  doctor,
  recover,
  token: async () => (await import('#cli/commands/token.ts')).tokenCommand,
  bench: async () => (await import('#cli/commands/bench.ts')).benchCommand(connect),
  demo: async () => (await import('#cli/commands/demo.ts')).demoCommand(connect),
  completion,
}

const allCommands = (isAsked: (entry: readonly [name: string, unknown]) => boolean = () => true): Promise<readonly Command[]> =>
  Promise.all(
    Object.entries(loaders)
      .filter(isAsked)
      .map(([, load]) => load()),
  )

/** The command that the first argument names; all of them where it names none, as the help and what is said of a mistake tell of all. */
export async function commandsFor([name = '']: readonly string[]): Promise<readonly Command[]> {
  const load = Object.hasOwn(loaders, name) ? loaders[name] : undefined
  return load === undefined ? allCommands() : [await load()]
}
