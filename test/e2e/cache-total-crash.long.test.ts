import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Cache } from '#index.ts'
import { connect } from '#index.ts'
import { CacheCluster } from '#test/harness/cache-cluster.ts'
import type { NodeProcess } from '#test/harness/node-process.ts'
import { pause } from '#test/harness/promises/lane.ts'
import { until } from '#test/harness/until.ts'

const keysLeast = 200
/** Each writer writes that many in turns, and more often than once. */
const keysEach = 30

interface Acknowledged {
  readonly value: number
  readonly version: string
}

/** Writes keys of its own, one after the other. */
class Writer {
  readonly acknowledged = new Map<string, Acknowledged>()
  /** Nobody said what became of a write of these. */
  readonly doubtful = new Set<string>()
  readonly #name: string
  readonly #write: (key: string, value: number) => Promise<string>
  done = 0

  constructor(name: string, write: (key: string, value: number) => Promise<string>) {
    this.#name = name
    this.#write = write
  }

  async run(end: AbortSignal): Promise<void> {
    for (let value = 1; !end.aborted; value++) {
      const key = `${this.#name} ${value % keysEach}`
      try {
        this.acknowledged.set(key, { value, version: await this.#write(key, value) })
        this.done++
      } catch {
        this.doubtful.add(key)
      }
    }
  }
}

const byHttp = (cluster: CacheCluster, at: number) => async (key: string, value: number) => {
  const { status, body } = await cluster.write(cluster.nodes[at % 3] as NodeProcess, key, value, { ack: 'replicated' })
  assert.equal(status, 200)
  return (body as { readonly version: string }).version
}

const byLibrary = (cache: Cache<number>, signal: AbortSignal) => async (key: string, value: number) =>
  (await cache.set(key, value, { ack: 'replicated', signal })).version

/** What this node reads otherwise than it was acknowledged. */
async function different(cluster: CacheCluster, node: NodeProcess, sure: Iterable<readonly [string, Acknowledged]>): Promise<unknown[]> {
  const found: unknown[] = []
  for (const [key, acknowledged] of sure) {
    await until(
      `${node.id} reads ${key}`,
      async () => {
        const { status, body } = await cluster.read(node, key)
        // A home that was just elected is known to nobody.
        if (status > 404) return false
        const { value, version } = body as Acknowledged
        if (value !== acknowledged.value || version !== acknowledged.version)
          found.push({ node: node.id, key, acknowledged, value, version })
        return true
      },
      30_000,
    )
  }
  return found
}

test('killing all three cache nodes at once, under writes, loses nothing that was acknowledged as replicated: every value is there in its version', async (t) => {
  await using cluster = await CacheCluster.start()
  const urls = cluster.nodes.map(({ url }) => url)
  await using sync = await connect({ cache: urls, timeoutMs: 30_000 })
  const cache = await sync.cache<number>()
  const writers = [0, 1, 2, 3, 4, 5].map((at) => new Writer(`node ${at}`, byHttp(cluster, at)))
  const killing = new AbortController()
  for (const at of [0, 1]) writers.push(new Writer(`library ${at}`, byLibrary(cache, killing.signal)))
  const running = writers.map((writer) => writer.run(killing.signal))
  while (writers.some(({ done }) => done < 2 * keysEach)) await pause(1)
  killing.abort()
  for (const node of cluster.nodes) node.signal('SIGKILL')
  await Promise.all([...cluster.nodes.map((node) => node.ended()), ...running])

  const sure = writers.flatMap(({ acknowledged, doubtful }) => [...acknowledged].filter(([key]) => !doubtful.has(key)))
  assert.ok(sure.length >= keysLeast, `${sure.length} keys`)
  for (const node of cluster.nodes) node.start()
  await cluster.ready()
  const found = await Promise.all(cluster.nodes.map((node) => different(cluster, node, sure)))
  assert.deepEqual(found.flat(), [])
  const [writes, open] = [writers.reduce((sum, { done }) => sum + done, 0), writers.reduce((sum, { doubtful }) => sum + doubtful.size, 0)]
  t.diagnostic(`${sure.length} keys are as ${writes} writes were acknowledged; ${open} keys are in doubt`)
})
