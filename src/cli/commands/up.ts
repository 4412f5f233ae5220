import { join } from 'node:path'
import { groupBy } from '#base/group-by.ts'
import type { Claim } from '#composition/claim-folder.ts'
import { commonRoutes } from '#api/common/routes.ts'
import { CommandError } from '#cli/command-error.ts'
import { defineCommand, noOperands } from '#cli/command.ts'
import { variablesOf } from '#cli/config/layers.ts'
import type { Judges } from '#cli/config/node-settings.ts'
import type { Command } from '#cli/command.ts'
import { exitCodes } from '#cli/exit-codes.ts'
import { accessFlags, mistakesIn } from '#cli/flags/access.ts'
import { engineFlags, redisOf } from '#cli/flags/engine.ts'
import type { Redis } from '#cli/flags/engine.ts'
import { tlsArguments, tlsFlags, tlsOf } from '#cli/flags/tls.ts'
import type { Tls } from '#cli/flags/tls.ts'
import { choice, integer, text, toggle, withDefault } from '#cli/flags/kinds.ts'
import { tableOf } from '#cli/output/table.ts'
import { screen } from '#cli/output/terminal.ts'
import { isFree, portHolder } from '#cli/ports/port-holder.ts'
import { askNode } from '#cli/service/node-answer.ts'
import { httpRequestOf } from '#cli/service/route-request.ts'
import { trustOf } from '#cli/service/trust.ts'
import type { Trust } from '#cli/service/trust.ts'
import { Control } from '#cli/up/control.ts'
import { prepareFolder } from '#cli/up/folder.ts'
import { tokenOfEnvironment } from '#cli/service/service-flags.ts'
import { LocalNodes } from '#cli/up/local-nodes.ts'
import type { LocalNode } from '#cli/up/local-nodes.ts'
import { firstPorts, nodesMax, nodesOf, portOffsetMax } from '#cli/up/nine-nodes.ts'
import { nodeFlags } from '#cli/up/node-flags.ts'
import { readLogLine } from '#cli/up/node-log.ts'
import { whenOrphanedByNpm } from '#cli/up/orphaned.ts'
import { allAnswer, allReady } from '#cli/up/readiness.ts'

const help = `Three lock nodes on ports 8001 to 8003 of this machine, three queue nodes on 9001 to 9003 and three cache nodes on 7001 to 7003, each a process
of its own. What they log is shown once they are ready, with their names in front. A node that dies is reported and started again after 2 s,
later each time it dies soon. Ctrl-C stops them, leadership handed over first; a second Ctrl-C kills them.

Examples:
  lockstep up
  lockstep up --fresh --log-level warn
  lockstep up --only queue
  lockstep up --lock 5 --queue 3 --cache 1
  lockstep up --engine redis --redis-url redis://127.0.0.1:6379
  lockstep up --port-offset 100      # ports 8101 to 8103, 9101 to 9103 and 7101 to 7103, data in .lockstep/offset-100

Exit codes: 0 stopped as told, 2 wrong flags, 4 the folder is in use, of other ports or of no use, 5 a port is taken`

const colours = ['cyan', 'magenta', 'yellow'] as const
const levels = { trace: 10, debug: 20, info: 30, warn: 40, error: 50 } as const
/** For the first nodes to load their program, and to leave it compiled for the others. */
const loadingMs = 5_000
const idWidth = 'queue-node-1'.length

interface UpOptions {
  readonly nodes: readonly LocalNode[]
  readonly folder: string
  readonly fresh: boolean
  readonly restart: boolean
  readonly logLevel: keyof typeof levels
  /** Null when the queue nodes keep their queues themselves. */
  readonly redis: Redis | null
  /** Null when they speak HTTP. */
  readonly tls: Tls | null
  /** The file of those that clients must show; null when all may do all. */
  readonly tokens: string | null
}

