import { setImmediate } from 'node:timers/promises'
import { percentile } from '#bench/kit/stats.ts'
import { Exclusion } from './exclusion.ts'
import type { LockClient, LockClients } from './lock-client.ts'

export interface Plan {
  /** Of the names of the locks; no two runs have the same. */
  readonly prefix: string
  readonly clients: number
  /** All clients want one lock, or each one of its own. */
  readonly hot: boolean
  readonly warmMs: number
  readonly measuredMs: number
}

export interface Measured {
  /** Taken and given back. */
  readonly pairsPerSecond: number
  /** From asking for a lock until it is given back. */
  readonly p50Ms: number
  readonly p99Ms: number
  /** Clients that never got a lock in the measured time, and the fewest and most pairs of one client. */
  readonly starved: number
  readonly fewest: number
  readonly most: number
  /** With those of the warm-up and of the end. */
  readonly allPairs: number
}

/** Every client takes and gives back until the time is over. Throws when anything was refused for good, or two held one lock at once. */
export async function drive(clients: LockClients, plan: Plan): Promise<Measured> {
  const all = await Promise.all(Array.from({ length: plan.clients }, (_, position) => clients.newClient(position)))
  const exclusion = new Exclusion()
  const from = performance.now() + plan.warmMs
  const until = from + plan.measuredMs
  const latencies: number[] = []
  const counts = all.map(() => 0)
  let allPairs = 0
  const work = async (client: LockClient, position: number): Promise<void> => {
    const name = `${plan.prefix}-${plan.hot ? 'hot' : position}`
    for (;;) {
      const askedAt = performance.now()
      if (askedAt >= until) return
      const held = await client.acquire(name, until)
      if (held === null) return
      exclusion.entered(name, held.token)
      // Held for a turn of the event loop, in which others may hear that they hold it.
      await setImmediate()
      exclusion.leaving(name)
      await held.release()
      allPairs++
      const doneAt = performance.now()
      if (doneAt < from || doneAt >= until) continue
      latencies.push(doneAt - askedAt)
      counts[position] = (counts[position] as number) + 1
    }
  }
  await Promise.all(all.map(work))
  return {
    pairsPerSecond: (latencies.length / plan.measuredMs) * 1_000,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    starved: counts.filter((count) => count === 0).length,
    fewest: Math.min(...counts),
    most: Math.max(...counts),
    allPairs,
  }
}
