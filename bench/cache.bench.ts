import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { ClientKind } from '#bench/caches/clients/kinds.ts'
import type { Measured, Plan } from '#bench/caches/drive.ts'
import { goalsOf } from '#bench/caches/goals.ts'
import { growthOf } from '#bench/caches/growth.ts'
import { columnsOf } from '#bench/caches/results.ts'
import { enter, peers, takesPart } from '#bench/caches/rows.ts'
import { keyCountsOf, usualKeys, workloadNames, workloadsNamed } from '#bench/caches/workloads.ts'
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
 * With several numbers of keys it tells how much that changes. All keys are written before, for at most `--fill` seconds; with fewer the run says so.
 *
 *     npm run bench -- cache --vs memory,lru-cache,bentocache,node-redis,redis --seconds 5 --rounds 3 --workloads hit,stale --json FILE
 *     npm run bench -- cache --vs none --workloads here,hit,set --keys 1,10000,1000000 --fill 60
 *     npm run bench -- cache --workloads stale,stale-apart --pairs 100000
 */
const { values: options } = parseArgs({
  options: {
    vs: { type: 'string', default: peers.join(',') },
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '3' },
    workloads: { type: 'string', default: workloadNames.join(',') },
    keys: { type: 'string', default: String(usualKeys) },
    fill: { type: 'string', default: '60' },
    pairs: { type: 'string', default: '100000' },
    json: { type: 'string' },
  },
})
const warmMsMax = 1_000
/** Besides the measured time and that for keys before it: to read them after. */
const moreMs = 120_000
/** For as many pairs as are wanted, where that takes longer than what is measured. */
const pairsMs = 100_000

const measuredMs = Number(options.seconds) * 1_000
const warmMs = Math.min(warmMsMax, measuredMs)
const fillMs = Number(options.fill) * 1_000
const pairs = Number(options.pairs)

function userOf(row: Row<ClientKind>, cleanup: AsyncDisposableStack): User<Workload, Measured> {
  const program = join(import.meta.dirname, 'caches', 'load.ts')
  const load = cleanup.use(new LoadProcess<Plan, Measured>(program, [row.kind, ...row.addresses]))
  let runs = 0
  const carryOut = async ({ work, calls, keys, apart }: Workload, wanted = { pairs }): Promise<Measured> => {
    // Two rows may be clients of the same service.
    const ofRow = { prefix: `${row.kind}-${++runs}`, mayLose: row.kind === 'http-owner', pids: row.pids }
    const plan: Plan = { work, calls, keys, apart, ...wanted, ...ofRow, fillMs, pairsMs, warmMs, measuredMs }
    const measured = await load.run(plan, fillMs + warmMs + measuredMs + moreMs)
    if (row.role === 'ours' && measured.stale > 0) throw new Error(`${row.name}: ${measured.stale} of ${measured.probes} reads were stale`)
    return measured
  }
  return {
    warmUp: async () => {
      const first = workloadsNamed(workloadNames.join(',')).find((workload) => takesPart(row, workload))
      if (first !== undefined) await carryOut(first, { pairs: 0 })
    },
    measure: (workload) => carryOut(workload),
  }
}

await hold<ClientKind, Workload, Measured>({
  enter: (cleanup, say) => enter(peersNamed(options.vs, peers), cleanup, say),
  workloads: workloadsNamed(options.workloads, keyCountsOf(options.keys)),
  rounds: Number(options.rounds),
  titleOf: ({ title }) => title,
  takesPart,
  userOf,
  comparing: { rateOf: ({ perSecond }) => perSecond, with: ['peer', 'shown'] },
  columnsOf,
  goalsOf,
  acrossOf: growthOf,
  json: options.json,
})
