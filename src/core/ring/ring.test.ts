import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { present } from '#base/assert.ts'
import { buildRing, locate, replicaSet, walk } from './ring.ts'
import type { Ring, RingNode } from './ring.ts'

const keys = Array.from({ length: 100_000 }, (_, key) => `key-${key}`)

const equalNodes = (names: readonly string[]): RingNode[] => names.map((name) => ({ name, weight: 1 }))
const numbered = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, at) => `${prefix}${at + 1}`)

function shares(ring: Ring): Map<string, number> {
  const counts = new Map(ring.nodes.map((node) => [node.name, 0]))
  for (const key of keys) {
    const owner = present(locate(ring, key), 'the ring has nodes')
    counts.set(owner, (counts.get(owner) ?? Number.NaN) + 1 / keys.length)
  }
  return counts
}

/** How far the share of a node is from the fair one: 0.05 is five per cent of it. */
function deviation(ring: Ring): number {
  const fair = 1 / ring.nodes.length
  return Math.max(...[...shares(ring).values()].map((share) => Math.abs(share - fair) / fair))
}

function fastestMs(work: () => void): number {
  const runs = Array.from({ length: 5 }, () => {
    const start = performance.now()
    work()
    return performance.now() - start
  })
  return Math.min(...runs)
}

const anyTriple = fc.uniqueArray(fc.stringMatching(/^[a-z0-9-]{1,12}$/), { minLength: 3, maxLength: 3 })
const anyNodes = fc.uniqueArray(
  fc.record({ name: fc.stringMatching(/^[a-z0-9-]{1,12}$/), weight: fc.constantFrom(0, 0.1, 0.5, 1, 2, 3) }),
  { selector: (node) => node.name, maxLength: 12 },
)

test('100 000 keys spread over three nodes within 5 % for the names a deployment has', () => {
  for (const prefix of ['lock-node-', 'queue-node-', 'cache-node-', 'node-']) {
    const spread = deviation(buildRing(equalNodes(numbered(prefix, 3))))
    assert.ok(spread <= 0.05, `${prefix}: ${spread}`)
  }
})

test('over any names 512 points keep 5 % in the median and 15 % at worst', () => {
  const spreads = fc
    .sample(anyTriple, { numRuns: 100, seed: 7 })
    .map((names) => deviation(buildRing(equalNodes(names))))
    .toSorted((left, right) => left - right)
  assert.ok((spreads[50] ?? 1) <= 0.05, `median ${spreads[50]}`)
  assert.ok((spreads[99] ?? 1) <= 0.15, `worst ${spreads[99]}`)
})

test('ten points a node would fail these tests: the spread is as bad as 41.6/24.5/33.9 %', () => {
  const asBad = 0.416 * 3 - 1
  const spreads = fc.sample(anyTriple, { numRuns: 100, seed: 7 }).map((names) => deviation(buildRing(equalNodes(names), 10)))
  assert.ok(spreads.filter((spread) => spread > 0.05).length >= 95)
  assert.ok(spreads.filter((spread) => spread >= asBad).length >= 40)
  assert.ok(deviation(buildRing(equalNodes(numbered('node-', 3)), 10)) > asBad)
})

test('a fourth node takes about a quarter of the keys, and only it gets any', () => {
  for (const prefix of ['lock-node-', 'queue-node-', 'cache-node-', 'node-']) {
    const before = buildRing(equalNodes(numbered(prefix, 3)))
    const after = buildRing(equalNodes(numbered(prefix, 4)))
    const moved = keys.filter((key) => locate(before, key) !== locate(after, key))
    const share = moved.length / keys.length
    assert.ok(share >= 0.22 && share <= 0.28, `${prefix}: ${share}`)
    assert.ok(moved.every((key) => locate(after, key) === `${prefix}4`))
  }
})

test('a node that goes takes no key from one that stays', () => {
  fc.assert(
    fc.property(anyNodes, (nodes) => {
      const [gone, ...others] = nodes
      fc.pre(gone !== undefined)
      const before = buildRing(nodes, 32)
      const after = buildRing(others, 32)
      for (const key of keys.slice(0, 200)) {
        const owner = locate(before, key)
        if (owner !== gone.name) assert.equal(locate(after, key), owner)
      }
    }),
  )
})

test('a weight of two gets twice the share', () => {
  const counts = shares(
    buildRing([
      { name: 'node-1', weight: 1 },
      { name: 'node-2', weight: 2 },
      { name: 'node-3', weight: 1 },
    ]),
  )
  assert.ok(Math.abs((counts.get('node-2') ?? 0) - 0.5) < 0.03, `${counts.get('node-2')}`)
  assert.ok(Math.abs((counts.get('node-1') ?? 0) - 0.25) < 0.03, `${counts.get('node-1')}`)
})

test('look-up and walk agree with a naive circle', () => {
  fc.assert(
    fc.property(anyNodes, fc.string(), (nodes, key) => {
      const ring = buildRing(nodes, 8)
      const withPoints = nodes.filter((node) => Math.round(node.weight * 8) > 0).map((node) => node.name)
      const walked = [...walk(ring, key)]
      assert.deepEqual(walked.toSorted(), withPoints.toSorted())
      assert.equal(walked[0] ?? null, locate(ring, key))
      // Without those before it, each node of the walk is the owner.
      for (const [at, name] of walked.entries()) {
        const rest = nodes.filter((node) => !walked.slice(0, at).includes(node.name))
        assert.equal(locate(buildRing(rest, 8), key), name)
      }
    }),
  )
})

test('the order in which nodes are given does not matter', () => {
  fc.assert(
    fc.property(anyNodes, (nodes) => {
      assert.deepEqual(buildRing(nodes.toReversed(), 16), buildRing(nodes, 16))
    }),
  )
})

test('a replica set is the first distinct nodes of the walk', () => {
  const ring = buildRing(equalNodes(numbered('node-', 5)))
  const set = replicaSet(ring, 'slot/7', 3)
  assert.equal(new Set(set).size, 3)
  assert.deepEqual(set, [...walk(ring, 'slot/7')].slice(0, 3))
  assert.equal(replicaSet(buildRing(equalNodes(['only'])), 'slot/7', 3).length, 1)
  assert.deepEqual(replicaSet(buildRing([]), 'slot/7', 3), [])
})

test('a hundred nodes are built within 100 ms and looked up within a few microseconds', () => {
  const nodes = equalNodes(numbered('node-', 100))
  const ring = buildRing(nodes)
  const buildMs = fastestMs(() => buildRing(nodes))
  const lookUpsMs = fastestMs(() => keys.forEach((key) => locate(ring, key)))
  assert.ok(buildMs < 100, `${buildMs} ms`)
  assert.ok(lookUpsMs / keys.length < 0.005, `${lookUpsMs} ms for ${keys.length}`)
})
