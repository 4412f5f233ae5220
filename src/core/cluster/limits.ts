import { assert } from '#base/assert.ts'

export const membersMax = 256
export const slotsMax = 65_535
export const nameLengthMax = 256
/** Removed incarnations are refused for ever, so they are kept for ever; no cluster gets near this. */
export const tombstonesMax = 65_536
export const metaVotersMax = 5
export const replicationMax = 5
/** Moves under way at a time: each copies a slot's data. */
export const movesMax = 4
export const timingMsMax = 60_000

assert(metaVotersMax % 2 === 1, 'an even number of voters stops at no more failures than one fewer')
assert(metaVotersMax <= membersMax && replicationMax <= membersMax, 'replicas live on distinct members')
