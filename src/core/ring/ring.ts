import { assert } from '#base/assert.ts'
import { hash53 } from './hash.ts'
import { pointsMax, pointsPerWeight } from './limits.ts'

/**
 * Consistent hashing (Karger et al. 1997): every node owns many points of a circle, a key belongs to the node of the first point at
 * or after its own. A node that comes or goes changes the owner of its own share of the keys and of no other.
 * The order in which nodes are given does not matter.
 */
export interface Ring {
  /** Those with at least one point, sorted by name. */
  readonly nodes: readonly RingNode[]
  /** Invariant: ascending, and as many as `owners`. */
  readonly positions: Float64Array
  /** The position in `nodes` of each point's owner. */
  readonly owners: Uint32Array
}

export interface RingNode {
  readonly name: string
  /** A node of weight 2 gets twice the share of a node of weight 1. */
  readonly weight: number
}

export function buildRing(members: readonly RingNode[], points: number = pointsPerWeight): Ring {
  const nodes = members.filter((node) => pointCount(node, points) > 0).sort((left, right) => (left.name < right.name ? -1 : 1))
  for (let at = 1; at < nodes.length; at++) assert(nodes[at - 1]?.name !== nodes[at]?.name, 'a node is on the ring once')
  const counts = nodes.map((node) => pointCount(node, points))
  const total = counts.reduce((sum, count) => sum + count, 0)
  assert(total <= pointsMax, 'too many points on the ring')

  const hashes = new Float64Array(total)
  const hashOwners = new Uint32Array(total)
  let next = 0
  for (const [owner, node] of nodes.entries()) {
    for (let point = 0; point < (counts[owner] as number); point++, next++) {
      hashes[next] = hash53(`${node.name}#${point}`)
      hashOwners[next] = owner
    }
  }
  // Equal positions keep the order of names: the sort is stable.
  const order = Uint32Array.from(hashes.keys()).sort((left, right) => (hashes[left] as number) - (hashes[right] as number))
  return { nodes, positions: Float64Array.from(order, (at) => hashes[at] as number), owners: order.map((at) => hashOwners[at] as number) }
}

function pointCount(node: RingNode, pointsPerUnit: number): number {
  return Math.round(node.weight * pointsPerUnit)
}

/** The name of the node that owns `key`; null on an empty ring. */
export function locate(ring: Ring, key: string): string | null {
  if (ring.positions.length === 0) return null
  return ring.nodes[ring.owners[firstPoint(ring, key)] as number]?.name ?? null
}

/** All nodes, each once, in the order in which the circle meets them from `key` on. */
export function* walk(ring: Ring, key: string): Generator<string, void> {
  const points = ring.positions.length
  const seen = new Uint8Array(ring.nodes.length)
  let left = ring.nodes.length
  for (let at = points === 0 ? 0 : firstPoint(ring, key); left > 0; at = at + 1 === points ? 0 : at + 1) {
    const owner = ring.owners[at] as number
    if (seen[owner] === 1) continue
    seen[owner] = 1
    left--
    yield (ring.nodes[owner] as RingNode).name
  }
}

/** The first `count` nodes of the walk, or all when there are fewer. */
export function replicaSet(ring: Ring, key: string, count: number): string[] {
  return walk(ring, key).take(count).toArray()
}

/** The first point at or after the key's; the circle closes behind the last one. */
function firstPoint(ring: Ring, key: string): number {
  const position = hash53(key)
  let low = 0
  let high = ring.positions.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((ring.positions[middle] as number) < position) low = middle + 1
    else high = middle
  }
  return low === ring.positions.length ? 0 : low
}
