import { assert } from '#base/assert.ts'

/** Points on the ring of a node of weight 1. */
export const pointsPerWeight = 512
/** No node leads more than this times the mean (rounded up). */
export const leaderLoadFactor = 1.25
export const pointsMax = 4_000_000
export const slotsMax = 65_535
export const partitionsMax = 65_535

assert(leaderLoadFactor >= 1, 'below the mean there is no place for all')
assert(pointsMax < 2 ** 32, 'points are numbered in 32 bits')
