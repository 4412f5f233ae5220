import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { encodeRegisterCommand } from '#services/register/register-machine.ts'
import { encodeCommand } from '#wire/command.ts'
import { PeerClient } from '#test/harness/peer-client.ts'
import { ProcessCluster } from '#test/harness/process-cluster.ts'
import { until } from '#test/harness/until.ts'
import { BareCluster } from '#bench/kit/bare-cluster.ts'
import { percentile, spread } from '#bench/kit/stats.ts'

/**
 * Three real nodes on this machine, and this process as their client: commands per second, and latency, with 1, 16 and 256 in flight. Every command
 * is answered only when it is on the disks of a majority. Beside one in flight: the least it can cost in Node (see kit/bare-node.ts), in turns.
 */
const { values: options } = parseArgs({
  options: { seconds: { type: 'string', default: '5' }, rounds: { type: 'string', default: '3' }, json: { type: 'string' } },
})
const seconds = Number(options.seconds)
const rounds = Number(options.rounds)
/** A write to one of a thousand registers, 100 bytes long with its envelope. */
const commands = Array.from({ length: 1_000 }, (_, position) => {
  const body = encodeRegisterCommand({ type: 'write', key: `register-${position}`.padEnd(89, '.'), value: 1_000_000 + position })
  return encodeCommand({ type: 'anonymous', body })
})

interface Round {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** Asks once for a command of this number; throws when it was not carried out. */
type Ask = (turn: number) => Promise<void>

async function drive(ask: Ask, inFlight: number): Promise<Round> {
  const latencies: number[] = []
  const warmUntil = performance.now() + 500
  const end = warmUntil + seconds * 1_000
  const worker = async (): Promise<void> => {
    for (let turn = 0; ; turn++) {
      const sentAt = performance.now()
      if (sentAt >= end) return
      await ask(turn)
      if (sentAt >= warmUntil) latencies.push(performance.now() - sentAt)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, worker))
  return { perSecond: latencies.length / seconds, p50Ms: percentile(latencies, 0.5), p99Ms: percentile(latencies, 0.99) }
}

await using cluster = await ProcessCluster.start(['--log-level', 'warn'])
const leader = await cluster.settledLeader(1)
const status = await cluster.status(leader)
const client = new PeerClient(status.clusterId as string, [leader.options.address])
await until('the client is connected', async () => client.connected.length === 1)
const bare = await BareCluster.start(cluster.folder)

const ours: Ask = async (turn) => {
  const command = commands[turn % commands.length] as Uint8Array
  const response = await client.ask(leader.options.id, { type: 'propose', group: 1, commands: [command] })
  if (response?.type !== 'proposed' || response.outcomes[0]?.type !== 'applied')
    throw new Error(`a command failed: ${JSON.stringify(response)}`)
}
const lines: readonly { readonly name: string; readonly ask: Ask; readonly inFlight: number }[] = [
  { name: '1 in flight', ask: ours, inFlight: 1 },
  { name: 'bare, 1 in flight', ask: () => bare.ask(), inFlight: 1 },
  { name: '16 in flight', ask: ours, inFlight: 16 },
  { name: '256 in flight', ask: ours, inFlight: 256 },
]
const measured = new Map<string, Round[]>(lines.map(({ name }) => [name, []]))
for (let round = 0; round < rounds; round++) {
  for (const { name, ask, inFlight } of lines) measured.get(name)?.push(await drive(ask, inFlight))
}

const results: Record<string, unknown> = {}
const show = ({ min, median, max }: { min: number; median: number; max: number }, digits: number): string =>
  `${min.toFixed(digits)} / ${median.toFixed(digits)} / ${max.toFixed(digits)}`
for (const [name, all] of measured) {
  const row = {
    perSecond: spread(all.map(({ perSecond }) => perSecond)),
    p50Ms: spread(all.map(({ p50Ms }) => p50Ms)),
    p99Ms: spread(all.map(({ p99Ms }) => p99Ms)),
  }
  results[name] = row
  process.stdout.write(
    `${name.padStart(17)}: ${show(row.perSecond, 0)} commands/s, p50 ${show(row.p50Ms, 3)} ms, p99 ${show(row.p99Ms, 3)} ms\n`,
  )
}
bare.stop()
await client.stop()
if (options.json !== undefined) writeFileSync(options.json, JSON.stringify(results, null, 2))