/** `claim` makes sure that nobody else uses the folder. */
export const upCommand = (claim: (folder: string) => Promise<Claim>, { parse, checkTls }: Judges): Command =>
  defineCommand({
    name: 'up',
    summary: 'run nodes of each service on this machine, three unless told',
    operands: '',
    help,
    flags: {
      fresh: toggle('begin with empty stores: all that was stored is deleted'),
      data: text('FOLDER', 'where they keep their data; .lockstep by default'),
      only: choice('SERVICE', 'the nodes of one service only: lock, queue or cache', ['all', 'lock', 'queue', 'cache']),
      lock: integer('N', 'lock nodes, 3 by default', { min: 0, max: nodesMax }),
      queue: integer('N', 'queue nodes, 3 by default', { min: 0, max: nodesMax }),
      cache: integer('N', 'cache nodes, 3 by default', { min: 0, max: nodesMax }),
      'port-offset': withDefault(integer('N', 'added to all ports', { min: 0, max: portOffsetMax }), 0),
      ...engineFlags,
      ...tlsFlags,
      tokens: accessFlags.tokens,
      'no-restart': toggle('leave a node that died as it is'),
      'log-level': choice('LEVEL', 'what is shown of their logs: info, or trace, debug, warn, error', [
        'info',
        'trace',
        'debug',
        'warn',
        'error',
      ]),
    },
    // What the environment says of TLS and of tokens the nodes are told too.
    layers: () => variablesOf([...Object.keys(tlsFlags), 'tokens'], process.env),
    read(values, operands, mistakes): UpOptions {
      const { fresh, data, only, 'port-offset': offset, 'no-restart': noRestart, 'log-level': logLevel, tokens = null } = values
      noOperands(operands, mistakes)
      const folder = data ?? (offset === 0 ? '.lockstep' : join('.lockstep', `offset-${offset}`))
      const countOf = (service: 'lock' | 'queue' | 'cache'): number => values[service] ?? (only === 'all' || only === service ? 3 : 0)
      const nodes = nodesOf(folder, offset, { lock: countOf('lock'), queue: countOf('queue'), cache: countOf('cache') })
      if (nodes.length === 0) mistakes.push('there is no node to run: --lock, --queue or --cache must be more than 0')
      const redis = redisOf(values, { parse, usualName: offset === 0 ? 'queues' : `queues-${offset}`, mistakes })
      if (redis !== null && fresh) mistakes.push('--fresh empties folders, and not what is in Redis: use another --redis-name')
      if (tokens !== null) mistakes.push(...mistakesIn(tokens))
      return { nodes, folder, fresh, restart: !noRestart, logLevel, redis, tls: tlsOf(values, checkTls, mistakes), tokens }
    },
    async run(options) {
      const claimed = await claim(options.folder)
      if (claimed.type === 'taken')
        throw new CommandError(exitCodes.storage, `${options.folder} is in use: ${claimed.detail}; use another --data`)
      if (claimed.type === 'unusable')
        throw new CommandError(exitCodes.storage, `${options.folder} cannot be used: ${claimed.detail}; use another --data`)
      try {
        await assertFree(options.nodes)
        const founders = prepareFolder(options.folder, options.nodes, options)
        return await runNodes(options, founders)
      } finally {
        claimed.release()
      }
    },
  })

/** Where the nodes are, and how this command makes sure of them. */
interface Reaching {
  readonly urlOf: (node: LocalNode) => string
  readonly trust: Trust
}

const reachingBy = (tls: Tls | null): Reaching => ({
  urlOf: ({ address }) => `${tls === null ? 'http' : 'https'}://${address}`,
  trust: tls === null ? {} : trustOf({ ca: tls.ca ?? undefined, cert: tls.cert, 'cert-key': tls.key }),
})

