import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { ClientKind } from '#bench/caches/clients/kinds.ts'
import type { Measured, Plan } from '#bench/caches/drive.ts'
import { columnsOf } from '#bench/caches/results.ts'
import { enter, peers, takesPart } from '#bench/caches/rows.ts'
import { workloads, workloadsNamed } from '#bench/caches/workloads.ts'
import type { Workload } from '#bench/caches/workloads.ts'
import { hold } from '#bench/contest/contest.ts'
import type { User } from '#bench/contest/contest.ts'
import { LoadProcess } from '#bench/contest/load-process.ts'
import { peersNamed } from '#bench/contest/peers.ts'
import type { Row } from '#bench/contest/row.ts'

/**
 * Caches, ours beside those of others: how many values of 100 bytes are read and written per second, and how many reads that began after a write
 * was confirmed got an older value. Everything runs on this machine, and in turns, so only the ratios mean much. A lost or wrong value fails the
 * bench, and so does a stale one of ours.
 *
 *     npm run bench -- cache --vs memory,lru-cache,bentocache,node-redis,redis --seconds 5 --rounds 3 --workloads hit,stale --json FILE
 */
const { values: options } = parseArgs({
  options: {
    vs: { type: 'string', default: peers.join(',') },
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '3' },
    workloads: { type: 'string', default: workloads.map(({ name }) => name).join(',') },
    json: { type: 'string' },
  },
})
const warmMsMax = 1_000
/** Besides the measured time: to write keys before, and to read them after. */
const moreMs = 120_000

const measuredMs = Number(options.seconds) * 1_000
const warmMs = Math.min(warmMsMax, measuredMs)

function userOf(row: Row<ClientKind>, cleanup: AsyncDisposableStack): User<Workload, Measured> {
  const program = join(import.meta.dirname, 'caches', 'load.ts')
  const load = cleanup.use(new LoadProcess<Plan, Measured>(program, [row.kind, ...row.addresses]))
  let runs = 0
  const carryOut = async ({ work, calls }: Pick<Plan, 'work' | 'calls'>): Promise<Measured> => {
    // Two rows may be clients of the same service.
    const plan: Plan = { work, calls, prefix: `${row.kind}-${++runs}`, warmMs, measuredMs, pids: row.pids }
    const measured = await load.run(plan, warmMs + measuredMs + moreMs)
    if (row.role === 'ours' && measured.stale > 0) throw new Error(`${row.name}: ${measured.stale} of ${measured.probes} reads were stale`)
    return measured
  }
  return {
    warmUp: () => carryOut(workloads.find((workload) => takesPart(row, workload)) ?? { work: 'set', calls: 64 }),
    measure: carryOut,
  }
}

await hold<ClientKind, Workload, Measured>({
  enter: (cleanup, say) => enter(peersNamed(options.vs, peers), cleanup, say),
  workloads: workloadsNamed(options.workloads),
  rounds: Number(options.rounds),
  titleOf: ({ title }) => title,
  takesPart,
  userOf,
  comparing: { rateOf: ({ perSecond }) => perSecond, with: ['peer', 'shown'] },
  columnsOf,
  json: options.json,
})
