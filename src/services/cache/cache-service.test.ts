import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import type { Watched } from '#api/cache/cache-api.ts'
import type { BusEvent } from '#api/cache/events.ts'
import type { CacheClient } from '#test/harness/cache-world.ts'
import { CacheWorld } from '#test/harness/cache-world.ts'

const clientsOf = (world: CacheWorld): [CacheClient, CacheClient, CacheClient] => [
  world.client('n1'),
  world.client('n2'),
  world.client('n3'),
]

test('what one node writes all read, and each has its line in the state that MESI says', async () => {
  const world = await CacheWorld.start()
  const [a, b, c] = clientsOf(world)
  equal(await a.write('k', { n: 1 }), 'M 0')
  equal(await a.read('k'), '{"n":1} M hit')
  equal(await b.read('k'), '{"n":1} S')
  equal(await a.read('k'), '{"n":1} S hit')
  equal(await b.write('k', 2), 'M 1')
  equal(await a.read('k'), '2 S')
  equal(await c.delete('k'), 'gone 2')
  deepEqual([await a.read('k'), await b.read('k')], ['absent S', 'absent S'])
})

test('defect 14: of three nodes that know a key to be absent none has it exclusively', async () => {
  const world = await CacheWorld.start()
  const [a, b, c] = clientsOf(world)
  equal(await a.read('nobody'), 'absent E')
  deepEqual([await b.read('nobody'), await c.read('nobody'), await a.read('nobody')], ['absent S', 'absent S', 'absent S hit'])
})

test('defect 13: of nodes with room for five lines none loses a value of seven', async () => {
  const world = await CacheWorld.start({ limits: { linesMax: 5 } })
  const [a, b] = clientsOf(world)
  const keys = ['1', '2', '3', '4', '5', '6', '7']
  for (const key of keys) equal(await a.write(key, `v${key}`, { ack: key === '2' ? 'owner' : 'replicated' }), 'M 0')
  equal(a.server.bus.agent.agent.state.lines.byKey.size, 5)
  for (const key of keys) equal((await a.read(key)).slice(0, 4), `"v${key}"`)
  for (const key of keys) equal((await b.read(key)).slice(0, 4), `"v${key}"`)
})

test('a change is refused when the value is not as was expected, and an addition when it is no number', async () => {
  const world = await CacheWorld.start()
  const [a, b] = clientsOf(world)
  equal(await a.write('k', 1, { if_absent: true }), 'M 0')
  equal(await b.write('k', 2, { if_absent: true }), 'version_mismatch')
  const { cache } = a.server
  const read = await world.answer(cache.read({ key: 'k' }))
  ok(read.ok)
  equal(await b.write('k', 'two', { if_version: read.value.version }), 'M 1')
  equal(await a.write('k', 3, { if_version: read.value.version }), 'version_mismatch')
  equal(await a.increment('k'), 'not_a_number')
  equal(await a.increment('n', { by: Number.MAX_SAFE_INTEGER }), String(Number.MAX_SAFE_INTEGER))
  equal(await b.increment('n'), 'number_out_of_range')
})

test('a value whose life is over is absent on every node', async () => {
  const world = await CacheWorld.start()
  const [a, b] = clientsOf(world)
  equal(await a.write('k', 1, { ttl_ms: 2_000 }), 'M 0')
  equal(await b.read('k'), '1 S')
  await world.run(2_100)
  deepEqual([(await b.read('k')).slice(0, 6), (await a.read('k')).slice(0, 6)], ['absent', 'absent'])
})

test('who watches a key is told its value, and every change that stays for a while, by whichever node it comes', async () => {
  const world = await CacheWorld.start()
  const [a, b] = clientsOf(world)
  const seen: string[] = []
  const listener = ({ value }: Watched): void => void seen.push(value === null ? 'absent' : Buffer.from(value).toString())
  const stop = a.server.cache.watch('k', listener)
  await world.run(500)
  equal((await b.write('k', 1)).slice(2), '1')
  await world.run(500)
  await a.write('k', 2)
  await world.run(500)
  await b.delete('k')
  await world.run(500)
  deepEqual(seen, ['absent', '1', '2', 'absent'])
  stop()
  await b.write('k', 3)
  await world.run(500)
  deepEqual(seen.length, 4)
})