async function runNodes(
  { nodes, folder, restart, logLevel, redis, tls, tokens }: UpOptions,
  founders: readonly LocalNode[],
): Promise<number> {
  const { urlOf, trust } = reachingBy(tls)
  let isReady = false
  const stopping = new AbortController()
  const control = await Control.open({ consoles: nodes.map(({ address }) => address), kill: (id) => local.kill(id) })
  screen.print(`starting ${nodes.length} nodes, data in ${folder}\n`)
  const local = new LocalNodes({
    nodes,
    flagsOf: (node) => [
      ...nodeFlags(node, founders, redis),
      ...(tls === null ? [] : tlsArguments(tls)),
      ...(tokens === null ? [] : ['--tokens', tokens]),
      '--log-level',
      logLevel,
    ],
    env: { ...process.env, ...consoleOf(nodes, control), ...(redis === null ? {} : { LOCKSTEP_REDIS_URL: redis.url }) },
    restart,
    answered: (first) => allAnswer(first.map(urlOf), { withinMs: loadingMs, trust }),
    // How they find each other is not worth a line; what goes wrong is.
    wrote(node, line) {
      const { level, text: said } = readLogLine(line)
      if (stopping.signal.aborted && level < levels.error) return
      if (isReady || level >= levels.warn) show(node, paintedBy(level, said))
    },
    tell: (node, what) => show(node, screen.paint('red', what)),
  })
  const stop = (): void => {
    if (!stopping.signal.aborted) screen.print('stopping\n')
    stopping.abort()
    local.stop()
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  const unwatch = whenOrphanedByNpm(() => {
    // Stopped twice means at once, and whoever told npm may have told this too.
    if (!stopping.signal.aborted) stop()
  })

  const show = (node: LocalNode, line: string): void => {
    const colour = colours[nodes.indexOf(node) % colours.length] ?? 'cyan'
    screen.print(`${screen.paint(colour, node.id.padEnd(idWidth))}  ${line}\n`)
  }
  const namesByUrl = new Map(nodes.map((node) => [urlOf(node), node.id]))
  const expected = (): readonly string[] => local.expected.map(urlOf)
  const stillWaiting = (missing: readonly (readonly [string, string])[]): void => {
    const byReason = groupBy(missing, ([, why]) => why)
    for (const [why, those] of byReason) screen.print(`waiting for ${named(those.map(([url]) => namesByUrl.get(url) ?? url))}: ${why}\n`)
  }
  void allReady(expected, { signal: stopping.signal, trust, stillWaiting }).then(async (ready) => {
    if (!ready) return
    screen.print(await startTable(local.expected, redis, { urlOf, trust }))
    isReady = true
  })
  const code = await local.ended
  unwatch()
  control.close()
  stopping.abort()
  return code
}

/** As many as a line has room for by name. */
const named = (names: readonly string[]): string => (names.length <= 3 ? names.join(', ') : `${names.length} nodes`)

/** The console of each node shows all of them, and can have them killed. The token is not on the command line, which everybody may read. */
const consoleOf = (nodes: readonly LocalNode[], { place }: Control): NodeJS.ProcessEnv => ({
  LOCKSTEP_CONSOLE_PEERS: nodes.map(({ address }) => address).join(','),
  LOCKSTEP_CONSOLE_CONTROL: `${place.url}#${place.token}`,
})

function paintedBy(level: number, line: string): string {
  if (level < levels.warn) return line
  return screen.paint(level < levels.error ? 'yellow' : 'red', line)
}

async function startTable(nodes: readonly LocalNode[], redis: Redis | null, { urlOf, trust }: Reaching): Promise<string> {
  const rows = await Promise.all(
    nodes.map(async (node) => {
      const { service, id, data } = node
      const asking = { limitMs: 1_000, signal: null, token: tokenOfEnvironment(), trust }
      const answer = await askNode(urlOf(node), httpRequestOf(commonRoutes.describe, {}), asking)
      const { role = '' } = answer.type === 'answered' ? (answer.body as { readonly role?: string }) : {}
      return [id, urlOf(node), role, service === 'queue' && redis !== null ? `${redis.name}, in Redis` : data]
    }),
  )
  const table = tableOf(['NODE', 'URL', 'ROLE', 'DATA'], rows, screen)
  const [first] = nodes
  const home = first === undefined ? '' : urlOf(first)
  const isUsual = home === `http://127.0.0.1:${firstPorts.lock}`
  const told = isUsual ? '' : `${variablesOfUrls(nodes, urlOf)} `
  return `${table}ready; the console: ${home}/console, all calls: ${home}/docs, to look at it: ${told}lockstep status, Ctrl-C stops it\n`
}

/** What the commands read in the environment, as a shell takes it. */
function variablesOfUrls(nodes: readonly LocalNode[], urlOf: Reaching['urlOf']): string {
  const services = groupBy(nodes, ({ service }) => service)
  return [...services].map(([service, those]) => `LOCKSTEP_${service.toUpperCase()}_URL=${those.map(urlOf).join(',')}`).join(' ')
}

async function assertFree(nodes: readonly LocalNode[]): Promise<void> {
  const taken: string[] = []
  for (const { id, address } of nodes) {
    const port = Number(address.split(':')[1])
    if (!(await isFree(port)))
      taken.push(`${address}, for ${id}, is taken: ${portHolder(port) ?? 'by a process that this user may not see'}`)
  }
  if (taken.length > 0)
    throw new CommandError(exitCodes.address, `${taken.join('\n')}\nstop what has it, or move all ports with --port-offset`)
}
