import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cacheLimits } from '#core/cache/limits.ts'
import { CacheCluster } from '#test/harness/cache-cluster.ts'
import type { NodeProcess } from '#test/harness/node-process.ts'
import { PeerNetwork } from '#test/harness/peer-proxy.ts'
import { until } from '#test/harness/until.ts'

/** The longest wait for an election. */
const electionMs = 1_000
/** For looks of the home, the close in the log, and what a busy machine takes. */
const slackMs = 2_000

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

test('a cache node that nobody hears refuses rather than answer something stale, and holds up writers elsewhere for one lease', async (context) => {
  const network = new PeerNetwork()
  await using owner = new AsyncDisposableStack()
  const cluster = await CacheCluster.proxied(network, owner)
  for (const { name, begin, wake } of faults) {
    for (const isHome of [false, true]) {
      await context.test(`which ${name} and is ${isHome ? '' : 'not '}the home`, async (t) => {
        await cluster.settled(1_500, 60_000)
        const all = await cast(cluster, `${name} ${isHome}`, isHome)
        const { key, victim } = all
        await written(cluster, all, 'before')
        const { body } = await cluster.read(victim, key)
        assert.equal(valueIn(body), 'before')
        assert.notEqual(await cluster.stateOf(victim, key), 'I', 'it has a copy')

        begin(victim, network)
        const waitedMs = await written(cluster, all, 'after')
        t.diagnostic(`a writer elsewhere waited ${waitedMs.toFixed(0)} ms`)
        const leaseMs = cacheLimits.leaseMs + cacheLimits.marginMs
        assert.ok(waitedMs < leaseMs + (isHome ? electionMs : 0) + slackMs, `${waitedMs} ms`)
        const asked = cluster.read(victim, key)
        wake(victim)
        const { status, body: told } = await asked
        t.diagnostic(`and it answered ${status} ${JSON.stringify(told)}`)
        assert.ok(status >= 500, `${status} ${JSON.stringify(told)}`)

        network.heal()
        await until('it answers again', async () => (await cluster.read(victim, key)).status === 200, 20_000)
        assert.equal(valueIn((await cluster.read(victim, key)).body), 'after')
      })
    }
  }
})
