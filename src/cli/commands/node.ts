import type { NodeEnding } from '#composition/run-node.ts'
import type { NodeOptions } from '#composition/node-options.ts'
import type { Timing } from '#core/cluster/types.ts'
import { CommandError } from '#cli/command-error.ts'
import { defineCommand, noOperands } from '#cli/command.ts'
import type { Command } from '#cli/command.ts'
import { exitCodes } from '#cli/exit-codes.ts'
import type { ValuesOf } from '#cli/flags/flag.ts'
import { address, addresses, choice, integer, patternText, required, text, withDefault } from '#cli/flags/kinds.ts'
import { portHolder } from '#cli/ports/port-holder.ts'

const help = `Examples:
  lockstep node --id a --listen 127.0.0.1:9101 --join 127.0.0.1:9101,127.0.0.1:9102,127.0.0.1:9103
  lockstep node --id d --listen 127.0.0.1:9104 --seeds 127.0.0.1:9101

Exit codes: 0 stopped as told, 2 wrong flags, 3 the store is damaged, 4 the store cannot be used (another process has it, the disk fails
or is full, it is another node's, or the node was removed), 5 the address cannot be listened on, 70 a mistake in this program`

const flags = {
  service: choice('NAME', 'what it serves: lock, by default, or register, named integers to try the replication with', [
    'lock',
    'register',
  ]),
  id: required(
    patternText('NAME', "the node's name in its cluster", {
      pattern: /^[a-z0-9][a-z0-9.-]{0,62}$/i,
      rule: 'a name of letters, digits, dots and dashes, such as lock-node-1',
    }),
  ),
  listen: required(address('HOST:PORT', 'where it listens, for clients and for other nodes')),
  advertise: address('HOST:PORT', 'where other nodes find it, if that is not --listen'),
  join: addresses('A,B,C', 'addresses of the initial voters, the same list on each of them: together they form the cluster'),
  seeds: addresses('A,B', 'addresses of nodes of a cluster to join'),
  data: text('FOLDER', 'where it keeps its data; .lockstep/NAME by default'),
  slots: withDefault(
    integer('N', 'groups of a cluster that is formed; 1 by default, and always 1 for locks; fixed for its life', { min: 1, max: 1_024 }),
    1,
  ),
  election: withDefault(text('MIN-MAX', 'election time-out in milliseconds, the same on all nodes; 500-1000 by default'), '500-1000'),
  heartbeat: withDefault(integer('MS', '100 by default, the same on all nodes', { min: 10, max: 60_000 }), 100),
  secret: text('TEXT', 'what nodes prove to each other; LOCKSTEP_SECRET in the environment keeps it out of the list of processes'),
  'log-level': choice('LEVEL', 'info, or trace, debug, warn, error, fatal, silent', [
    'info',
    'trace',
    'debug',
    'warn',
    'error',
    'fatal',
    'silent',
  ]),
} as const

/** `runNode` resolves when the node has ended. */
export const nodeCommand = (runNode: (options: NodeOptions, signal: AbortSignal) => Promise<NodeEnding>): Command =>
  defineCommand({ name: 'node', summary: 'run one node', operands: '', help, flags, read, run: (options) => run(options, runNode) })

function read(values: ValuesOf<typeof flags>, operands: readonly string[], mistakes: string[]): NodeOptions {
  noOperands(operands, mistakes)
  const { service, id, listen, advertise, join, seeds, data, slots, secret } = values
  if (service === 'lock' && slots > 1) mistakes.push('--slots must be 1 for locks, or left out')
  const timing = timingOf(values.election, values.heartbeat)
  if (timing === null) {
    const rule = 'min below max, and min at least three times --heartbeat'
    mistakes.push(`--election must be min-max in milliseconds, such as 500-1000: ${rule}; it is ${JSON.stringify(values.election)}`)
  }
  const own = advertise ?? listen
  return {
    service,
    id,
    listen: hostAndPort(listen),
    address: own,
    voters: join.length === 0 ? [] : [...new Set([...join, own])].sort(),
    seeds,
    data: data ?? `.lockstep/${id}`,
    slots,
    secret: secret ?? process.env['LOCKSTEP_SECRET'] ?? null,
    timing: timing ?? { heartbeatMs: 0, electionMinMs: 0, electionMaxMs: 0, leaseMs: 0 },
    logLevel: values['log-level'],
  }
}

async function run(options: NodeOptions, runNode: Parameters<typeof nodeCommand>[0]): Promise<number> {
  const stop = new AbortController()
  process.on('SIGINT', () => stop.abort())
  process.on('SIGTERM', () => stop.abort())
  const ending = await runNode(options, stop.signal)
  switch (ending.type) {
    case 'stopped':
      return exitCodes.done
    case 'failed': {
      // A node without a sound store is of no use: it says so and ends, and whoever runs it decides.
      const { type, detail } = ending.reason
      if (type === 'damaged') throw new CommandError(exitCodes.damaged, `the store is damaged: ${detail}`)
      throw new CommandError(exitCodes.storage, `the node cannot go on: ${detail}`)
    }
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

function hostAndPort(given: string): { readonly host: string; readonly port: number } {
  const [host = '', port] = given.split(':')
  return { host, port: Number(port) }
}

/** The lease follows from the shortest time-out by the drift margin (decision R4). */
function timingOf(election: string, heartbeatMs: number): Timing | null {
  const [, min, max] = /^(\d{1,6})-(\d{1,6})$/.exec(election) ?? []
  const [electionMinMs, electionMaxMs] = [Number(min), Number(max)]
  // A leader must get three heartbeats through before anybody gives up on it.
  const fits = electionMinMs >= heartbeatMs * 3 && electionMaxMs > electionMinMs
  return fits ? { heartbeatMs, electionMinMs, electionMaxMs, leaseMs: Math.floor(electionMinMs * 0.9) } : null
}
