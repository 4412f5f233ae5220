import { deepEqual, equal, match } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { NodeStatus } from '#cli/service/cluster-status.ts'
import { judgeClock, judgeCluster, judgeNodes } from './cluster.ts'
import { checkSync, judgeSpace, judgeSync } from './disk.ts'
import { checkMemory, checkNode, neededNode } from './machine.ts'
import { judgeRedis } from './redis.ts'

const gib = 2 ** 30
const verdicts = (findings: readonly { readonly verdict: string }[]) => findings.map(({ verdict }) => verdict)

test('a Node.js that cannot run this is found', () => {
  const of = (needed: string, ...versions: string[]) => verdicts(versions.map((version) => checkNode(version, needed)))
  deepEqual(of('24.0', '24.1.0', '26.0.0', '22.19.0'), ['ok', 'ok', 'broken'])
  deepEqual(of('20.11', '20.11.0', '20.9.5', '22.0.0', '24.21.0', '18.20.1'), ['ok', 'broken', 'ok', 'ok', 'broken'])
  equal(checkNode('18.20.1', '20.11').fix, 'install Node.js 20.11 or newer')
})

test('the Node.js that is needed is the one without which the program does not start', () => {
  const read = (name: string) => readFileSync(join(import.meta.dirname, '..', '..', '..', name), 'utf8')
  const { engines } = JSON.parse(read('package.json')) as { readonly engines: { readonly node: string } }
  const [, ofSources, ofPackage] = /needed = isClone \? '(.+)' : '(.+)'/.exec(read('bin/lockstep.js')) ?? []
  deepEqual([neededNode(engines.node, true), neededNode(engines.node, false)], [ofSources, ofPackage])
})

test('little memory and little room on the disk are found', () => {
  deepEqual(verdicts([checkMemory(4 * gib), checkMemory(gib / 2), checkMemory(gib / 8)]), ['ok', 'warning', 'broken'])
  const disk = (freeBytes: number) => judgeSpace({ folder: '/d', freeBytes, totalBytes: 100 * gib })
  deepEqual(verdicts([disk(50 * gib), disk(8 * gib), disk(4 * gib)]), ['ok', 'warning', 'broken'])
})

test('a disk that is too slow is found, and one that cannot be true', () => {
  const of = (ms: number, slowest = ms) => judgeSync([...Array.from({ length: 98 }, () => ms), slowest, slowest])
  deepEqual(verdicts([of(1), of(5, 50), of(25), of(5, 300), of(0.001)]), ['ok', 'ok', 'warning', 'broken', 'warning'])
  match(of(1, 3).seen, /1\.00 ms \(p50\), 3\.00 ms \(p99\): fast/)
})

test('how far the rounds on the disk are is told after each', () => {
  const told: number[] = []
  equal(checkSync(tmpdir(), (round, rounds) => void told.push(round / rounds)).check, 'disk sync')
  deepEqual([told[0], told.length > 0], [1 / 200, true])
})

test('a clock that is off is found only when the way of the answer does not explain it', () => {
  const of = (aheadMs: number, errorMs = 1) => judgeClock('clock', { aheadMs, errorMs }).verdict
  deepEqual([of(5), of(-1_500), of(1_500, 600), of(20_000), of(-20_000)], ['ok', 'warning', 'ok', 'broken', 'broken'])
})

const node: NodeStatus = {
  url: 'http://h:1',
  node_id: 'n1',
  problem: null,
  reachable: true,
  refused: null,
  role: 'leader',
  term: 1,
  leader: 'n1',
  version: '1.0.0',
  cluster_id: 'c',
  lag: 0,
  answered_in_ms: 1,
  counts: {},
}

test('a node that does not answer, a second cluster, no leader and another version are found', () => {
  deepEqual(verdicts(judgeNodes({ nodes: [node, { ...node, problem: 'refused', reachable: false }] })), ['ok', 'broken'])
  deepEqual(verdicts(judgeCluster({ service: 'lock', nodes: [node], leader: 'n1', warnings: [] }, '1.0.0')), ['ok', 'ok', 'ok'])
  const mixed = judgeCluster(
    { service: 'lock', nodes: [node, { ...node, cluster_id: 'd', version: '1.1.0' }], leader: null, warnings: [] },
    '1.0.0',
  )
  deepEqual(verdicts(mixed), ['broken', 'broken', 'warning'])
  for (const { fix } of mixed) equal(typeof fix, 'string', 'it says what to do')
  const [warned] = judgeCluster({ service: 'cache', nodes: [node], leader: 'n1', warnings: ['slot 3 lost'] }, '1.0.0').slice(3)
  deepEqual([warned?.verdict, warned?.seen], ['warning', 'slot 3 lost'])
})

test('a Redis that cannot be reached, and one that would lose what it has answered, are found', () => {
  const server = {
    address: 'r:6379',
    version: '7.0.15',
    role: 'master',
    appendonly: 'yes',
    appendfsync: 'always',
    maxmemoryPolicy: 'noeviction',
  }
  const reached = { type: 'reached', servers: [{ ...server, replicas: 0 }] } as const
  deepEqual(verdicts(judgeRedis({ type: 'not-reached', reason: 'connection refused' })), ['broken'])
  deepEqual(verdicts(judgeRedis({ ...reached, unsafe: [] })), ['ok', 'ok'])
  deepEqual(verdicts(judgeRedis({ ...reached, unsafe: ['appendfsync is everysec'] })), ['ok', 'broken'])
})
