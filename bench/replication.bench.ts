import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { encodeRegisterCommand } from '#services/register/register-machine.ts'
import { encodeCommand } from '#wire/command.ts'
import { PeerClient } from '#test/harness/peer-client.ts'
import { ProcessCluster } from '#test/harness/process-cluster.ts'
import { until } from '#test/harness/until.ts'
import { percentile, spread } from '#bench/kit/stats.ts'

/**
 * Three real nodes with LMDB on this machine, and this process as their client: commands per second with 256 in flight, latency of one in flight,
 * and what an idle node costs. Every command is answered only when it is on the disks of a majority.
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

async function drive(client: PeerClient, leader: string, inFlight: number): Promise<Round> {
  const latencies: number[] = []
  const warmUntil = performance.now() + 500
  const end = warmUntil + seconds * 1_000
  const worker = async (): Promise<void> => {
    for (let turn = 0; ; turn++) {
      const sentAt = performance.now()
      if (sentAt >= end) return
      const response = await client.ask(leader, { type: 'propose', group: 1, commands: [commands[turn % commands.length] as Uint8Array] })
      if (response?.type !== 'proposed' || response.outcomes[0]?.type !== 'applied')
        throw new Error(`a command failed: ${JSON.stringify(response)}`)
      if (sentAt >= warmUntil) latencies.push(performance.now() - sentAt)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, worker))
  return { perSecond: latencies.length / seconds, p50Ms: percentile(latencies, 0.5), p99Ms: percentile(latencies, 0.99) }
}

/** Processor time of a process so far, in milliseconds: user and system, from /proc. */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * 10
}

async function idleShare(cluster: ProcessCluster): Promise<number[]> {
  const pids = cluster.nodes.map((node) => node.pid as number)
  const before = pids.map(cpuMs)
  const idleMs = 20_000
  await new Promise((resolve) => setTimeout(resolve, idleMs))
  return pids.map((pid, position) => (cpuMs(pid) - (before[position] as number)) / idleMs)
}

const results: Record<string, unknown> = {}
await using cluster = await ProcessCluster.start(['--log-level', 'warn'])
const leader = await cluster.settledLeader(1)
const status = await cluster.status(leader)
const client = new PeerClient(status.clusterId as string, [leader.options.address])
await until('the client is connected', async () => client.connected.length === 1)

for (const inFlight of [1, 16, 256]) {
  const measured: Round[] = []
  for (let round = 0; round < rounds; round++) measured.push(await drive(client, leader.options.id, inFlight))
  const row = {
    perSecond: spread(measured.map(({ perSecond }) => perSecond)),
    p50Ms: spread(measured.map(({ p50Ms }) => p50Ms)),
    p99Ms: spread(measured.map(({ p99Ms }) => p99Ms)),
  }
  results[`${inFlight} in flight`] = row
  const show = ({ min, median, max }: { min: number; median: number; max: number }, digits: number): string =>
    `${min.toFixed(digits)} / ${median.toFixed(digits)} / ${max.toFixed(digits)}`
  process.stdout.write(
    `${String(inFlight).padStart(4)} in flight: ${show(row.perSecond, 0)} commands/s, p50 ${show(row.p50Ms, 3)} ms, p99 ${show(row.p99Ms, 3)} ms\n`,
  )
}
await client.stop()
const idle = await idleShare(cluster)
results['idle'] = idle
process.stdout.write(`idle: ${idle.map((share) => `${(share * 100).toFixed(2)} %`).join(', ')} of a core per node\n`)
if (options.json !== undefined) writeFileSync(options.json, JSON.stringify(results, null, 2))
