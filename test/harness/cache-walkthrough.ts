import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { CacheCluster } from './cache-cluster.ts'
import { figuresOf, grown } from './cache-figures.ts'
import type { Figures } from './cache-figures.ts'
import type { NodeProcess } from './node-process.ts'
import type { Reply } from './service-cluster.ts'
import { until } from './until.ts'

interface Stop {
  readonly cluster: CacheCluster
  readonly node: NodeProcess
  readonly second: NodeProcess
  readonly third: NodeProcess
  readonly name: string
}

const fields = ({ body }: Reply): Record<string, unknown> => body as Record<string, unknown>
const errorOf = (reply: Reply): unknown => (fields(reply)['error'] as Record<string, unknown> | undefined)?.['code']
const version = /^\d+\.\d+\.\d+$/

type Act = 'reads' | 'writes' | 'writes for itself'

interface Move {
  /** What was done to the key before, which nobody has known until then. */
  readonly before: readonly (readonly [who: 'node' | 'second', act: Act])[]
  readonly last: readonly [who: 'node' | 'second', act: Act]
  /** What that makes grow, by exactly so much and nothing else. */
  readonly node: Figures
  readonly second: Figures
}

/** Every edge of MESI, and every transaction of the bus. */
const moves: readonly Move[] = [
  { before: [], last: ['node', 'reads'], node: { IE: 1, BusRd: 1 }, second: {} },
  { before: [], last: ['node', 'writes'], node: { IM: 1, BusRdX: 1 }, second: {} },
  { before: [['node', 'reads']], last: ['node', 'writes'], node: { EM: 1, Flush: 1 }, second: {} },
  { before: [['node', 'reads']], last: ['node', 'writes for itself'], node: { EM: 1, Flush: 1 }, second: {} },
  { before: [['node', 'reads']], last: ['second', 'reads'], node: { ES: 1 }, second: { IS: 1, BusRd: 1 } },
  { before: [['node', 'reads']], last: ['second', 'writes'], node: { EI: 1 }, second: { IM: 1, BusRdX: 1 } },
  { before: [['node', 'writes']], last: ['node', 'writes'], node: { Flush: 1 }, second: {} },
  { before: [['node', 'writes']], last: ['node', 'writes for itself'], node: { Flush: 1 }, second: {} },
  { before: [['node', 'writes']], last: ['second', 'reads'], node: { MS: 1 }, second: { IS: 1, BusRd: 1 } },
  { before: [['node', 'writes']], last: ['second', 'writes'], node: { MI: 1 }, second: { IM: 1, BusRdX: 1 } },
  {
    before: [
      ['node', 'writes'],
      ['second', 'reads'],
    ],
    last: ['node', 'writes'],
    node: { SM: 1, BusUpgr: 1 },
    second: { SI: 1 },
  },
]

/** Once memory has everything. */
async function figuresAtRest({ cluster, node, second }: Stop, key: string): Promise<readonly [Figures, Figures]> {
  const isClean = async (): Promise<boolean> => (await cluster.linesOf(node, key)).every(({ dirty }) => !dirty)
  await until(`memory has ${key}`, isClean)
  return Promise.all([figuresOf(cluster, node), figuresOf(cluster, second)])
}

async function makes(stop: Stop, { before, last, node, second }: Move, key: string): Promise<void> {
  const { cluster } = stop
  const does = async ([who, act]: Move['last']): Promise<void> => {
    const [at, more] = [stop[who], act === 'writes for itself' ? { ack: 'owner' } : {}]
    const { status } = act === 'reads' ? await cluster.read(at, key) : await cluster.write(at, key, 1, more)
    assert.ok(status === 200 || (act === 'reads' && status === 404), String(status))
  }
  for (const step of before) await does(step)
  const [nodeBefore, secondBefore] = await figuresAtRest(stop, key)
  await does(last)
  const [nodeAfter, secondAfter] = await figuresAtRest(stop, key)
  assert.deepEqual([grown(nodeBefore, nodeAfter), grown(secondBefore, secondAfter)], [node, second], `${last.join(' ')} ${key}`)
}

