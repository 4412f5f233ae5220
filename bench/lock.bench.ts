import { statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { parseArgs } from 'node:util'
import { cpuMs } from '#bench/kit/processor-time.ts'
import { LoadProcess } from '#bench/locks/load-process.ts'
import type { Plan } from '#bench/locks/drive.ts'
import { linesOf, tableOf } from '#bench/locks/results.ts'
import type { Line, Run } from '#bench/locks/results.ts'
import { peers, startContest } from '#bench/locks/rows.ts'
import type { Peer, Row } from '#bench/locks/rows.ts'

/**
 * Locks, ours beside those of others: how many are taken and given back per second. Everything runs on this machine, and in turns, so only the
 * ratios mean much. A lock that does not exclude, or an answer that was not to be expected, fails the bench.
 *
 *     npm run bench -- lock --vs etcd,redlock,redis --seconds 5 --rounds 3 --clients 1,16,64,256 --json FILE
 */
const { values: options } = parseArgs({
  options: {
    vs: { type: 'string', default: peers.join(',') },
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '3' },
    clients: { type: 'string', default: '1,16,64,256' },
    json: { type: 'string' },
  },
})
const hotClients = 64
const warmMsMax = 1_000
const tmpfs = 0x0102_1994

function wantedPeers(): ReadonlySet<Peer> {
  const names = options.vs.split(',').filter((name) => name !== '' && name !== 'none')
  const unknown = names.filter((name) => !(peers as readonly string[]).includes(name))
  if (unknown.length > 0) throw new Error(`there is no peer called ${unknown.join(', ')}; there are ${peers.join(', ')}, none`)
  return new Set(names as Peer[])
}

type Workload = Pick<Plan, 'clients' | 'hot'>

const titleOf = ({ clients, hot }: Workload): string => (hot ? `one hot lock, ${clients} clients` : `a lock each, ${clients} clients`)

async function measure(row: Row, load: LoadProcess, plan: Plan): Promise<Run> {
  const serversMs = (): number => row.pids.reduce((sum, pid) => sum + cpuMs(pid), 0)
  const before = serversMs()
  const { measured, cpuMs: clientMs } = await load.run(plan)
  const perPair = (ms: number): number => (ms * 1_000) / measured.allPairs
  return { ...measured, serversUs: perPair(serversMs() - before), clientUs: perPair(clientMs) }
}

const interrupted = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => interrupted.abort(new Error(`stopped by ${signal}`)))
}
const whenInterrupted = new Promise<never>((_resolve, reject) => {
  interrupted.signal.addEventListener('abort', () => reject(interrupted.signal.reason as Error))
})
whenInterrupted.catch(() => {})

const progress = (text: string): void => void (process.stderr.isTTY && process.stderr.write(`\r\u001B[K${text}`))

async function contest(cleanup: AsyncDisposableStack): Promise<void> {
  const measuredMs = Number(options.seconds) * 1_000
  const warmMs = Math.min(warmMsMax, measuredMs)
  const workloads: readonly Workload[] = [
    ...options.clients.split(',').map((clients) => ({ clients: Number(clients), hot: false })),
    { clients: hotClients, hot: true },
  ]
  if (statfsSync(tmpdir()).type === tmpfs) console.log(`${tmpdir()} is in memory: nothing here is durable, whoever says so`)
  const { rows, settings } = await startContest(wantedPeers(), cleanup, console.log)
  const loads = rows.map((row) => [row, cleanup.use(new LoadProcess(row.kind, row.addresses))] as const)
  console.log((await settings()).join('\n'))

  // Compilers that work while the program runs, as ours does, must have seen what is measured.
  for (const [row, load] of loads) {
    progress(`warming up: ${row.name}`)
    const plan = { prefix: 'warm', clients: hotClients, hot: false, warmMs: 0, measuredMs: warmMs * 3 }
    await Promise.race([load.run(plan), whenInterrupted])
  }
  const results: Record<string, readonly Line[]> = {}
  for (const workload of workloads) {
    const rounds = new Map<Row, Run[]>(rows.map((row) => [row, []]))
    for (let round = 1; round <= Number(options.rounds); round++) {
      for (const [row, load] of loads) {
        interrupted.signal.throwIfAborted()
        progress(`${titleOf(workload)}, round ${round} of ${options.rounds}: ${row.name}`)
        const prefix = `lock-${workload.hot ? 'hot' : workload.clients}-${round}`
        rounds.get(row)?.push(await Promise.race([measure(row, load, { ...workload, prefix, warmMs, measuredMs }), whenInterrupted]))
      }
    }
    progress('')
    const lines = linesOf(rounds)
    results[titleOf(workload)] = lines
    console.log(`\n## ${titleOf(workload)}\n\n${tableOf(lines, workload.hot)}`)
  }
  const settled = await settings()
  console.log(`\n${settled.join('\n')}`)
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify({ settings: settled, results }, null, 2)}\n`)
}

try {
  await using cleanup = new AsyncDisposableStack()
  await contest(cleanup)
} catch (error) {
  progress('')
  console.error(error)
  process.exitCode = 1
}
