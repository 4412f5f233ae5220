import { assert } from '#base/assert.ts'
import { hash53 } from './hash.ts'
import { nodesMax, pointsMax, pointsPerWeight } from './limits.ts'

/**
 * Consistent hashing (Karger et al. 1997): every node owns many points of a circle, a key belongs to the node of the first point at
 * or after its own. A node that comes or goes changes the owner of its own share of the keys and of no other.
 * The order in which nodes are given does not matter.
 *
 * A point is one number: its hash, with the low 12 bits replaced by its owner. So a ring is sorted as plain numbers, several times
 * faster than with a comparator, and 41 bits of position are plenty; equal positions are in the order of names.
 */
export interface Ring {
  /** Those with at least one point, sorted by name. */
  readonly nodes: readonly RingNode[]
  /** Ascending. */
  readonly points: Float64Array
}

export interface RingNode {
  readonly name: string
  /** A node of weight 2 gets twice the share of a node of weight 1. */
  readonly weight: number
}

export function buildRing(members: readonly RingNode[], pointsPerUnit: number = pointsPerWeight): Ring {
  const nodes = members.filter((node) => pointCount(node, pointsPerUnit) > 0).sort((left, right) => (left.name < right.name ? -1 : 1))
  assert(nodes.length <= nodesMax, 'too many nodes on the ring')
  for (let at = 1; at < nodes.length; at++) assert(nodes[at - 1]?.name !== nodes[at]?.name, 'a node is on the ring once')
  const total = nodes.reduce((sum, node) => sum + pointCount(node, pointsPerUnit), 0)
  assert(total <= pointsMax, 'too many points on the ring')

  const points = new Float64Array(total)
  let next = 0
  for (const [owner, node] of nodes.entries()) {
    const count = pointCount(node, pointsPerUnit)
    for (let at = 0; at < count; at++) points[next++] = positionOf(`${node.name}#${at}`) + owner
  }
  return { nodes, points: points.sort() }
}

/** A multiple of `nodesMax`. */
function positionOf(text: string): number {
  const hash = hash53(text)
  return hash - (hash % nodesMax)
}

function pointCount(node: RingNode, pointsPerUnit: number): number {
  return Math.round(node.weight * pointsPerUnit)
}

/** The name of the node that owns `key`; null on an empty ring. */
export function locate(ring: Ring, key: string): string | null {
  return ring.points.length === 0 ? null : ownerOf(ring, firstPoint(ring, key)).name
}

/** All nodes, each once, in the order in which the circle meets them from `key` on. */
export function* walk(ring: Ring, key: string): Generator<string, void> {
  const seen = new Set<RingNode>()
  let at = firstPoint(ring, key)
  while (seen.size < ring.nodes.length) {
    const owner = ownerOf(ring, at)
    if (!seen.has(owner)) {
      seen.add(owner)
      yield owner.name
    }
    at = at + 1 === ring.points.length ? 0 : at + 1
  }
}

/** The first `count` nodes of the walk, or all when there are fewer. */
export function replicaSet(ring: Ring, key: string, count: number): string[] {
  const replicas: string[] = []
  for (const node of walk(ring, key)) {
    if (replicas.length === count) break
    replicas.push(node)
  }
  return replicas
}

function ownerOf(ring: Ring, at: number): RingNode {
  return ring.nodes[(ring.points[at] as number) % nodesMax] as RingNode
}

/** The first point at or after the key's; the circle closes behind the last one. */
function firstPoint(ring: Ring, key: string): number {
  const position = positionOf(key)
  let low = 0
  let high = ring.points.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((ring.points[middle] as number) < position) low = middle + 1
    else high = middle
  }
  return low === ring.points.length ? 0 : low
}
