import { assert } from '#base/assert.ts'

/** Points on the ring of a node of weight 1. */
export const pointsPerWeight = 512
/** No node leads more than this times the mean (rounded up). */
export const leaderLoadFactor = 1.25
/** A point keeps its owner in its low 12 bits. */
export const nodesMax = 4_096
export const pointsMax = 4_000_000
export const slotsMax = 65_535
export const partitionsMax = 65_535

assert(leaderLoadFactor >= 1, 'below the mean there is no place for all')
assert(Math.log2(nodesMax) % 1 === 0, 'an owner fills whole bits')
assert(pointsMax >= nodesMax * pointsPerWeight, 'every node may have its points')
