import { deepEqual, equal, match, throws } from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { FakeNode, fault, json } from '#cli/service/testkit.ts'
import { prepareFolder } from './folder.ts'
import type { NodeCounts } from './nine-nodes.ts'
import { nodesOf } from './nine-nodes.ts'
import { nodeFlags } from './node-flags.ts'
import { readLogLine } from './node-log.ts'
import { allAnswer, allReady } from './readiness.ts'
import { Restarts, needsAPerson } from './restarts.ts'

test('a log line is read as its event and its fields', () => {
  const line = '{"level":40,"time":"t","node":"a","peer":"b","n":1,"list":[1],"msg":"peer-down"}'
  deepEqual(readLogLine(line), { level: 40, text: 'peer-down peer=b n=1 list=[1]' })
  deepEqual(readLogLine('lockstep: the store is damaged'), { level: 40, text: 'lockstep: the store is damaged' })
  deepEqual(readLogLine('{no json'), { level: 40, text: '{no json' })
})

test('queue nodes are told of Redis by flags, and of its URL only by the environment', () => {
  const at = (service: 'lock' | 'queue', port: number) => ({ service, id: `${service}-1`, address: `h:${port}`, data: 'd' })
  const nodes = [at('lock', 1), at('queue', 2), at('queue', 3)]
  const place = { kind: 'standalone', endpoints: [], masterName: null, username: null, password: null, database: 0, tls: false } as const
  const redis = { url: 'redis://:geheim@r', place, name: 'n', replicas: 1, relaxed: false }
  const told = nodes.map((node) => nodeFlags(node, nodes, redis).join(' '))
  equal(told[0], '--service lock --id lock-1 --listen h:1 --join h:1 --data d')
  equal(told[1], '--service queue --id queue-1 --listen h:2 --engine redis --redis-name n --redis-replicas 1 --redis-durability strict')
  equal(
    nodeFlags(at('queue', 2), nodes, null).join(' '),
    '--service queue --id queue-1 --listen h:2 --join h:2,h:3 --data d --engine embedded',
    'whatever the environment says',
  )
})

test('a node that keeps dying is started again later each time, and one that ran for a while at once', () => {
  const restarts = new Restarts()
  deepEqual(
    Array.from({ length: 6 }, () => restarts.delayMs(100)),
    [2_000, 4_000, 8_000, 16_000, 30_000, 30_000],
  )
  equal(restarts.delayMs(60_000), 2_000)
})

test('what a restart cannot mend is left to a person, and who ended as it was told to, or was removed, is not started again', () => {
  deepEqual([0, 1, 2, 3, 4, 5, 8, 70, null].filter(needsAPerson), [0, 2, 3, 5, 8])
})

test('nodes that start are waited for until each has answered, whatever it says, and not for ever', async () => {
  await using starting = await FakeNode.of(fault(503, 'not_ready'))
  await allAnswer([starting.url], { withinMs: 60_000 })
  equal(starting.asked.length, 1)
  await allAnswer(['http://127.0.0.1:1'], { withinMs: 1 })
})

test('stores that were made under other addresses are refused, unless they begin anew', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-up-'))
  const at = (address: string) => [{ service: 'lock' as const, id: 'a', address, data: join(folder, 'a') }]
  try {
    prepareFolder(folder, at('h:1'), { fresh: false })
    prepareFolder(folder, at('h:1'), { fresh: false })
    mkdirSync(join(folder, 'a'))
    throws(() => prepareFolder(folder, at('h:2'), { fresh: false }), /are those of h:1: use the same --port-offset/)
    equal(existsSync(join(folder, 'a')), true)
    prepareFolder(folder, at('h:2'), { fresh: true })
    equal(existsSync(join(folder, 'a')), false)
    prepareFolder(folder, at('h:2'), { fresh: false })
    prepareFolder(folder, [...at('h:2'), ...at('h:3')], { fresh: false })
    prepareFolder(folder, at('h:2'), { fresh: false })
    throws(() => prepareFolder(folder, [...at('h:2'), ...at('h:4')], { fresh: false }), /are those of h:2, h:3/)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('nodes that come later join those that formed their cluster, also at the next start', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-up-'))
  const foundersOf = (counts: NodeCounts): readonly string[] =>
    prepareFolder(folder, nodesOf(folder, 0, counts), { fresh: false }).map(({ id }) => id)
  const three = ['lock-node-1', 'lock-node-2', 'lock-node-3']
  try {
    deepEqual(foundersOf({ lock: 3, queue: 0, cache: 0 }), three)
    for (let start = 0; start < 2; start++) deepEqual(foundersOf({ lock: 5, queue: 1, cache: 0 }), [...three, 'queue-node-1'])
    const nodes = nodesOf(folder, 0, { lock: 5, queue: 0, cache: 0 })
    const told = nodes.map((node) => nodeFlags(node, nodes.slice(0, 3), null).join(' '))
    match(told[2] ?? '', / --join 127.0.0.1:8001,127.0.0.1:8002,127.0.0.1:8003 /)
    match(told[3] ?? '', / --seeds 127.0.0.1:8001,127.0.0.1:8002,127.0.0.1:8003 /)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('all are ready once those are that did not leave their cluster meanwhile', async () => {
  await using good = await FakeNode.of(json(200, { status: 'ready' }))
  await using starting = await FakeNode.of(fault(503, 'not_ready'))
  const gone: string[] = []
  const expected = (): readonly string[] => {
    if (starting.asked.length > 0) gone.push(starting.url)
    return [good.url, starting.url].filter((url) => !gone.includes(url))
  }
  equal(await allReady(expected, { signal: new AbortController().signal, stillWaiting: () => {} }), true)
  deepEqual([starting.asked.length, good.asked.length], [1, 2])
})
