import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CacheInput, CacheOutput } from '#sim/cache/cache-model.ts'
import { cacheModel } from '#sim/cache/cache-model.ts'
import { HistoryRecorder } from '#sim/checker/history.ts'
import { checkLinearizability } from '#sim/checker/linearizability.ts'
import { CacheCluster } from '#test/harness/cache-cluster.ts'
import type { NodeProcess } from '#test/harness/node-process.ts'
import { until } from '#test/harness/until.ts'

/** Clients that read and change the same keys by way of all nodes, and remember what they were told. */
class Load {
  readonly counts = { reads: 0, changes: 0, unknown: 0, refused: 0, broken: 0 }
  readonly #cluster: CacheCluster
  readonly #keys: readonly string[]
  readonly #history = new HistoryRecorder<CacheInput, CacheOutput>(() => performance.now())
  #stopped = false
  #last = 0
  #running: Promise<unknown> = Promise.resolve()
  /** Of the longest time in which nothing was answered by a node that lives. */
  longestGapMs = 0
  #answeredAt = performance.now()

  constructor(cluster: CacheCluster, keys: readonly string[]) {
    this.#cluster = cluster
    this.#keys = keys
  }

  start(): void {
    this.#answeredAt = performance.now()
    this.#running = Promise.all(this.#cluster.nodes.flatMap((node, at) => [this.#client(node, at), this.#client(node, at + 10)]))
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#running
  }

  verdict(): string {
    const verdict = checkLinearizability(cacheModel, this.#history.operations(), { workMax: 20_000_000 })
    return verdict.type === 'violation' ? JSON.stringify(verdict.counterexample) : verdict.type
  }

  async #client(node: NodeProcess, seed: number): Promise<void> {
    for (let turn = seed; !this.#stopped; turn++) {
      if (!node.running) {
        await new Promise((resolve) => {
          setTimeout(resolve, 50)
        })
        continue
      }
      const key = this.#keys[turn % this.#keys.length] ?? ''
      await (turn % 3 === 0 ? this.#write(node, key) : turn % 7 === 0 ? this.#add(node, key) : this.#read(node, key))
    }
  }

  async #read(node: NodeProcess, key: string): Promise<void> {
    const call = this.#history.call({ client: node.id, key, input: { type: 'read' } })
    const reply = await this.#cluster.read(node, key).catch(() => null)
    if (reply === null || reply.status > 404) return this.#failed(call, reply === null ? 'broken' : 'refused')
    this.#answered('reads')
    this.#history.returned(call, { type: 'value', value: (reply.body as { readonly value: number | null }).value })
  }

  async #write(node: NodeProcess, key: string): Promise<void> {
    const value = ++this.#last
    const call = this.#history.call({ client: node.id, key, input: { type: 'set', value } })
    const reply = await this.#cluster.write(node, key, value).catch(() => null)
    this.#changed(call, reply?.status ?? null, { type: 'done' })
  }

  async #add(node: NodeProcess, key: string): Promise<void> {
    const call = this.#history.call({ client: node.id, key, input: { type: 'add', by: 1 } })
    const reply = await this.#cluster.post(node, `/increment/${key}`, { operation_id: `${node.id} ${call}` }).catch(() => null)
    this.#changed(call, reply?.status ?? null, { type: 'value', value: (reply?.body as { readonly value?: number })?.value ?? 0 })
  }

  #changed(call: number, status: number | null, output: CacheOutput): void {
    if (status === 200) {
      this.#answered('changes')
      this.#history.returned(call, output)
    } else if (status === null) this.counts.broken++
    else if (status === 504) this.counts.unknown++
    else this.#failed(call, 'refused')
  }

  #answered(kind: 'reads' | 'changes'): void {
    const now = performance.now()
    this.counts[kind]++
    this.longestGapMs = Math.max(this.longestGapMs, now - this.#answeredAt)
    this.#answeredAt = now
  }

  /** Certainly without effect. */
  #failed(call: number, kind: 'refused' | 'broken'): void {
    this.counts[kind]++
    this.#history.refused(call)
  }
}

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms)
  })

/** Reads 200 with that value on every node that runs. */
async function isEverywhere(cluster: CacheCluster, key: string, value: unknown): Promise<void> {
  for (const node of cluster.running)
    await until(
      `${node.id} reads ${key}`,
      async () => {
        const { status, body } = await cluster.read(node, key)
        if (status !== 200) return false
        assert.deepEqual((body as { readonly value: unknown }).value, value)
        return true
      },
      20_000,
    )
}

test('with nodes that die and stand still', async (context) => {
  await using cluster = await CacheCluster.start()

  for (const round of [1, 2, 3]) {
    await context.test(
      `kill -9 of a node that is home and owner, under load: nobody is told a stale value, nothing is lost (${round})`,
      async () => {
        const load = new Load(
          cluster,
          ['a', 'b', 'c', 'd', 'e', 'f'].map((key) => `${key}${round}`),
        )
        load.start()
        await pause(1_500)
        const victim = cluster.nodes[round % 3] as NodeProcess
        assert.ok((await cluster.status(victim)).homes.slots > 0)
        await victim.kill('SIGKILL')
        await pause(4_000)
        victim.start()
        await cluster.ready()
        await pause(1_500)
        await load.stop()
        context.diagnostic(`${JSON.stringify(load.counts)}, longest time without an answer ${Math.round(load.longestGapMs)} ms`)
        assert.equal(load.verdict(), 'ok')
        assert.ok(load.counts.reads > 100 && load.counts.changes > 50)
      },
    )
  }

  await context.test('kill -9 of an owner: what it had answered as replicated is read from the others', async () => {
    await cluster.settled()
    const [owner] = cluster.nodes as [NodeProcess]
    const keys = Array.from({ length: 60 }, (_, at) => `owned${at}`)
    await Promise.all(keys.map(async (key) => assert.equal((await cluster.write(owner, key, key)).status, 200)))
    await owner.kill('SIGKILL')
    for (const key of keys) await isEverywhere(cluster, key, key)
    owner.start()
    await cluster.ready()
    await isEverywhere(cluster, 'owned0', 'owned0')
  })

  await context.test('a node that stood still for longer than its lease tells nothing that it remembers', async () => {
    await cluster.settled()
    const [frozen, writer] = cluster.nodes as [NodeProcess, NodeProcess]
    const keys = Array.from({ length: 20 }, (_, at) => `frozen${at}`)
    await Promise.all(keys.map((key) => cluster.write(frozen, key, 'before')))
    frozen.signal('SIGSTOP')
    try {
      for (const key of keys)
        await until(
          `${key} is written`,
          async () => {
            const { status, body } = await cluster.write(writer, key, 'after')
            if (status !== 200) throw new Error(JSON.stringify([body, (await cluster.status(writer)).homes]))
            return true
          },
          20_000,
        )
    } finally {
      frozen.signal('SIGCONT')
    }
    for (const key of keys) {
      const { status, body } = await cluster.read(frozen, key)
      assert.ok(status >= 500 || (body as { readonly value: string }).value === 'after', JSON.stringify(body))
    }
    await isEverywhere(cluster, 'frozen0', 'after')
  })
})
