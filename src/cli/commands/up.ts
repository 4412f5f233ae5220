import { join } from 'node:path'
import type { Claim } from '#composition/claim-folder.ts'
import { commonRoutes } from '#api/common/routes.ts'
import { CommandError } from '#cli/command-error.ts'
import { defineCommand, noOperands } from '#cli/command.ts'
import type { Command } from '#cli/command.ts'
import { exitCodes } from '#cli/exit-codes.ts'
import { choice, integer, text, toggle, withDefault } from '#cli/flags/kinds.ts'
import { tableOf } from '#cli/output/table.ts'
import { screen } from '#cli/output/terminal.ts'
import { isFree, portHolder } from '#cli/ports/port-holder.ts'
import { askNode } from '#cli/service/node-answer.ts'
import { httpRequestOf } from '#cli/service/route-request.ts'
import { prepareFolder } from '#cli/up/folder.ts'
import { LocalNodes } from '#cli/up/local-nodes.ts'
import type { LocalNode } from '#cli/up/local-nodes.ts'
import { readLogLine } from '#cli/up/node-log.ts'
import { allReady } from '#cli/up/readiness.ts'

const help = `Three lock nodes on ports 8001 to 8003 of this machine, each a process of its own. What they log is shown once they are ready, with
their names in front. A node that dies is reported and started again after 2 s, later each time it dies soon. Ctrl-C stops them, leadership
handed over first; a second Ctrl-C kills them.

Examples:
  lockstep up
  lockstep up --fresh --log-level warn
  lockstep up --port-offset 100      # ports 8101 to 8103, data in .lockstep/offset-100

Exit codes: 0 stopped as told, 2 wrong flags, 4 the folder is in use or of other ports, 5 a port is taken`

const ports = [8001, 8002, 8003] as const
const colours = ['cyan', 'magenta', 'yellow'] as const
const levels = { trace: 10, debug: 20, info: 30, warn: 40, error: 50 } as const
const idWidth = 'lock-node-1'.length

interface UpOptions {
  readonly nodes: readonly LocalNode[]
  readonly folder: string
  readonly fresh: boolean
  readonly restart: boolean
  readonly logLevel: keyof typeof levels
}

/** `claim` makes sure that nobody else uses the folder. */
export const upCommand = (claim: (folder: string) => Promise<Claim>): Command =>
  defineCommand({
    name: 'up',
    summary: 'run three nodes on this machine',
    operands: '',
    help,
    flags: {
      fresh: toggle('begin with empty stores: all that was stored is deleted'),
      data: text('FOLDER', 'where they keep their data; .lockstep by default'),
      'port-offset': withDefault(integer('N', 'added to all ports', { min: 0, max: 57_000 }), 0),
      'no-restart': toggle('leave a node that died as it is'),
      'log-level': choice('LEVEL', 'what is shown of their logs: info, or trace, debug, warn, error', [
        'info',
        'trace',
        'debug',
        'warn',
        'error',
      ]),
    },
    read({ fresh, data, 'port-offset': offset, 'no-restart': noRestart, 'log-level': logLevel }, operands, mistakes): UpOptions {
      noOperands(operands, mistakes)
      const folder = data ?? (offset === 0 ? '.lockstep' : join('.lockstep', `offset-${offset}`))
      const nodes = ports.map((port, at) => {
        const id = `lock-node-${at + 1}`
        return { id, address: `127.0.0.1:${port + offset}`, data: join(folder, id) }
      })
      return { nodes, folder, fresh, restart: !noRestart, logLevel }
    },
    async run(options) {
      const claimed = await claim(options.folder)
      if (claimed.type === 'taken')
        throw new CommandError(exitCodes.storage, `${options.folder} is in use: ${claimed.detail}; use another --data`)
      try {
        await assertFree(options.nodes)
        prepareFolder(options.folder, options.nodes, options)
        return await runNodes(options)
      } finally {
        claimed.release()
      }
    },
  })

async function runNodes({ nodes, folder, restart, logLevel }: UpOptions): Promise<number> {
  let isReady = false
  const stopping = new AbortController()
  screen.print(`starting ${nodes.length} lock nodes, data in ${folder}\n`)
  const local = new LocalNodes({
    nodes,
    flags: ['--log-level', logLevel],
    restart,
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

  const show = (node: LocalNode, line: string): void => {
    const colour = colours[nodes.indexOf(node) % colours.length] ?? 'cyan'
    screen.print(`${screen.paint(colour, node.id.padEnd(idWidth))}  ${line}\n`)
  }
  const urls = nodes.map(({ address }) => `http://${address}`)
  const stillWaiting = (missing: readonly (readonly [string, string])[]): void => {
    for (const [url, why] of missing) screen.print(`waiting for ${url}: ${why}\n`)
  }
  void allReady(urls, { signal: stopping.signal, stillWaiting }).then(async (ready) => {
    if (!ready) return
    screen.print(await startTable(nodes))
    isReady = true
  })
  const code = await local.ended
  stopping.abort()
  return code
}

function paintedBy(level: number, line: string): string {
  if (level < levels.warn) return line
  return screen.paint(level < levels.error ? 'yellow' : 'red', line)
}

async function startTable(nodes: readonly LocalNode[]): Promise<string> {
  const rows = await Promise.all(
    nodes.map(async ({ id, address, data }) => {
      const answer = await askNode(`http://${address}`, httpRequestOf(commonRoutes.describe, {}), { limitMs: 1_000, signal: null })
      const { role = '' } = answer.type === 'answered' ? (answer.body as { readonly role?: string }) : {}
      return [id, `http://${address}`, role, data]
    }),
  )
  const table = tableOf(['NODE', 'URL', 'ROLE', 'DATA'], rows, screen)
  const [first] = nodes
  const isUsual = first?.address === `127.0.0.1:${ports[0]}`
  const url = isUsual ? '' : ` --url ${nodes.map(({ address }) => address).join(',')}`
  return `${table}ready; all calls: http://${first?.address ?? ''}/docs, to look at it: lockstep status${url}, Ctrl-C stops it\n`
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