test('the bus shows the transactions of a write to a line that another has', async () => {
  const world = await CacheWorld.start()
  const [a, b] = clientsOf(world)
  await a.write('k', 1)
  const home = await world.homeOf('k')
  const seen: string[] = []
  home.server.cache.bus.subscribe((event) => {
    const { transaction, from, to, grants, seen: how } = event as BusEvent
    if (how === 'received' || from === home.name) seen.push(`${from}>${to} ${transaction}${grants === null ? '' : ` ${grants}`}`)
  })
  await b.read('k')
  await b.write('k', 2)
  const asked = seen.filter((line) => line.startsWith('n2>') || !line.startsWith(`${home.name}>`))
  deepEqual(
    asked.filter((line) => /BusRd|BusUpgr|BusRdX/.test(line)).length >= 2 && seen.some((line) => line.includes('Downgrade')),
    true,
    seen.join(', '),
  )
  ok(seen.some((line) => line.includes('Invalidate')) && seen.some((line) => line.endsWith('Answer M')), seen.join(', '))
})

test('a node without replicas finds the homes, and has lines like any other', async () => {
  const world = await CacheWorld.start({ spares: 1 })
  const [a] = clientsOf(world)
  const spare = world.client('n4')
  await world.until('the spare node has joined', () => spare.server.nodeApi.notReadyBecause() === null)
  equal(await a.write('k', 1), 'M 0')
  equal(await spare.read('k'), '1 S')
  equal(await spare.read('k'), '1 S hit')
  equal(await spare.write('k', 2), 'M 1')
  equal(await a.read('k'), '2 S')
})

test('the status lists lines in the order of their keys, page by page', async () => {
  const world = await CacheWorld.start()
  const [a] = clientsOf(world)
  for (const key of ['b', 'x1', 'a', 'x3', 'x2']) await a.write(key, 1)
  const page = async (request: object): Promise<readonly [string[], string | null]> => {
    const status = await world.answer(a.server.cache.status(request))
    return status.ok ? [status.value.lines.map(({ key, state }) => `${key} ${state}`), status.value.next] : [[], null]
  }
  deepEqual(await page({ limit: 3 }), [['a M', 'b M', 'x1 M'], 'x1'])
  deepEqual(await page({ limit: 3, after: 'x1' }), [['x2 M', 'x3 M'], null])
  deepEqual(await page({ prefix: 'x', limit: 2 }), [['x1 M', 'x2 M'], 'x2'])
  const status = await world.answer(a.server.cache.status({}))
  ok(status.ok)
  deepEqual(status.value.states, { M: 5, E: 0, S: 0, I: 0 })
  equal(status.value.ring.slots.length, 4)
})

test('what a report counts is what happened: hits, misses, edges and snoops', async () => {
  const world = await CacheWorld.start()
  const [a, b] = clientsOf(world)
  await a.write('k', 1)
  await a.read('k')
  await b.read('k')
  await b.write('k', 2)
  const { counters, transitions, cache_info: info } = a.server.report()
  deepEqual([counters.hits, counters.misses, counters.writes, counters.bus['BusRdX']], [1, 0, 1, 1])
  deepEqual([counters.downgrades_received, counters.invalidations_received], [1, 1])
  deepEqual([transitions['IM'], transitions['MS'], transitions['SI'], info.lines], [1, 1, 1, 0])
  const other = b.server.report()
  deepEqual([other.counters.misses, other.counters.bus['BusRd'], other.counters.bus['BusUpgr'], other.transitions['SM']], [1, 1, 1, 1])
})
