import { randomBytes } from 'node:crypto'
import { defineCommand, noOperands } from '#cli/command.ts'
import type { Command } from '#cli/command.ts'
import { cachePart } from '#cli/demo/cache-part.ts'
import { EnterKey } from '#cli/demo/enter-key.ts'
import { faultPart } from '#cli/demo/fault-part.ts'
import { loadPart } from '#cli/demo/load-part.ts'
import { lockPart } from '#cli/demo/lock-part.ts'
import { startOwnNodes } from '#cli/demo/own-nodes.ts'
import { queuePart } from '#cli/demo/queue-part.ts'
import { findRunningNodes, listeningProcesses } from '#cli/demo/running-nodes.ts'
import type { Setting } from '#cli/demo/setting.ts'
import { Stage } from '#cli/demo/stage.ts'
import type { StageAccess } from '#cli/demo/stage.ts'
import { exitCodes } from '#cli/exit-codes.ts'
import { integer, toggle } from '#cli/flags/kinds.ts'
import { interruptible } from '#cli/interrupts.ts'
import { ProgressLine } from '#cli/output/progress-line.ts'
import { screen } from '#cli/output/terminal.ts'
import { portOffsetMax } from '#cli/up/nine-nodes.ts'
import { clientsOf, tokenOfEnvironment } from '#cli/service/service-flags.ts'
import type { ServiceClient } from '#cli/service/service-client.ts'
import { trustFlags, trustOf } from '#cli/service/trust.ts'
import { curlFlagsOf } from '#cli/demo/curl.ts'
import type { Connect } from '#cli/load/connect.ts'
import { connectOptions } from '#cli/load/connect.ts'

const help = `Five parts: 1 locks, 2 queues, 3 the cache, 4 faults, 5 load. Each step shows the call and its answer; what it has come to is
then asked of another node, and counted. Enter shows the next step.

It uses the nodes of 'lockstep up', or those of LOCKSTEP_LOCK_URL, LOCKSTEP_QUEUE_URL and LOCKSTEP_CACHE_URL; when there are none it starts
nine of its own for as long as it lasts, with their data in a folder that is removed. In part 4 the leader of the locks is killed and cache nodes
are stopped for a while: nodes that run already only with --faults, and on this machine. What the demo makes has names of its own, and is removed.

Examples:
  lockstep demo
  lockstep demo --auto --part 4

Exit codes: 0 all checks passed, 1 one failed, 69 there are nodes, and not three of each service that are ready, 130 interrupted`

const parts = [
  { title: '1  Locks: exclusive, shared, in a queue, and a deadlock', play: lockPart },
  { title: '2  Queue: messages by way of every node, and a consumer that dies', play: queuePart },
  { title: '3  Cache: one line, three nodes, and the states M, E, S and I', play: cachePart },
  { title: '4  Faults: the leader is killed, and a cache node is cut off', play: faultPart },
  { title: '5  Load: many clients at a time', play: loadPart },
] as const

interface DemoOptions {
  readonly auto: boolean
  /** One of the five; undefined: all. */
  readonly part: number | undefined
  readonly faults: boolean
  /** Null: nodes that run are used, if there are any. */
  readonly offset: number | null
  readonly clients: readonly ServiceClient[]
  readonly access: StageAccess
}

export const demoCommand = (connect: Connect): Command =>
  defineCommand({
    name: 'demo',
    summary: 'show what it does, step by step, on real nodes',
    operands: '',
    help,
    flags: {
      auto: toggle('does not wait for Enter'),
      part: integer('N', 'only part N, 1 to 5', { min: 1, max: parts.length }),
      faults: toggle('breaks nodes that were running before it, too'),
      'port-offset': integer('N', 'starts nodes of its own whatever runs, on the usual ports and N', { min: 0, max: portOffsetMax }),
      ...trustFlags,
    },
    read({ 'port-offset': offset, ca, cert, 'cert-key': key, ...values }, operands, mistakes): DemoOptions {
      noOperands(operands, mistakes)
      const [token, files] = [tokenOfEnvironment(), { ca, cert, 'cert-key': key }]
      return {
        ...values,
        offset: offset ?? null,
        clients: clientsOf({ url: null, timeout: lookMs, 'api-token': token, ...files }, null, mistakes),
        access: { token, trust: trustOf(files), curlFlags: curlFlagsOf(token !== null, files) },
      }
    },
    run: (options) => interruptible((signal) => run(options, connect, signal)),
  })

/** For nodes that run already to be found. */
const lookMs = 2_000
/** For any answer that is not waited for on purpose. */
const timeoutMs = 15_000

async function run(options: DemoOptions, connect: Connect, signal: AbortSignal): Promise<number> {
  const running = options.offset === null ? await findRunningNodes(options.clients) : null
  if (running !== null) {
    screen.print(`using nodes that run: ${running.lock[0].url}, ${running.queue[0].url}, ${running.cache[0].url} and their clusters\n`)
    return show({ ...running, processes: options.faults ? listeningProcesses : null }, options, { connect, signal })
  }
  screen.print('starting nine nodes\n')
  const line = new ProgressLine(screen)
  await using own = await startOwnNodes({ offset: options.offset, signal, progress: (text) => line.show(text) })
  line.clear()
  const code = await show(own, options, { connect, signal })
  screen.print('stopping the nodes\n')
  return code
}

interface Around {
  readonly connect: Connect
  readonly signal: AbortSignal
}

async function show(
  nodes: Pick<Setting, 'lock' | 'queue' | 'cache' | 'processes'>,
  { auto, part, access }: DemoOptions,
  { connect, signal }: Around,
): Promise<number> {
  const urls = (service: 'lock' | 'queue' | 'cache'): readonly string[] => nodes[service].map(({ url }) => url)
  const setting: Setting = {
    ...nodes,
    tag: randomBytes(2).toString('hex'),
    connect: () => connect(connectOptions({ lock: urls('lock'), queue: urls('queue'), cache: urls('cache') }, access)),
  }
  using enter = auto ? null : new EnterKey(screen)
  const stage = new Stage({ screen, signal, timeoutMs, access, next: async () => enter?.pressed(signal) })
  for (const [at, { title, play }] of parts.entries())
    if (part === undefined || part === at + 1) await stage.part(title, () => play(stage, setting))
  return summary(stage)
}

function summary({ passed, failures, skipped }: Stage): number {
  screen.print('\n')
  for (const what of skipped) screen.print(`${screen.paint('yellow', 'skipped')} ${what}\n`)
  for (const claim of failures) screen.print(`${screen.paint('red', 'failed')} ${claim}\n`)
  screen.print(`${screen.paint('bold', `${passed} checks passed, ${failures.length} failed`)}\n`)
  return failures.length === 0 ? exitCodes.done : exitCodes.refused
}
