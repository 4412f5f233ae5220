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
/** Of the log of a slot's life: the next one goes on behind all of them. A hundred thousand a second last for four months. */
export const lifeEntriesMax = 2 ** 40
export const livesMax = 8_000
/** Terms that those who were given up may have entered since the one who is left heard of them: a new one every second, for two weeks. */
export const lostTermsMax = 2 ** 20
/** The longest that a client may rely on what a leader told it, after the leader's own lease: a service asserts that its leases are shorter. */
export const clientLeaseMsMax = 1_200

assert(metaVotersMax % 2 === 1, 'an even number of voters stops at no more failures than one fewer')
assert(lifeEntriesMax * (livesMax + 1) <= Number.MAX_SAFE_INTEGER, 'the entries of all lives have indexes')
assert(metaVotersMax <= membersMax && replicationMax <= membersMax, 'replicas live on distinct members')
