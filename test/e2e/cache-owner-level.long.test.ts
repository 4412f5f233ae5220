import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { cacheLimits } from '#core/cache/limits.ts'
import { connect } from '#index.ts'
import { CacheCluster } from '#test/harness/cache-cluster.ts'
import type { NodeProcess } from '#test/harness/node-process.ts'
import { PeerNetwork } from '#test/harness/peer-proxy.ts'
import { pause } from '#test/harness/promises/lane.ts'
import { until } from '#test/harness/until.ts'

const program = join(import.meta.dirname, '..', 'harness', 'sdk-cache-owner.ts')
/** Beside the flush window, for the way into the log on a machine that does much else. A value that nobody flushes is older than both. */
const slackMs = 2_500
const writeMs = 8_000

interface Owner extends AsyncDisposable {
  readonly child: ChildProcess
  readonly lines: AsyncIterator<string>
}

/** Another process that writes at the level `owner`. */
function owner(cluster: CacheCluster, mode: 'endless' | 'stopping', keys: readonly string[]): Owner {
  const urls = cluster.nodes.map(({ url }) => url).join()
  const child = spawn(process.execPath, [program, urls, mode, ...keys], { stdio: ['ignore', 'pipe', 'inherit'] })
  const closed = once(child, 'close')
  return {
    child,
    lines: createInterface({ input: child.stdout })[Symbol.asyncIterator](),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL')
      await closed
    },
  }
}

/** 0 where there is none; asked again where a home is looked for. */
async function valueAt(cluster: CacheCluster, node: NodeProcess, key: string): Promise<number> {
  let value = 0
  await until(
    `${node.id} reads ${key}`,
    async () => {
      const { status, body } = await cluster.read(node, key)
      value = (body as { readonly value?: number | null }).value ?? 0
      return status <= 404
    },
    30_000,
  )
  return value
}

const valuesAt = async (cluster: CacheCluster, node: NodeProcess, keys: readonly string[]): Promise<Readonly<Record<string, number>>> => {
  const values: Record<string, number> = {}
  for (const key of keys) values[key] = await valueAt(cluster, node, key)
  return values
}

/** Everybody's reads of keys that one process counts up: none is less than what anybody had read before it began. */
class Readers {
  readonly seen = new Map<string, number>()
  readonly wrong: string[] = []
  reads = 0
  #running = true
  readonly #tasks: Promise<unknown>

  constructor(readers: readonly ((key: string) => Promise<number>)[], keys: readonly string[]) {
    this.#tasks = Promise.all(readers.map((read) => this.#run(read, keys)))
  }

  async stop(): Promise<void> {
    this.#running = false
    await this.#tasks
  }

  async #run(read: (key: string) => Promise<number>, keys: readonly string[]): Promise<void> {
    let turn = 0
    while (this.#running) {
      const key = keys[turn++ % keys.length] as string
      const before = this.seen.get(key) ?? 0
      const value = await read(key)
      this.reads++
      if (value < before) this.wrong.push(`${key}: ${value} after ${before}`)
      this.seen.set(key, Math.max(value, this.seen.get(key) ?? 0))
      await pause(5)
    }
  }
}

const windowMs = cacheLimits.flushMs + slackMs

interface Written {
  readonly key: string
  readonly value: number
  readonly owned: boolean
  readonly at: number
}

/** Written at the level owner, and so long ago that it must be there. */
const isOld =
  (now: number) =>
  ({ owned, at }: Written): boolean =>
    owned && now - at > windowMs