/** What the specification shows, visited with each node in the part of the first. */
const stops: readonly (readonly [claim: string, visit: (stop: Stop) => Promise<void>])[] = [
  [
    'what is written on one node is read on another, and each node has its line in the state that the specification says',
    async ({ cluster, node, second, name }) => {
      const key = `user_123@${name}`
      const written = await cluster.write(node, key, { name: 'Alice', score: 95 })
      assert.equal(written.status, 200, JSON.stringify(written.body))
      assert.deepEqual([fields(written)['state'], fields(written)['invalidated']], ['M', 0])
      assert.match(String(fields(written)['version']), version)
      const read = await cluster.read(second, key)
      const { version: readVersion, ...seen } = fields(read)
      assert.deepEqual([read.status, seen], [200, { key, value: { name: 'Alice', score: 95 }, found: true, state: 'S', hit: false }])
      assert.equal(readVersion, fields(written)['version'])
      assert.equal(await cluster.stateOf(node, key), 'S')
      const again = await cluster.write(second, key, { name: 'Alice', score: 100 })
      assert.deepEqual([again.status, fields(again)['state'], fields(again)['invalidated']], [200, 'M', 1])
      assert.equal(await cluster.stateOf(node, key), 'I')
      const { value, state, hit } = fields(await cluster.read(node, key))
      assert.deepEqual([value, state, hit], [{ name: 'Alice', score: 100 }, 'S', false])
      assert.equal(fields(await cluster.read(node, key))['hit'], true)
    },
  ],
  [
    'defect 14: what is absent is 404, and no two nodes have it exclusively',
    async ({ cluster, node, second, third, name }) => {
      const key = `nobody@${name}`
      const first = await cluster.read(node, key)
      const { version: _, ...seen } = fields(first)
      assert.deepEqual([first.status, seen], [404, { key, value: null, found: false, state: 'E', hit: false }])
      const others = [await cluster.read(second, key), await cluster.read(third, key), await cluster.read(node, key)]
      assert.deepEqual(
        others.map((reply) => [reply.status, fields(reply)['state']]),
        [
          [404, 'S'],
          [404, 'S'],
          [404, 'S'],
        ],
      )
    },
  ],
  [
    'a value is read byte for byte as it was written',
    async ({ node, second, name }) => {
      const value = '{"n":1e400, "big":12345678901234567890,"text":"\\u0000 ä \\ud83d"}'
      const path = `bytes%2F${name}`
      const headers = { 'content-type': 'application/json' }
      const written = await fetch(`${node.url}/write/${path}`, { method: 'POST', headers, body: `{"value":${value}}` })
      assert.equal(written.status, 200)
      assert.ok((await (await fetch(`${second.url}/read/${path}`)).text()).includes(`"value":${value},`))
    },
  ],
  [
    'conditions, additions, removal and many at once do what they say, by whichever node',
    async ({ cluster, node, second, third, name }) => {
      const [key, number] = [`cas@${name}`, `n@${name}`]
      const written = await cluster.write(node, key, 1, { if_absent: true })
      const is = fields(written)['version']
      assert.deepEqual([errorOf(await cluster.write(second, key, 2, { if_absent: true }))], ['version_mismatch'])
      assert.equal((await cluster.write(second, key, 2, { if_version: is })).status, 200)
      const stale = await cluster.write(third, key, 3, { if_version: is })
      assert.deepEqual([stale.status, errorOf(stale)], [412, 'version_mismatch'])
      for (const [at, each] of [node, second, third].entries())
        assert.equal(fields(await cluster.post(each, `/increment/${number}`, { by: 2 }))['value'], 2 * (at + 1))
      const repeated = { by: 10, operation_id: `op@${name}` }
      assert.equal(fields(await cluster.post(node, `/increment/${number}`, repeated))['value'], 16)
      assert.equal(fields(await cluster.post(third, `/increment/${number}`, repeated))['value'], 16)
      const { results } = fields(
        await cluster.post(second, '/batch', {
          operations: [
            { type: 'read', key: number },
            { type: 'read', key: 'not there' },
            { type: 'increment', key },
            { type: 'write', key: `more@${name}`, value: 'x', if_version: '9.9.9' },
          ],
        }),
      ) as { readonly results: readonly Record<string, unknown>[] }
      assert.deepEqual(
        results.map(({ value, error }) => (error as Record<string, unknown> | undefined)?.['code'] ?? value),
        [16, null, 3, 'version_mismatch'],
      )
      assert.equal((await cluster.ask(node, 'DELETE', `/read/${key}`)).status, 200)
      assert.equal((await cluster.read(second, key)).status, 404)
      assert.equal((await cluster.ask(second, 'DELETE', `/delete/${number}`)).status, 200)
      assert.equal((await cluster.read(third, number)).status, 404)
    },
  ],
  [
    'a write at the level owner is read by everybody, and a life that is over by nobody',
    async ({ cluster, node, second, name }) => {
      const key = `owner@${name}`
      assert.equal((await cluster.write(node, key, 1)).status, 200)
      for (const value of [2, 3]) assert.equal((await cluster.write(node, key, value, { ack: 'owner' })).status, 200)
      assert.equal(fields(await cluster.read(second, key))['value'], 3)
      assert.equal((await cluster.write(node, key, 4, { ttl_ms: 1 })).status, 200)
      // Another write after it waits behind the end of that life.
      assert.equal((await cluster.write(second, `${key}+`, 5)).status, 200)
      assert.equal((await cluster.write(second, key, 6, { if_absent: true })).status, 200)
    },
  ],
  [
    'each edge of MESI and each transaction of the bus is counted where it happens, in JSON and for Prometheus, and nothing else is',
    async (stop) => {
      const { cluster, node, name } = stop
      const driven = new Set(moves.flatMap((move) => [...Object.keys(move.node), ...Object.keys(move.second)]))
      assert.deepEqual([...driven].toSorted(), Object.keys(await figuresOf(cluster, node)).toSorted())
      for (const [at, move] of moves.entries()) await makes(stop, move, `move ${at}@${name}`)
    },
  ],
  [
    'what a node is, its lines and its figures are there to be looked at',
    async ({ cluster, node }) => {
      const root = fields(await cluster.get(node, '/'))
      assert.deepEqual(
        [root['service'], root['node_id'], (root['ring'] as { slot_count: number }).slot_count],
        ['cache', node.options.id, 32],
      )
      const { states, lines, homes } = await cluster.status(node)
      assert.ok(states.M + states.E + states.S >= lines.length && lines.length > 0 && homes.slots > 0)
      const report = fields(await cluster.get(node, '/metrics'))
      for (const part of ['performance', 'counters', 'transitions', 'cache_info', 'metrics']) assert.ok(part in report, part)
      const text = (await cluster.get(node, '/metrics', 'text/plain')).body as string
      assert.match(text, /lockstep_cache_lookups_total\{outcome="miss",node="[^"]+"\} [1-9]/)
      for (const path of ['/healthz', '/readyz', '/cluster', '/openapi.json', '/docs'])
        assert.equal((await cluster.get(node, path)).status, 200)
    },
  ],
]

/** On a busy machine a lease may end in the middle, and lines with it: then the visit is made again, with other keys. */
async function undisturbed(cluster: CacheCluster, visit: (attempt: number) => Promise<void>): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    const before = await cluster.homes()
    try {
      return await visit(attempt)
    } catch (error) {
      if (attempt === 3 || (await cluster.homes()) === before) throw error
      await cluster.settled()
    }
  }
}

/** Every call of the walk-through, by way of every node. */
export async function walkThroughCache(t: TestContext, cluster: CacheCluster): Promise<void> {
  for (const [claim, visit] of stops) {
    await t.test(claim, async () => {
      const { nodes } = cluster
      for (const [at, node] of nodes.entries()) {
        const [second, third] = [nodes[(at + 1) % 3], nodes[(at + 2) % 3]] as [NodeProcess, NodeProcess]
        await undisturbed(cluster, (attempt) => visit({ cluster, node, second, third, name: `${node.options.id}${attempt}` }))
      }
    })
  }
}
