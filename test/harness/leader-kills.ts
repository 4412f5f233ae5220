import { CounterLoad } from './counter-load.ts'
import type { LoadTotals } from './counter-load.ts'
import { ProcessCluster } from './process-cluster.ts'

export interface LeaderKill {
  /** Which one, from 1. */
  readonly kill: number
  readonly victim: string
  /** From the kill to the first answer to a command that was sent after it. */
  readonly recoveryMs: number
  /** From its new start until the killed node had everything again. */
  readonly caughtUpMs: number
}

export interface LeaderKillsOutcome {
  readonly kills: readonly LeaderKill[]
  readonly totals: LoadTotals
  /** Promises that were broken. */
  readonly wrong: readonly string[]
}

/** The upper election time-out of the default timing, by which recovery is judged. */
const electionMaxMs = 1_000

const group = 1

/** Kills whoever leads, again and again, under load; the victim comes back each time. Ends by comparing the counters on every node. */
export async function runLeaderKills(kills: number, report: (kill: LeaderKill) => void): Promise<LeaderKillsOutcome> {
  await using cluster = await ProcessCluster.start(['--log-level', 'warn'])
  await using load = new CounterLoad({ clients: 6, nodes: () => cluster.running })
  const done: LeaderKill[] = []
  load.start()
  for (let kill = 1; kill <= kills; kill++) {
    await load.progress(20)
    const outcome = { kill, ...(await killLeader(cluster, load)) }
    done.push(outcome)
    report(outcome)
  }
  await load.stop()
  const wrong: string[] = []
  for (const node of cluster.nodes) wrong.push(...(await load.check(node)))
  return { kills: done, totals: load.totals, wrong: [...new Set(wrong)] }
}

async function killLeader(cluster: ProcessCluster, load: CounterLoad): Promise<Omit<LeaderKill, 'kill'>> {
  const victim = await cluster.settledLeader(group, 200)
  const killedAt = performance.now()
  victim.signal('SIGKILL')
  const recoveredAt = await load.acknowledgedAfter(killedAt, 30_000)
  await victim.ended()
  const startedAt = performance.now()
  victim.start()
  await cluster.ready()
  await cluster.caughtUp(victim, group)
  return { victim: victim.id, recoveryMs: recoveredAt - killedAt, caughtUpMs: performance.now() - startedAt }
}

export interface Summary {
  readonly min: number
  readonly median: number
  readonly p95: number
  readonly max: number
}

export function summaryOf(values: readonly number[]): Summary {
  const sorted = values.toSorted((left, right) => left - right)
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? NaN
  return { min: sorted[0] ?? NaN, median: at(0.5), p95: at(0.95), max: sorted.at(-1) ?? NaN }
}

export function summaryLine({ min, median, p95, max }: Summary): string {
  const [a, b, c, d] = [min, median, p95, max].map((value) => value.toFixed(0))
  return `min ${a} ms, median ${b} ms, p95 ${c} ms, max ${d} ms`
}

/** At least 95 % of the kills, and of a few kills all but one. */
export function recoversInTime(recoveries: readonly number[]): boolean {
  const late = recoveries.filter((recoveryMs) => recoveryMs > 2 * electionMaxMs).length
  return late <= Math.max(1, Math.floor(recoveries.length * 0.05))
}
