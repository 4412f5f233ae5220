import type { Edge } from '#core/cache/transitions.ts'
import { edgeName, edges } from '#core/cache/transitions.ts'
import type { KnownNode } from './world.ts'

/** A change of state that lines can make, and how often it was made. */
export interface CacheEdge extends Edge {
  readonly name: string
  /** By node, in their order; null while one does not answer. */
  readonly counts: readonly (number | null)[]
}

/** All that the table of the protocol has, in its order. */
export const cacheEdges = (nodes: readonly KnownNode[]): readonly CacheEdge[] =>
  edges.map((edge) => {
    const name = edgeName(edge)
    return { ...edge, name, counts: nodes.map(({ report }) => report?.transitions[name] ?? null) }
  })
