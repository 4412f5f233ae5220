import { connect } from '#index.ts'
import type { Cache, Lockstep } from '#index.ts'
import { serveLoad } from '#bench/contest/load-server.ts'
import { liveBytes } from '#test/harness/live-bytes.ts'

/**
 * Agents of our library, as many as it is told to make.
 *
 *     node agents.ts ADDRESS...
 */
export type Order =
  /** Resolves when each of so many agents more knows its homes. */
  | { readonly type: 'join'; readonly agents: number }
  /** Every agent reads; resolves with how many got another value, and how many none in time. */
  | { readonly type: 'read'; readonly key: string; readonly expected: string; readonly withinMs: number }
  /** One more agent, for as long as that takes, writes so many keys and has their lines then; resolves with the memory that each takes which was kept. */
  | { readonly type: 'keep'; readonly lines: number; readonly value: string }

export type Told =
  | { readonly others: number; readonly late: number }
  | { readonly joined: number }
  | { readonly bytes: number; readonly kept: number }

const addresses = process.argv.slice(2)
/** To write and to read keys. */
const batch = 200
const warmUp = 5_000

const all: Cache<string>[] = []
let lockstep: Lockstep | null = null

serveLoad(async (order: Order): Promise<Told> => {
  lockstep ??= await connect({ cache: addresses.map((address) => `http://${address}`), timeoutMs: 60_000 })
  switch (order.type) {
    case 'join':
      return { joined: await join(lockstep, order.agents) }
    case 'read': {
      const { key, expected, withinMs } = order
      const reads = await Promise.allSettled(all.map((cache) => cache.get(key, { timeoutMs: withinMs })))
      const others = reads.filter((read) => read.status === 'fulfilled' && read.value !== expected).length
      return { others, late: reads.filter(({ status }) => status === 'rejected').length }
    }
    case 'keep': {
      await using cache = await lockstep.cache<string>()
      return await keep(cache, order)
    }
  }
})

/** One that cannot in time is not there; how many could. */
async function join(by: Lockstep, agents: number): Promise<number> {
  const joined = await Promise.allSettled(Array.from({ length: agents }, () => by.cache<string>()))
  for (const one of joined) if (one.status === 'fulfilled') all.push(one.value)
  return joined.filter(({ status }) => status === 'fulfilled').length
}

async function keep(cache: Cache<string>, { lines, value }: Extract<Order, { readonly type: 'keep' }>): Promise<Told> {
  // Compiled code and tables take memory too, once.
  await fill(cache, { prefix: 'warm', lines: warmUp, value })
  const had = cache.statistics().lines
  const before = liveBytes()
  await fill(cache, { prefix: 'line', lines, value })
  const kept = cache.statistics().lines - had
  return { bytes: (liveBytes() - before) / kept, kept }
}

interface Filling {
  readonly prefix: string
  readonly lines: number
  readonly value: string
}

/** Writes keys, and reads those whose line has gone: where processors are few a lease may end, and with it what is known of a write. */
async function fill(cache: Cache<string>, { prefix, lines, value }: Filling): Promise<void> {
  const keys = Array.from({ length: lines }, (_, at) => `${prefix}:${at}`)
  for (let from = 0; from < lines; from += batch) {
    const entries = keys.slice(from, from + batch).map((key): [string, string] => [key, value])
    for (const [at, result] of (await cache.setMany(entries)).entries()) if (!result.ok) await cache.set(...(entries[at] ?? ['', value]))
  }
  for (let from = 0; from < lines; from += batch) await cache.getMany(keys.slice(from, from + batch))
}
