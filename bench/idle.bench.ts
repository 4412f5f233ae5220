import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { BareCluster } from '#bench/kit/bare-cluster.ts'
import { cpuMs } from '#bench/kit/processor-time.ts'
import { spread } from '#bench/kit/stats.ts'
import { ProcessCluster } from '#test/harness/process-cluster.ts'

/**
 * What a node costs that has nothing to do, beside three bare processes that say hello to each other as often (see kit/bare-node.ts), both at
 * the same time. Processor time of the whole process, user and system.
 */
const { values: options } = parseArgs({
  options: { seconds: { type: 'string', default: '20' }, rounds: { type: 'string', default: '3' }, json: { type: 'string' } },
})
const seconds = Number(options.seconds)
/** Until then V8 still compiles what runs often. */
const settleMs = 30_000

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => void setTimeout(resolve, ms))
}

async function shares(pids: readonly number[]): Promise<number[]> {
  const before = pids.map(cpuMs)
  await pause(seconds * 1_000)
  return pids.map((pid, position) => (cpuMs(pid) - (before[position] as number)) / (seconds * 1_000))
}

await using cluster = await ProcessCluster.start(['--log-level', 'warn'])
await cluster.settledLeader(1)
const bare = await BareCluster.start(cluster.folder)
await pause(settleMs)
const rounds: { readonly ours: number; readonly bare: number }[] = []
const percent = (share: number): string => `${(share * 100).toFixed(2)} %`
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
for (let round = 0; round < Number(options.rounds); round++) {
  const [ours, theirs] = await Promise.all([shares(cluster.nodes.map(({ pid }) => pid as number)), shares(bare.pids)])
  process.stdout.write(`ours ${ours.map(percent).join(', ')}; bare ${theirs.map(percent).join(', ')}\n`)
  rounds.push({ ours: mean(ours), bare: mean(theirs) })
}
bare.stop()
const results = {
  ours: spread(rounds.map((round) => round.ours)),
  bare: spread(rounds.map((round) => round.bare)),
  ratio: spread(rounds.map((round) => round.ours / round.bare)),
}
const { ours, ratio } = results
process.stdout.write(`an idle node: ${percent(ours.min)} / ${percent(ours.median)} / ${percent(ours.max)} of a core, `)
process.stdout.write(`${ratio.median.toFixed(1)} times a bare one at ${percent(results.bare.median)}\n`)
if (options.json !== undefined) writeFileSync(options.json, JSON.stringify(results, null, 2))
