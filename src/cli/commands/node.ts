import type { NodeEnding } from '#composition/run-node.ts'
import type { NodeOptions } from '#composition/node-options.ts'
import { CommandError, usageError } from '#cli/command-error.ts'
import { defineCommand, noOperands } from '#cli/command.ts'
import type { Command } from '#cli/command.ts'
import { exitCodes } from '#cli/exit-codes.ts'
import { layersOfNode, nodeFlags, optionsOf } from '#cli/config/node-settings.ts'
import type { Judges } from '#cli/config/node-settings.ts'
import { errorScreen } from '#cli/output/terminal.ts'
import { portHolder } from '#cli/ports/port-holder.ts'

const help = `Examples:
  lockstep node --id a --listen 127.0.0.1:9101 --join 127.0.0.1:9101,127.0.0.1:9102,127.0.0.1:9103
  lockstep node --id d --listen 127.0.0.1:9104 --seeds 127.0.0.1:9101
  lockstep node --id a --listen 10.0.0.1:8001 --seeds 10.0.0.2:8001 --secret-file secret --tls-cert node.pem --tls-key node.key --tls-ca ca.pem
  lockstep node --service queue --id q1 --listen 127.0.0.1:9201 --engine redis --redis-url redis://127.0.0.1:6379

Exit codes: 0 stopped as told, 2 wrong flags, 3 the store is damaged, 4 the store cannot be used (another process has it, the disk fails
or is full, or it is another node's), 5 the address cannot be listened on, 8 the node was removed or has left before, 70 a mistake in this program`

/** `runNode` resolves when the node has ended. */
export const nodeCommand = (runNode: (options: NodeOptions, signal: AbortSignal) => Promise<NodeEnding>, judges: Judges): Command =>
  defineCommand({
    name: 'node',
    summary: 'run one node',
    operands: '',
    help,
    flags: nodeFlags,
    layers: layersOfNode(process.env),
    read(values, operands, mistakes, origins) {
      noOperands(operands, mistakes)
      return optionsOf(values, { ...judges, origins, mistakes })
    },
    run: (options) => run(options, runNode),
  })

async function run(options: NodeOptions, runNode: Parameters<typeof nodeCommand>[0]): Promise<number> {
  const stop = new AbortController()
  process.on('SIGINT', () => stop.abort())
  process.on('SIGTERM', () => stop.abort())
  // A command that runs nodes on this machine has ended, and could not say so.
  process.on('disconnect', () => stop.abort())
  const hadParent = process.send !== undefined
  if (hadParent && !process.connected) stop.abort()
  const ending = await runNode(options, stop.signal)
  switch (ending.type) {
    case 'stopped':
      return exitCodes.done
    case 'left':
      errorScreen.print(`${options.id} has left its cluster; with an empty store it can join again\n`)
      return exitCodes.done
    case 'failed': {
      // A node without a sound store is of no use: it says so and ends, and whoever runs it decides.
      const { type, detail } = ending.reason
      if (type === 'removed') throw new CommandError(exitCodes.removed, detail)
      if (type === 'damaged') throw new CommandError(exitCodes.damaged, `the store is damaged: ${detail}`)
      throw new CommandError(exitCodes.storage, `the node cannot go on: ${detail}`)
    }
    case 'no-certificates':
      throw usageError('node', [ending.detail])
    case 'not-listening':
      throw new CommandError(exitCodes.address, notListening(options, ending.code))
  }
}

function notListening({ id, listen: { host, port } }: NodeOptions, code: string): string {
  const holder = code === 'EADDRINUSE' ? portHolder(port) : null
  const known = holder === null ? '' : `: ${holder}`
  return `${id} cannot listen on ${host}:${port}: ${listenFaults.get(code) ?? ''} (${code})${known}`
}

const listenFaults = new Map([
  ['EADDRINUSE', 'another process listens there already; choose another port with --listen, or stop that process'],
  ['EADDRNOTAVAIL', 'this machine does not have that address'],
  ['EACCES', 'this user may not use that port'],
  ['ENOTFOUND', 'no such host is known'],
  ['EAI_AGAIN', 'the name of that host could not be looked up'],
])
