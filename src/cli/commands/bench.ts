import { randomBytes } from 'node:crypto'
import { CommandError } from '#cli/command-error.ts'
import { defineCommand } from '#cli/command.ts'
import type { Command } from '#cli/command.ts'
import { exitCodes } from '#cli/exit-codes.ts'
import { integer, withDefault } from '#cli/flags/kinds.ts'
import { interruptible } from '#cli/interrupts.ts'
import type { Connect } from '#cli/load/connect.ts'
import { connectOptions } from '#cli/load/connect.ts'
import { runLoad } from '#cli/load/load.ts'
import { loadText } from '#cli/output/load-view.ts'
import { ProgressLine } from '#cli/output/progress-line.ts'
import { errorScreen, printJson, screen } from '#cli/output/terminal.ts'
import { clusterStatus } from '#cli/service/cluster-status.ts'
import type { ServiceClient } from '#cli/service/service-client.ts'
import { anyServiceFlags, clientsOf, serviceOperand } from '#cli/service/service-flags.ts'

const help = `Uses the clusters that answer as a program does, by the client library, one service after the other: locks are taken and given back, four
clients to a lock; messages are sent, received and acked; values are written over one connection and read over another, which keeps copies. Every
answer is checked: two holders of a lock, a token that does not grow, a message that was lost or never sent, and a value that is older than
what was written before are wrong. It makes a queue, locks and keys whose names begin with bench-, and removes them.

Examples:
  lockstep bench
  lockstep bench lock --seconds 10 --clients 64 --json

Exit codes: 0 no answer was wrong, 1 some were, 69 no node answered, 130 interrupted`

interface BenchOptions {
  readonly clients: readonly ServiceClient[]
  readonly isOne: boolean
  readonly seconds: number
  readonly atOnce: number
  readonly json: boolean
}

export const benchCommand = (connect: Connect): Command =>
  defineCommand({
    name: 'bench',
    summary: 'measure the clusters that run, and check their answers',
    operands: '[SERVICE]',
    words: ['lock', 'queue', 'cache'],
    help,
    flags: {
      seconds: withDefault(integer('N', 'for each service; 5', { min: 1, max: 3_600 }), 5),
      clients: withDefault(integer('N', 'so many at a time; 16', { min: 1, max: 1_024 }), 16),
      ...anyServiceFlags,
    },
    read({ seconds, clients, json, ...values }, operands, mistakes): BenchOptions {
      const service = serviceOperand(operands, mistakes)
      if (values.url !== null && service === null) mistakes.push('--url needs the SERVICE that is there: lock, queue or cache')
      return { clients: clientsOf(values, service, mistakes), isOne: service !== null, seconds, atOnce: clients, json }
    },
    run: (options) => interruptible((signal) => run(options, connect, signal)),
  })

async function run({ clients, isOne, seconds, atOnce, json }: BenchOptions, connect: Connect, signal: AbortSignal): Promise<number> {
  const statuses = await Promise.all(clients.map((client) => clusterStatus(client)))
  const there = statuses.filter(({ nodes }) => nodes.some(({ reachable }) => reachable))
  const absent = clients.filter(({ service }) => !there.some((status) => status.service === service))
  if (there.length === 0 || (isOne && absent.length > 0)) {
    const tried = absent.flatMap(({ urls }) => urls).join(', ')
    throw new CommandError(exitCodes.unavailable, `no node of what is to be measured answers: ${tried}`)
  }
  if (absent.length > 0)
    errorScreen.print(`no ${absent.map(({ service }) => service).join(' or ')} node answers, so that is not measured\n`)
  const { token = null, trust = {} } = clients[0] ?? {}
  const urls = Object.fromEntries(
    there.map(({ service, nodes }) => [service, nodes.filter(({ reachable }) => reachable).map(({ url }) => url)]),
  )
  const line = new ProgressLine(errorScreen)
  const done = await runLoad({
    services: there.map(({ service }) => service),
    connect: () => connect(connectOptions(urls, { token, trust })),
    tag: randomBytes(4).toString('hex'),
    clients: atOnce,
    ms: seconds * 1_000,
    signal,
    progress: (text) => line.show(text),
  }).finally(() => line.clear())
  if (json) printJson({ seconds, clients: atOnce, ...done })
  else screen.print(loadText(done, screen))
  return done.works.some(({ wrong }) => wrong.length > 0) ? exitCodes.refused : exitCodes.done
}
