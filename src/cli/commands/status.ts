import { setTimeout as sleep } from 'node:timers/promises'
import { defineCommand, noOperands } from '#cli/command.ts'
import type { Command } from '#cli/command.ts'
import { exitCodes } from '#cli/exit-codes.ts'
import { duration, toggle, withDefault } from '#cli/flags/kinds.ts'
import { Interrupted, interruptible } from '#cli/interrupts.ts'
import { statusText } from '#cli/output/status-view.ts'
import { printJson, screen } from '#cli/output/terminal.ts'
import { clusterStatus } from '#cli/service/cluster-status.ts'
import type { ClusterStatus } from '#cli/service/cluster-status.ts'
import { clientOf, serviceFlags } from '#cli/service/service-flags.ts'

const help = `The nodes of the cluster that the given ones belong to, which one leads, how far the others are behind it in log entries, and how many
locks are held. Sessions count those that the nodes themselves have, one each.

Examples:
  lockstep status
  lockstep status --watch
  lockstep status --json --url http://10.0.0.5:8001

Exit codes: 0 there is a leader, 69 no node answered, or none knows a leader`

export const statusCommand: Command = defineCommand({
  name: 'status',
  summary: 'show the cluster: nodes, leader, counts',
  operands: '',
  help,
  flags: {
    watch: toggle('go on until Ctrl-C'),
    every: withDefault(duration('DURATION', 'how often, with --watch; 1s', { min: 100, max: 3_600_000 }), 1_000),
    ...serviceFlags,
  },
  read(values, operands, mistakes) {
    noOperands(operands, mistakes)
    return values
  },
  async run({ watch, every, json, ...service }) {
    const client = clientOf(service)
    if (watch) return watched(() => clusterStatus(client), { every, json })
    const status = await clusterStatus(client)
    if (json) printJson(status)
    else screen.print(statusText(status, screen))
    return exitCodeOf(status)
  },
})

const exitCodeOf = ({ leader }: ClusterStatus): number => (leader === null ? exitCodes.unavailable : exitCodes.done)

/** From the upper left corner, over what was there. */
const home = '\u001b[H\u001b[J'

async function watched(
  look: () => Promise<ClusterStatus>,
  { every, json }: { readonly every: number; readonly json: boolean },
): Promise<number> {
  let status: ClusterStatus | null = null
  try {
    await interruptible(async (signal) => {
      while (!signal.aborted) {
        status = await look()
        if (json) screen.print(`${JSON.stringify(status)}\n`)
        else screen.print(`${screen.isTerminal ? home : ''}${statusText(status, screen)}${screen.isTerminal ? '' : '\n'}`)
        await sleep(every, undefined, { signal }).catch(() => {})
      }
      signal.throwIfAborted()
    })
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error
  }
  return status === null ? exitCodes.unavailable : exitCodeOf(status)
}
