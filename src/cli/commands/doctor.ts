import { defineCommand } from '#cli/command.ts'
import type { Command } from '#cli/command.ts'
import type { RedisInspection } from '#composition/inspect-redis.ts'
import type { RedisOptions } from '#composition/node-options.ts'
import { checkCluster } from '#cli/doctor/cluster.ts'
import { checkSpace, checkSync, nearestFolder } from '#cli/doctor/disk.ts'
import type { Finding } from '#cli/doctor/finding.ts'
import { checkMemory, checkNode } from '#cli/doctor/machine.ts'
import { judgeRedis } from '#cli/doctor/redis.ts'
import { exitCodes } from '#cli/exit-codes.ts'
import { engineFlags } from '#cli/flags/engine.ts'
import type { ParsePlace } from '#cli/flags/engine.ts'
import { variableOf } from '#cli/flags/flag.ts'
import { text, withDefault } from '#cli/flags/kinds.ts'
import { ProgressLine } from '#cli/output/progress-line.ts'
import { errorScreen, printJson, screen } from '#cli/output/terminal.ts'
import type { Screen } from '#cli/output/terminal.ts'
import { anyServiceFlags, clientsOf, serviceOperand } from '#cli/service/service-flags.ts'

const help = `Looks at this machine (Node.js, memory, ports, the disk of the data folder) and at the clusters that answer (every node, one cluster,
one version, clocks), and says what to do about what is wrong. With a SERVICE (lock, queue or cache) at that one.
With --redis-url at a Redis that is to keep the queues.

Examples:
  lockstep doctor
  lockstep doctor cache
  lockstep doctor --data /var/lib/lockstep --url http://10.0.0.5:8001,http://10.0.0.6:8001
  lockstep doctor queue --redis-url redis://10.0.0.7:6379

Exit codes: 0 nothing is broken, 1 something is`

interface Parts {
  /** Of this program. */
  readonly version: string
  /** The oldest Node.js that runs it. */
  readonly node: string
  readonly parse: ParsePlace
  readonly inspectRedis: (options: RedisOptions) => Promise<RedisInspection>
}

export const doctorCommand = ({ version, node, parse, inspectRedis }: Parts): Command =>
  defineCommand({
    name: 'doctor',
    summary: 'find out what is wrong, and what to do',
    operands: '[SERVICE]',
    words: ['lock', 'queue', 'cache'],
    help,
    flags: {
      data: withDefault(text('FOLDER', 'where nodes keep their data; .lockstep'), '.lockstep'),
      'redis-url': engineFlags['redis-url'],
      'redis-replicas': engineFlags['redis-replicas'],
      ...anyServiceFlags,
    },
    read(values, operands, mistakes) {
      const clients = clientsOf(values, serviceOperand(operands, mistakes), mistakes)
      return { ...values, clients, redis: redisOf(values, parse, mistakes) }
    },
    async run({ data, json, clients, redis }) {
      const folder = nearestFolder(data)
      const line = new ProgressLine(errorScreen)
      const findings = [checkNode(process.versions.node, node), checkMemory(process.availableMemory()), checkSpace(folder)]
      findings.push(checkSync(folder, (round, rounds) => line.show(`how long the disk takes: ${round} of ${rounds} rounds`)))
      if (redis !== null) {
        line.show('looking at Redis')
        findings.push(...judgeRedis(await inspectRedis(redis)))
      }
      line.show(`looking at ${clients.map(({ service }) => service).join(', ')} nodes`)
      findings.push(...(await Promise.all(clients.map((client) => checkCluster(client, version)))).flat())
      line.clear()
      if (json) printJson({ findings })
      else screen.print(findingsText(findings, screen))
      return findings.some(({ verdict }) => verdict === 'broken') ? exitCodes.refused : exitCodes.done
    },
  })

interface RedisValues {
  readonly 'redis-url': string | undefined
  readonly 'redis-replicas': number | undefined
}

/** Null when none is named. */
function redisOf(values: RedisValues, parse: ParsePlace, mistakes: string[]): RedisOptions | null {
  const variable = variableOf('redis-url')
  const url = values['redis-url'] ?? process.env[variable] ?? ''
  if (url === '') return null
  const place = parse(url)
  if (place.ok) return { place: place.value, name: 'queues', replicas: values['redis-replicas'] ?? 0, relaxed: false }
  mistakes.push(`${values['redis-url'] === undefined ? variable : '--redis-url'}: ${place.error}`)
  return null
}

const colours = { ok: 'green', warning: 'yellow', broken: 'red', skipped: 'dim' } as const
const checkWidth = 20

function findingsText(findings: readonly Finding[], { paint }: Pick<Screen, 'paint'>): string {
  return findings
    .map(({ check, verdict, seen, fix }) => {
      const line = `${paint(colours[verdict], verdict.padEnd(8))} ${check.padEnd(checkWidth)} ${seen}\n`
      return fix === null ? line : `${line}${' '.repeat(9)}${paint('bold', '→')} ${fix}\n`
    })
    .join('')
}
