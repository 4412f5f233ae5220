import { parseArgs } from 'node:util'
import type { Timing } from '#core/cluster/types.ts'

export interface NodeOptions {
  readonly id: string
  /** `host:port`, also where other nodes find this one. */
  readonly listen: string
  /** Addresses of the initial voters, this node's own included, sorted. */
  readonly voters: readonly string[]
  readonly seeds: readonly string[]
  readonly data: string
  readonly slots: number
  readonly secret: string | null
  readonly timing: Timing
  readonly logLevel: string
}

export const defaultTiming: Timing = { heartbeatMs: 100, electionMinMs: 500, electionMaxMs: 1_000, leaseMs: 450 }

/** Every mistake at once, each naming its flag. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

export function parseNodeOptions(args: readonly string[]): NodeOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      id: { type: 'string' },
      listen: { type: 'string' },
      join: { type: 'string', default: '' },
      seeds: { type: 'string', default: '' },
      data: { type: 'string' },
      slots: { type: 'string', default: '1' },
      secret: { type: 'string' },
      election: { type: 'string', default: '500-1000' },
      heartbeat: { type: 'string', default: '100' },
      'log-level': { type: 'string', default: 'info' },
    },
  })
  const mistakes: string[] = []
  const { id = '', listen = '' } = values
  if (!/^[a-z0-9][a-z0-9.-]{0,62}$/i.test(id)) mistakes.push('--id must be a name of letters, digits, dots and dashes, such as lock-node-1')
  if (!/^[^\s:]+:\d{1,5}$/.test(listen))
    mistakes.push(`--listen must be host:port, such as 127.0.0.1:8001; it is ${JSON.stringify(listen)}`)
  const slots = Number(values.slots)
  if (!Number.isInteger(slots) || slots < 1 || slots > 1_024)
    mistakes.push(`--slots must be a number from 1 to 1024; it is ${values.slots}`)
  const timing = timingOf(values.election, Number(values.heartbeat))
  if (timing === null) mistakes.push('--election must be min-max in milliseconds and at least five times --heartbeat, such as 500-1000')
  if (mistakes.length > 0) throw new UsageError(mistakes.join('\n'))
  const joined = listOf(values.join)
  return {
    id,
    listen,
    voters: joined.length === 0 ? [] : [...new Set([...joined, listen])].sort(),
    seeds: listOf(values.seeds),
    data: values.data ?? `.lockstep/${id}`,
    slots,
    secret: values.secret ?? process.env['LOCKSTEP_SECRET'] ?? null,
    timing: timing ?? defaultTiming,
    logLevel: values['log-level'],
  }
}

/** The lease follows from the shortest time-out by the drift margin (decision R4). */
function timingOf(election: string, heartbeatMs: number): Timing | null {
  const [min, max] = election.split('-').map(Number)
  if (min === undefined || max === undefined || !(heartbeatMs >= 10) || !(min >= heartbeatMs * 3) || !(max > min)) return null
  return { heartbeatMs, electionMinMs: min, electionMaxMs: max, leaseMs: Math.floor(min * 0.9) }
}

const listOf = (text: string): string[] => text.split(',').filter((part) => part !== '')