test('a process that is killed loses of what it wrote at the level owner only what is younger than the flush window, and nothing that anybody has read', async (t) => {
  await using cluster = await CacheCluster.start()
  await using sync = await connect({ cache: cluster.nodes.map(({ url }) => url), timeoutMs: 30_000 })
  const cache = await sync.cache<number>()
  const [watched, unwatched] = [
    ['w0', 'w1', 'w2'],
    ['u0', 'u1', 'u2', 'u3', 'u4'],
  ]
  const keys = [...watched, ...unwatched]
  await using writing = owner(cluster, 'endless', keys)
  const written: Written[] = []
  const heard = (async () => {
    for (let next = await writing.lines.next(); next.done !== true; next = await writing.lines.next())
      written.push(JSON.parse(next.value) as Written)
  })()
  const byHttp = cluster.nodes.map((node) => (key: string) => valueAt(cluster, node, key))
  const readers = new Readers([...byHttp, async (key) => (await cache.get(key)) ?? 0], watched)
  await until('it writes', () => written.length > 0, 30_000)
  const before = Date.now()
  const isEnough = (): boolean => Date.now() - before > writeMs && written.filter(isOld(Date.now())).length > 100 && readers.reads > 100
  await until('it has written and others have read', isEnough, 90_000)
  const killedAt = Date.now()
  writing.child.kill('SIGKILL')
  await heard
  // Until its leases are over nobody can tell.
  const [first, ...others] = await Promise.all(cluster.nodes.map((node) => valuesAt(cluster, node, keys)))
  await pause(500)
  await readers.stop()

  for (const other of others) assert.deepEqual(other, first)
  assert.deepEqual(readers.wrong, [])
  for (const [key, value] of readers.seen) assert.ok((first?.[key] ?? 0) >= value, `${value} of ${key} was read, and is gone`)
  const isThere = ({ key, value }: Written): boolean => (first?.[key] ?? 0) >= value
  assert.deepEqual(
    written.filter((one) => !isThere(one)).filter(({ at }) => killedAt - at > windowMs),
    [],
  )
  for (const key of keys) assert.ok((first?.[key] ?? 0) <= Math.max(...written.map(({ value }) => value)) + 1, `${key} was never written`)
  const owned = written.filter(isOld(killedAt)).length
  const lost = written.filter((one) => !isThere(one))
  const oldestMs = Math.max(0, ...lost.map(({ at }) => killedAt - at))
  t.diagnostic(`${written.length} writes, ${owned} of an owner, ${readers.reads} reads; ${lost.length} lost, the oldest ${oldestMs} ms`)
})

test('a process that stands still for longer than its lease counts as lost exactly the values that are lost', async () => {
  await using cluster = await CacheCluster.start()
  const keys = Array.from({ length: 30 }, (_, at) => `k${at}`)
  await using stopping = owner(cluster, 'stopping', keys)
  const line = async (): Promise<unknown> => JSON.parse(String((await stopping.lines.next()).value))
  assert.deepEqual(await line(), { stopping: true })
  const expected = Object.fromEntries(keys.map((key, at) => [key, at < 10 ? 2 : 1]))
  for (const node of cluster.nodes) assert.deepEqual(await valuesAt(cluster, node, keys), expected)
  stopping.child.kill('SIGCONT')
  assert.deepEqual(await line(), { lost: 20, read: expected })
  for (const node of cluster.nodes) assert.deepEqual(await valuesAt(cluster, node, keys), expected)
})

test('a node that is cut off counts as lost exactly the values that it took at the level owner and that are lost', async (t) => {
  const network = new PeerNetwork()
  await using stack = new AsyncDisposableStack()
  const cluster = await CacheCluster.proxied(network, stack)
  const [victim, ...others] = cluster.nodes as [NodeProcess, NodeProcess, NodeProcess]
  const keys = Array.from({ length: 60 }, (_, at) => `k${at}`)
  const taken: string[] = []
  const lostSoFar = async (): Promise<number> => (await cluster.report(victim)).counters['lost'] as number
  for (const key of keys) await until(`${key} is written`, async () => (await cluster.write(victim, key, 1)).status === 200, 30_000)
  const before = await lostSoFar()
  network.cutOff(victim.id)
  await Promise.all(
    keys.map(async (key) => {
      const { status } = await cluster.write(victim, key, 2, { ack: 'owner' })
      if (status === 200) taken.push(key)
    }),
  )
  // Nobody else has ever seen them, and they are gone before it is heard again.
  const found = await Promise.all(others.map((node) => valuesAt(cluster, node, keys)))
  for (const values of found) assert.deepEqual([...new Set(Object.values(values))], [1])
  network.heal()
  const after = await valuesAt(cluster, victim, keys)
  const lost = taken.filter((key) => after[key] === 1).length
  t.diagnostic(`${taken.length} taken, ${lost} lost`)
  assert.ok(lost > 0)
  assert.equal((await lostSoFar()) - before, lost)
  for (const node of others) assert.deepEqual(await valuesAt(cluster, node, keys), after)
})
