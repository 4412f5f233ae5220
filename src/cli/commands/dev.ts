import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DevFailure, DevNode, DevOptions, RunningDev } from '#composition/run-dev.ts'
import { CommandError } from '#cli/command-error.ts'
import { defineCommand } from '#cli/command.ts'
import type { Command } from '#cli/command.ts'
import { exitCodes } from '#cli/exit-codes.ts'
import { choice, integer, toggle } from '#cli/flags/kinds.ts'
import { runChild } from '#cli/hold/child.ts'
import { Interrupted, interruptible } from '#cli/interrupts.ts'
import { tableOf } from '#cli/output/table.ts'
import { screen } from '#cli/output/terminal.ts'
import { portHolder } from '#cli/ports/port-holder.ts'
import { exitCodeOf } from './run.ts'

const help = `Locks, queues and the cache in one process, for development and for the tests of an application. They begin with nothing, and what they were told
is gone when they end. With a COMMAND they are there for as long as that runs, and it finds them by LOCKSTEP_LOCK_URL, LOCKSTEP_QUEUE_URL and
LOCKSTEP_CACHE_URL. What must outlive a process is for 'lockstep up'.

Examples:
  lockstep dev
  lockstep dev --port 0 --json
  lockstep dev --port 0 -- npm test

Exit codes: 0 stopped as told, that of the COMMAND, 1 a node has ended by itself, 2 wrong flags, 5 a port is taken`

const services = ['lock', 'queue', 'cache'] as const
const nodeCounts = { '1': 1, '3': 3 } as const
/** Between SIGTERM and SIGKILL, for a command whose nodes are gone. */
const graceMs = 5_000

type Start = (options: Omit<DevOptions, 'version'>, signal: AbortSignal) => Promise<RunningDev | DevFailure>

interface Options {
  readonly options: Omit<DevOptions, 'version' | 'folder'>
  readonly inMemory: boolean
  readonly json: boolean
  readonly command: readonly string[]
}

export const devCommand = (start: Start): Command =>
  defineCommand({
    name: 'dev',
    summary: 'run all services in one process, for tests',
    operands: '[[--] COMMAND [ARGUMENT…]]',
    passesOn: true,
    help,
    flags: {
      nodes: choice('N', 'of each service: 1, by default, or 3', ['1', '3']),
      only: choice('SERVICE', 'lock, queue or cache; all of them by default', ['all', ...services]),
      port: integer('N', 'the first of as many ports as there are nodes, 0 for free ones; 8001, 9001 and 7001 by default', {
        min: 0,
        max: 65_000,
      }),
      store: choice('KIND', 'memory, by default, or folder: the store of other nodes, in a folder that is removed', ['memory', 'folder']),
      'log-level': choice('LEVEL', 'what they log: error, by default, or trace, debug, info, warn, silent', [
        'error',
        'trace',
        'debug',
        'info',
        'warn',
        'silent',
      ]),
      json: toggle('prints where they are as a line of JSON, for programs'),
    },
    read({ nodes, only, port, store, 'log-level': logLevel, json }, operands): Options {
      const ports = port === undefined ? 'usual' : port === 0 ? 'free' : { from: port }
      const wanted = services.filter((service) => only === 'all' || service === only)
      return {
        options: { services: wanted, nodes: nodeCounts[nodes], ports, logLevel },
        inMemory: store === 'memory',
        json,
        command: operands,
      }
    },
    run: (options) => run(options, start),
  })

async function run({ options, inMemory, json, command }: Options, start: Start): Promise<number> {
  const folder = inMemory ? null : mkdtempSync(join(tmpdir(), 'lockstep-dev-'))
  const startedAt = performance.now()
  try {
    const running = await interruptible((signal) => start({ ...options, folder }, signal))
    if (running.type === 'failed') throw failed(running)
    try {
      return command.length > 0 ? await during(running, command) : await untilTold(running, { json, tookMs: performance.now() - startedAt })
    } finally {
      await running.stop()
    }
  } finally {
    if (folder !== null) rmSync(folder, { recursive: true, force: true })
  }
}

function failed({ detail, port }: DevFailure): CommandError {
  if (port === null) return new CommandError(exitCodes.refused, detail)
  const holder = portHolder(port)
  return new CommandError(exitCodes.address, `${detail}${holder === null ? '' : `: ${holder}`}; --port 0 takes free ones`)
}

async function during({ nodes, failed: failure }: RunningDev, command: readonly string[]): Promise<number> {
  const found = services.map((service) => [service, urlsOf(nodes, service)] as const).filter(([, urls]) => urls.length > 0)
  const variables = Object.fromEntries(found.map(([service, urls]) => [`LOCKSTEP_${service.toUpperCase()}_URL`, urls.join(',')]))
  const gone = new AbortController()
  void failure.then((what) => gone.abort(failed(what)))
  const ending = await runChild(command, { env: { ...process.env, ...variables }, kill: gone.signal, graceMs })
  gone.signal.throwIfAborted()
  return exitCodeOf(ending, command[0] ?? '')
}

const urlsOf = (nodes: readonly DevNode[], of: DevNode['service']): readonly string[] =>
  nodes.filter(({ service }) => service === of).map(({ url }) => url)

async function untilTold(
  { nodes, failed: failure }: RunningDev,
  { json, tookMs }: { readonly json: boolean; readonly tookMs: number },
): Promise<number> {
  const readyMs = Math.round(tookMs)
  if (json) screen.print(`${JSON.stringify({ ready_in_ms: readyMs, nodes })}\n`)
  else {
    const table = tableOf(
      ['NODE', 'URL'],
      nodes.map(({ id, url }) => [id, url]),
      screen,
    )
    screen.print(`${table}ready in ${readyMs} ms; all calls: ${nodes[0]?.url ?? ''}/docs, Ctrl-C stops it\n`)
  }
  try {
    const what = await interruptible((signal) => Promise.race([failure, endOf(signal)]))
    throw failed(what)
  } catch (error) {
    if (error instanceof Interrupted) return exitCodes.done
    throw error
  }
}

const endOf = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error))
  })
