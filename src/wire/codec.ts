import { assert } from '#base/assert.ts'
import type { Result } from '#base/result.ts'
import type { Formation, FoundingMember } from '#core/cluster/types.ts'
import type { RoleName } from '#core/raft/types.ts'
import { wireLimits } from './limits.ts'
import type {
  Beat,
  BeatAck,
  GroupStatus,
  Hello,
  JoinRequest,
  PeerMessage,
  PeerRequest,
  PeerResponse,
  ProposalOutcome,
  RefusalCode,
} from './peer-message.ts'
import { betweenReplicas, entries, index, membership, raftMessage, replica, replicas, term, timing, wall } from './raft-schema.ts'
import { readAll } from './reader.ts'
import { boolean, bytes, list, nullable, string, struct, uint, uint32, union, word } from './schema.ts'
import { Writer } from './writer.ts'

/**
 * How every `PeerMessage` travels: MessagePack with a fixed order of fields and no names (docs/wire.md).
 *
 * To add a variant, add a line with a tag that was never used; the compiler asks for it. Fields and tags of a released protocol version
 * never change their meaning.
 */

const beats = betweenReplicas<Beat>(struct({ group: uint32, term, commit: index, round: uint(), restMs: uint() }), wireLimits.beatsMax)
const beatAcks = betweenReplicas<BeatAck>(struct({ group: uint32, term, round: uint(), match: index }), wireLimits.beatsMax)

const member = struct<FoundingMember>({ name: string(), incarnation: string(), address: string() })

const formation = struct<Formation>({
  clusterId: string(),
  recovery: nullable(string()),
  members: list(member, wireLimits.membersMax),
  slots: uint32,
  replication: uint32,
  timing,
})

const hello = struct<Hello>({
  name: string(),
  incarnation: string(),
  address: string(),
  voters: list(string(), wireLimits.membersMax),
  timing,
  formation: nullable(formation),
})

const join = struct<JoinRequest>({ name: string(), incarnation: string(), address: string(), version: uint32, timing })

const request = union<PeerRequest>({
  propose: [1, { group: uint32, commands: list(bytes, wireLimits.commandsMax) }],
  'read-index': [2, { group: uint32 }],
  'group-status': [3, { group: uint32 }],
  'change-membership': [4, { group: uint32, expectedIndex: index, voters: replicas, learners: replicas }],
  transfer: [5, { group: uint32, to: replica }],
  'host-group': [6, { group: uint32, replica, initial: membership, decidedAt: index }],
  'drop-group': [7, { group: uint32, replica, givesUp: boolean }],
  hello: [8, { hello }],
  form: [9, { formation }],
  join: [10, { join }],
  service: [11, { group: uint32, question: bytes }],
  bodies: [12, { group: uint32, after: index, upTo: index }],
})

const refusalCode = word<RefusalCode>({
  'not-leader': 1,
  'no-such-group': 2,
  transferring: 3,
  overloaded: 4,
  halted: 5,
  'stale-index': 6,
  'change-pending': 7,
  'not-caught-up': 8,
  'no-quorum': 9,
  invalid: 10,
  'other-cluster': 11,
  'timing-differs': 12,
  'version-too-old': 13,
  'not-formed': 14,
  removed: 15,
  'session-lost': 16,
  stopping: 17,
})

const role = word<RoleName>({ follower: 1, 'pre-candidate': 2, candidate: 3, leader: 4, halted: 5 })

const groupStatus = struct<GroupStatus>({
  replica,
  role,
  term,
  leader: nullable(replica),
  commit: index,
  applied: index,
  membership,
  membershipIndex: index,
  caughtUp: replicas,
  reachable: replicas,
})

const outcome = union<ProposalOutcome>({
  applied: [1, { index, answer: bytes }],
  refused: [2, { code: refusalCode, leader: nullable(replica) }],
  unknown: [3, {}],
})

const response = union<PeerResponse>({
  proposed: [1, { outcomes: list(outcome, wireLimits.commandsMax) }],
  'read-index': [2, { index }],
  'group-status': [3, { status: groupStatus }],
  'membership-accepted': [4, { index }],
  done: [5, {}],
  hello: [6, { hello }],
  joined: [7, { formation }],
  refused: [8, { code: refusalCode, detail: string(), leader: nullable(replica) }],
  service: [9, { answer: bytes }],
  bodies: [10, { upTo: index, entries }],
})

const peerMessage = union<PeerMessage>({
  raft: [1, { group: uint32, message: raftMessage }],
  heartbeats: [2, { wall, beats }],
  'heartbeat-acks': [3, { wall, acks: beatAcks }],
  request: [4, { id: uint(), request }],
  response: [5, { id: uint(), response }],
  notice: [6, { content: bytes }],
})

/** Turns messages into bytes; keeps the memory it works in. */
export class Encoder {
  readonly #writer = new Writer(64 * 1024)

  /** The result is the caller's for good. Null when the message is too large to be sent. */
  encode(message: PeerMessage): Uint8Array | null {
    const writer = this.#writer
    assert(writer.length === 0, 'one message at a time')
    peerMessage.write(writer, message)
    if (writer.length <= wireLimits.messageBytesMax) return writer.take()
    writer.drop()
    return null
  }
}

/** The message, which shares no memory with `encoded`, or what is wrong with the bytes. Never throws. */
export function decode(encoded: Uint8Array): Result<PeerMessage, string> {
  return readAll(encoded, (reader) => peerMessage.read(reader))
}
