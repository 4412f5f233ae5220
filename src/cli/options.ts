import { parseArgs } from 'node:util'
import type { Timing } from '#core/cluster/types.ts'

/** What a node serves. */
type Service = 'lock' | 'register'

export interface NodeOptions {
  readonly service: Service
  readonly id: string
  /** `host:port`. */
  readonly listen: { readonly host: string; readonly port: number }
  /** `host:port`, where other nodes find this one. */
  readonly address: string
  /** Addresses of the initial voters, this node's own included, sorted. */
  readonly voters: readonly string[]
  readonly seeds: readonly string[]
  readonly data: string
  readonly slots: number
  readonly secret: string | null
  readonly timing: Timing
  readonly logLevel: string
}

/** Every mistake at once, each naming its flag. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

const flags = {
  service: { type: 'string' },
  id: { type: 'string' },
  listen: { type: 'string' },
  advertise: { type: 'string' },
  join: { type: 'string' },
  seeds: { type: 'string' },
  data: { type: 'string' },
  slots: { type: 'string' },
  secret: { type: 'string' },
  election: { type: 'string' },
  heartbeat: { type: 'string' },
  'log-level': { type: 'string' },
} as const
type Flag = keyof typeof flags

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']

export function parseNodeOptions(args: readonly string[]): NodeOptions {
  const mistakes: string[] = []
  const given = valuesOf(args, mistakes)
  const { service = 'lock' } = given
  if (service !== 'lock' && service !== 'register') mistakes.push(`--service must be lock or register; it is ${service}`)
  const { id = '', listen = '', advertise, data, secret, slots: slotsText = '1', 'log-level': logLevel = 'info' } = given
  if (!/^[a-z0-9][a-z0-9.-]{0,62}$/i.test(id)) mistakes.push('--id must be a name of letters, digits, dots and dashes, such as lock-node-1')
  if (!isAddress(listen)) mistakes.push(`--listen must be host:port, such as 127.0.0.1:8001; it is ${JSON.stringify(listen)}`)
  const address = advertise ?? listen
  if (advertise !== undefined && !isAddress(advertise)) mistakes.push(`--advertise must be host:port; it is ${JSON.stringify(advertise)}`)
  const joined = listOf('join', given.join, mistakes)
  const seeds = listOf('seeds', given.seeds, mistakes)
  const slots = Number(slotsText)
  if (!Number.isInteger(slots) || slots < 1 || slots > 1_024) mistakes.push(`--slots must be a number from 1 to 1024; it is ${slotsText}`)
  if (service === 'lock' && slots !== 1) mistakes.push('--slots must be 1 for locks, or left out')
  const timing = timingOf(given.election ?? '500-1000', Number(given.heartbeat ?? '100'))
  if (timing === null) {
    const rule = 'min below max, and min at least three times --heartbeat, which is at least 10'
    mistakes.push(`--election must be min-max in milliseconds, such as 500-1000: ${rule}`)
  }
  if (!logLevels.includes(logLevel)) mistakes.push(`--log-level must be one of ${logLevels.join(', ')}; it is ${logLevel}`)
  if (mistakes.length > 0 || timing === null) throw new UsageError(mistakes.join('\n'))
  return {
    service: service === 'register' ? service : 'lock',
    id,
    listen: hostAndPort(listen),
    address,
    voters: joined.length === 0 ? [] : [...new Set([...joined, address])].sort(),
    seeds,
    data: data ?? `.lockstep/${id}`,
    slots,
    secret: secret ?? process.env['LOCKSTEP_SECRET'] ?? null,
    timing,
    logLevel,
  }
}

/** What was given for each flag. The strict way of `parseArgs` would stop at the first mistake. */
function valuesOf(args: readonly string[], mistakes: string[]): Readonly<Partial<Record<Flag, string>>> {
  const { tokens } = parseArgs({ args: [...args], options: flags, strict: false, allowPositionals: true, tokens: true })
  const given: Partial<Record<Flag, string>> = {}
  for (const token of tokens) {
    if (token.kind === 'positional') mistakes.push(`${JSON.stringify(token.value)} belongs to no flag`)
    if (token.kind !== 'option') continue
    const { name, rawName, value } = token
    if (!isFlag(name)) mistakes.push(`${rawName} is not a flag of lockstep node`)
    else if (given[name] !== undefined) mistakes.push(`--${name} is given twice`)
    else if (value === undefined || value === '' || value.startsWith('--')) mistakes.push(`--${name} needs a value`)
    if (isFlag(name)) given[name] ??= value ?? ''
  }
  return given
}

const isFlag = (name: string): name is Flag => Object.hasOwn(flags, name)

function isAddress(text: string): boolean {
  const [, port] = /^[^\s:,]+:(\d{1,5})$/.exec(text) ?? []
  return port !== undefined && Number(port) >= 1 && Number(port) <= 65_535
}

function hostAndPort(address: string): { readonly host: string; readonly port: number } {
  const [host = '', port] = address.split(':')
  return { host, port: Number(port) }
}

function listOf(flag: 'join' | 'seeds', text: string | undefined, mistakes: string[]): readonly string[] {
  const addresses = (text ?? '').split(',').filter((part) => part !== '')
  const wrong = addresses.filter((address) => !isAddress(address))
  if (wrong.length > 0)
    mistakes.push(`--${flag} must be host:port,host:port,…; wrong: ${wrong.map((part) => JSON.stringify(part)).join(', ')}`)
  return addresses
}

/** The lease follows from the shortest time-out by the drift margin (decision R4). */
function timingOf(election: string, heartbeatMs: number): Timing | null {
  const [, min, max] = /^(\d{1,6})-(\d{1,6})$/.exec(election) ?? []
  const [electionMinMs, electionMaxMs] = [Number(min), Number(max)]
  // A leader must get three heartbeats through before anybody gives up on it.
  const fits = Number.isInteger(heartbeatMs) && heartbeatMs >= 10 && electionMinMs >= heartbeatMs * 3 && electionMaxMs > electionMinMs
  return fits ? { heartbeatMs, electionMinMs, electionMaxMs, leaseMs: Math.floor(electionMinMs * 0.9) } : null
}
