import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cacheLimits } from '#core/cache/limits.ts'
import { CacheCluster } from '#test/harness/cache-cluster.ts'
import { median } from '#test/harness/median.ts'
import type { NodeProcess } from '#test/harness/node-process.ts'
import { PeerNetwork } from '#test/harness/peer-proxy.ts'
import { until } from '#test/harness/until.ts'

/** The longest wait for an election. */
const electionMs = 1_000
const leaseMs = cacheLimits.leaseMs + cacheLimits.marginMs
/** For looks of the home, the close in the log, and what a busy machine takes. Who waits for a lease more than it should waits for longer. */
const slackMs = leaseMs / 2
/** A machine that is busy for a moment makes one of them late, and a build that waits too long all. */
const trials = 3

/** A node that nobody hears, and that hears nobody but its own clients. */
interface Fault {
  readonly name: string
  readonly begin: (victim: NodeProcess, network: PeerNetwork) => void
  /** It answers again, and is cut off still. */
  readonly wake: (victim: NodeProcess) => void
}

const faults: readonly Fault[] = [
  { name: 'is cut off', begin: ({ id }, network) => network.cutOff(id), wake: () => {} },
  {
    name: 'is stopped, and cut off when it wakes',
    // Or what the others have said meanwhile would tell it at once: now only its lease keeps it from lying.
    begin: (victim, network) => {
      victim.signal('SIGSTOP')
      network.cutOff(victim.id)
    },
    wake: (victim) => victim.signal('SIGCONT'),
  },
]

interface Cast {
  readonly key: string
  readonly victim: NodeProcess
  readonly writer: NodeProcess
}

/** A key that has its home at the victim, or elsewhere. */
async function cast(cluster: CacheCluster, name: string, isHome: boolean): Promise<Cast> {
  const [victim, writer] = cluster.nodes as [NodeProcess, NodeProcess]
  for (let number = 0; ; number++) {
    const key = `${name} ${number}`
    if (((await cluster.homeOf(key)) === victim) === isHome) return { key, victim, writer }
  }
}

const valueIn = (body: unknown): unknown => (body as { readonly value?: unknown }).value

/** Again, where a home is looked for; resolves with how long that took. */
async function written(cluster: CacheCluster, { writer, key }: Cast, value: string): Promise<number> {
  const from = performance.now()
  await until(`${key} is written`, async () => (await cluster.write(writer, key, value)).status === 200, 20_000)
  return performance.now() - from
}

const title = 'a cache node that nobody hears refuses rather than answer something stale, and holds up writers elsewhere for one lease'

test(title, { timeout: 280_000 }, async (context) => {
  const network = new PeerNetwork()
  await using owner = new AsyncDisposableStack()
  const cluster = await CacheCluster.proxied(network, owner)

  /** How long a writer elsewhere waits. */
  const waitUnder = async ({ name, begin, wake }: Fault, isHome: boolean, trial: number): Promise<number> => {
    await cluster.settled(1_500, 60_000)
    const all = await cast(cluster, `${name} ${isHome} ${trial}`, isHome)
    const { key, victim } = all
    await written(cluster, all, 'before')
    assert.equal(valueIn((await cluster.read(victim, key)).body), 'before')
    assert.notEqual(await cluster.stateOf(victim, key), 'I', 'it has a copy')

    begin(victim, network)
    const waitedMs = await written(cluster, all, 'after')
    const asked = cluster.read(victim, key)
    wake(victim)
    const { status, body } = await asked
    assert.ok(status >= 500, `${status} ${JSON.stringify(body)}`)

    network.heal()
    await until('it answers again', async () => (await cluster.read(victim, key)).status === 200, 20_000)
    assert.equal(valueIn((await cluster.read(victim, key)).body), 'after')
    return waitedMs
  }

  for (const fault of faults) {
    for (const isHome of [false, true]) {
      await context.test(`which ${fault.name} and is ${isHome ? '' : 'not '}the home`, async (t) => {
        const waits: number[] = []
        for (let trial = 1; trial <= trials; trial++) waits.push(await waitUnder(fault, isHome, trial))
        t.diagnostic(`writers elsewhere waited ${waits.map((ms) => ms.toFixed(0)).join(', ')} ms`)
        // A new home waits for nobody (decision C3).
        const longestMs = (isHome ? electionMs : leaseMs) + slackMs
        assert.ok(median(waits) < longestMs, `${waits.join(', ')} ms`)
      })
    }
  }
})
