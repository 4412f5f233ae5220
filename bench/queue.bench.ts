import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { hold } from '#bench/contest/contest.ts'
import type { User } from '#bench/contest/contest.ts'
import { LoadProcess } from '#bench/contest/load-process.ts'
import { peersNamed } from '#bench/contest/peers.ts'
import type { Row } from '#bench/contest/row.ts'
import type { ClientKind } from '#bench/queues/clients/kinds.ts'
import type { Measured, Plan } from '#bench/queues/drive.ts'
import { goalsOf } from '#bench/queues/goals.ts'
import { columnsOf } from '#bench/queues/results.ts'
import { enter, peers, takesPart } from '#bench/queues/rows.ts'
import type { Workload } from '#bench/queues/workloads.ts'
import { workloads, workloadsNamed } from '#bench/queues/workloads.ts'

/**
 * Queues, ours beside those of others: how many messages of 256 bytes are sent, and consumed and acked, per second. Everything runs on this
 * machine, and in turns, so only the ratios mean much. A row that loses a message, or whose message is not what was sent, has failed; the others are measured
 * to the end, and the bench has failed too.
 *
 *     npm run bench -- queue --vs rabbitmq,jetstream,bullmq --seconds 5 --rounds 3 --workloads produce,consume --json FILE
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
const patienceMs = 30_000
/** Besides the measured time: to fill queues before, and to empty them after. Who takes longer has failed, and the others go on. */
const moreMs = 120_000
/** No run makes more messages. */
const numbersOfRun = 10_000_000
/** So many messages are sent in a run at most: they have to be consumed too, and each is looked at. */
const messagesMax = 400_000
/** How many are there to be consumed, to find out how fast a row is. */
const trialPrefill = 2_000
const trialMs = 30_000
/** A row may be faster than it was before. */
const reserve = 1.5

const measuredMs = Number(options.seconds) * 1_000
const warmMs = Math.min(warmMsMax, measuredMs)

function userOf(row: Row<ClientKind>, cleanup: AsyncDisposableStack): User<Workload, Measured> {
  const program = join(import.meta.dirname, 'queues', 'load.ts')
  const load = cleanup.use(new LoadProcess<Plan, Measured>(program, [row.kind, ...row.addresses]))
  const rates = new Map<Workload, number>()
  let runs = 0
  const carryOut = (plan: Omit<Plan, 'queue' | 'first' | 'messagesMax' | 'patienceMs' | 'pids'>): Promise<Measured> => {
    // Two rows may be clients of the same service.
    const unique = { queue: `bench-${row.kind}-${++runs}`, first: runs * numbersOfRun }
    return load.run({ ...plan, ...unique, messagesMax, patienceMs, pids: row.pids }, plan.warmMs + plan.measuredMs + moreMs)
  }
  const prefillFor = async (workload: Workload): Promise<number> => {
    if (workload.work !== 'consume') return 0
    const rate = rates.get(workload) ?? (await carryOut({ ...workload, prefill: trialPrefill, warmMs: 0, measuredMs: trialMs })).perSecond
    return Math.max(trialPrefill, Math.min(messagesMax, Math.ceil((rate * reserve * (warmMs + measuredMs)) / 1_000)))
  }
  return {
    warmUp: () => carryOut({ work: 'both', calls: 64, batch: 1, prefill: 0, warmMs: 0, measuredMs: warmMs * 3 }),
    measure: async (workload) => {
      const measured = await carryOut({ ...workload, prefill: await prefillFor(workload), warmMs, measuredMs })
      rates.set(workload, measured.perSecond)
      return measured
    },
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
  goalsOf,
  json: options.json,
})
