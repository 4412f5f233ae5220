import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { hold } from '#bench/contest/contest.ts'
import type { User } from '#bench/contest/contest.ts'
import { LoadProcess } from '#bench/contest/load-process.ts'
import { peersNamed } from '#bench/contest/peers.ts'
import type { Row } from '#bench/contest/row.ts'
import { cpuMs } from '#bench/kit/processor-time.ts'
import type { ClientKind } from '#bench/locks/clients/kinds.ts'
import type { Plan } from '#bench/locks/drive.ts'
import type { LoadRun } from '#bench/locks/load.ts'
import { columnsOf } from '#bench/locks/results.ts'
import type { Run } from '#bench/locks/results.ts'
import { enter, peers } from '#bench/locks/rows.ts'

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
/** Besides the measured time: to connect, to warm up, and for those who still wait at the end. */
const moreMs = 60_000

type Workload = Pick<Plan, 'clients' | 'hot'>

const titleOf = ({ clients, hot }: Workload): string => (hot ? `one hot lock, ${clients} clients` : `a lock each, ${clients} clients`)

const measuredMs = Number(options.seconds) * 1_000
const warmMs = Math.min(warmMsMax, measuredMs)

function userOf(row: Row<ClientKind>, cleanup: AsyncDisposableStack): User<Workload, Run> {
  const program = join(import.meta.dirname, 'locks', 'load.ts')
  const load = cleanup.use(new LoadProcess<Plan, LoadRun>(program, [row.kind, ...row.addresses]))
  const carryOut = (plan: Plan): Promise<LoadRun> => load.run(plan, plan.warmMs + plan.measuredMs + moreMs)
  const serversMs = (): number => row.pids.reduce((sum, pid) => sum + cpuMs(pid), 0)
  return {
    warmUp: () => carryOut({ prefix: 'warm', clients: hotClients, hot: false, warmMs: 0, measuredMs: warmMs * 3 }),
    measure: async (workload, round) => {
      const prefix = `lock-${workload.hot ? 'hot' : workload.clients}-${round}`
      const before = serversMs()
      const { measured, cpuMs: clientMs } = await carryOut({ ...workload, prefix, warmMs, measuredMs })
      const perPair = (ms: number): number => (ms * 1_000) / measured.allPairs
      return { ...measured, serversUs: perPair(serversMs() - before), clientUs: perPair(clientMs) }
    },
  }
}

await hold<ClientKind, Workload, Run>({
  enter: (cleanup, say) => enter(peersNamed(options.vs, peers), cleanup, say),
  workloads: [
    ...options.clients.split(',').map((clients) => ({ clients: Number(clients), hot: false })),
    { clients: hotClients, hot: true },
  ],
  rounds: Number(options.rounds),
  titleOf,
  takesPart: () => true,
  userOf,
  comparing: { rateOf: ({ pairsPerSecond }) => pairsPerSecond, with: ['peer'] },
  columnsOf: ({ hot }) => columnsOf(hot),
  json: options.json,
})
