import { assert } from '#base/assert.ts'
import { limits as raftLimits } from '#core/raft/limits.ts'

const mebibyte = 1024 * 1024

/** A limit on everything a peer may send. What is over one is refused by the receiver, so a sender never makes it. */
export const wireLimits = {
  /** A longer message travels in several frames (decision R7). */
  frameBodyBytesMax: 64 * 1024,
  messageBytesMax: 16 * mebibyte,
  entriesMax: 4096,
  commandsMax: 4096,
  /** Groups that one heartbeat message names. */
  beatsMax: 4096,
  replicasMax: 1024,
  membersMax: 1024,
  stringBytesMax: 4096,
} as const

assert(wireLimits.entriesMax >= raftLimits.appendEntriesMax, 'the largest append can be sent')
assert(wireLimits.messageBytesMax >= 2 * raftLimits.appendBytesMax, 'the largest append fits with what is around it')
assert(wireLimits.messageBytesMax > 8 * mebibyte, 'the largest request fits, and one entry that holds it')
assert(wireLimits.replicasMax >= raftLimits.votersMax + raftLimits.learnersMax, 'a whole membership can be sent')
