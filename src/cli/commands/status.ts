import { setTimeout as sleep } from 'node:timers/promises'
import { defineCommand } from '#cli/command.ts'
import type { Command } from '#cli/command.ts'
import { exitCodes } from '#cli/exit-codes.ts'
import { duration, toggle, withDefault } from '#cli/flags/kinds.ts'
import { Interrupted, interruptible } from '#cli/interrupts.ts'
import { statusText } from '#cli/output/status-view.ts'
import { printJson, screen } from '#cli/output/terminal.ts'
import { clusterStatus } from '#cli/service/cluster-status.ts'
import type { ClusterStatus } from '#cli/service/cluster-status.ts'
import { anyServiceFlags, clientsOf, serviceOperand } from '#cli/service/service-flags.ts'

const help = `The nodes of each cluster, which one leads, how far the others are behind it in log entries, and what they have: locks, queues, lines of
the cache. With a SERVICE (lock, queue or cache) of that one; with --url of the cluster that these nodes belong to. Sessions count those that
the nodes themselves have, one each; queues those on the first page, 1000.

Examples:
  lockstep status
  lockstep status cache --watch
  lockstep status --json --url http://10.0.0.5:8001

Exit codes: 0 every cluster that answers has a leader, 69 no node answered, or none of a cluster knows a leader`

export const statusCommand: Command = defineCommand({
  name: 'status',
  summary: 'show the clusters: nodes, leaders, counts',
  operands: '[SERVICE]',
  words: ['lock', 'queue', 'cache'],
  help,
  flags: {
    watch: toggle('go on until Ctrl-C'),
    every: withDefault(duration('DURATION', 'how often, with --watch; 1s', { min: 100, max: 3_600_000 }), 1_000),
    ...anyServiceFlags,
  },
  read(values, operands, mistakes) {
    const service = serviceOperand(operands, mistakes)
    return { ...values, clients: clientsOf(values, service, mistakes), isOne: service !== null || values.url !== null }
  },
  async run({ watch, every, json, clients, isOne }) {
    const look = (): Promise<readonly ClusterStatus[]> => Promise.all(clients.map((client) => clusterStatus(client)))
    if (watch) return watched(look, { every, json, isOne })
    const clusters = await look()
    if (json) printJson(jsonOf(clusters, isOne))
    else screen.print(textOf(clusters, isOne))
    return exitCodeOf(clusters)
  },
})

/** One cluster was asked for, or all there are. */
const jsonOf = (clusters: readonly ClusterStatus[], isOne: boolean): unknown => (isOne ? clusters[0] : { clusters })

const isThere = ({ nodes }: ClusterStatus): boolean => nodes.some(({ reachable }) => reachable)

/** Where several are looked for, one that is not there at all is no more than a word. */
function textOf(clusters: readonly ClusterStatus[], isOne: boolean): string {
  const shown = clusters.filter((cluster) => isOne || isThere(cluster))
  const absent = clusters.filter((cluster) => !shown.includes(cluster)).map(({ service }) => service)
  const none = absent.length === 0 ? [] : [`${screen.paint('dim', `no ${absent.join(' or ')} node answers`)}\n`]
  return [...shown.map((cluster) => statusText(cluster, screen)), ...(screen.isTerminal || shown.length === 0 ? none : [])].join(
    screen.isTerminal ? '\n' : '',
  )
}

function exitCodeOf(clusters: readonly ClusterStatus[]): number {
  const there = clusters.filter(isThere)
  return there.length > 0 && there.every(({ leader }) => leader !== null) ? exitCodes.done : exitCodes.unavailable
}

/** From the upper left corner, over what was there. */
const home = '\u001b[H\u001b[J'

async function watched(
  look: () => Promise<readonly ClusterStatus[]>,
  { every, json, isOne }: { readonly every: number; readonly json: boolean; readonly isOne: boolean },
): Promise<number> {
  let clusters: readonly ClusterStatus[] = []
  try {
    await interruptible(async (signal) => {
      while (!signal.aborted) {
        clusters = await look()
        if (json) screen.print(`${JSON.stringify(jsonOf(clusters, isOne))}\n`)
        else screen.print(`${screen.isTerminal ? home : ''}${textOf(clusters, isOne)}${screen.isTerminal ? '' : '\n'}`)
        await sleep(every, undefined, { signal }).catch(() => {})
      }
      signal.throwIfAborted()
    })
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error
  }
  return exitCodeOf(clusters)
}
