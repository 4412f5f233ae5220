import type { Millis, WallMillis } from '#base/brand.ts'
import { unreachable } from '#base/assert.ts'
import type { Entry, LogIndex, Membership, Message, Payload, ReplicaId, SnapshotMeta, Term, Timing } from '#core/raft/types.ts'
import { wireLimits } from './limits.ts'
import { Malformed, type Reader } from './reader.ts'
import { type Schema, boolean, bytes, list, string, struct, time, uint, union } from './schema.ts'
import type { Writer } from './writer.ts'

/** How the vocabulary of the Raft core travels. */

export const term = uint<Term>()
export const index = uint<LogIndex>()
export const replica = string<ReplicaId>()
export const replicas = list(replica, wireLimits.replicasMax)
const elapsed = time<Millis>()
export const wall = time<WallMillis>()

export const membership = struct<Membership>({ voters: replicas, outgoing: replicas, learners: replicas })

export const timing = struct<Timing>({ heartbeatMs: time(), electionMinMs: time(), electionMaxMs: time(), leaseMs: time() })

const snapshotMeta = struct<SnapshotMeta>({ index, term, time: elapsed, membership, membershipIndex: index, bytes: uint() })

/** By far the most frequent payload is told by its kind alone: bytes are a command, a string the leader of a term, a list a membership. */
const payload: Schema<Payload> = {
  write(writer, value) {
    switch (value.type) {
      case 'command':
        return writer.bytes(value.bytes)
      case 'term-start':
        return writer.string(value.leader)
      case 'membership':
        return membership.write(writer, value.membership)
      default:
        return unreachable(value)
    }
  },
  read(reader) {
    const kind = reader.peek()
    if (kind >= 0xc4 && kind <= 0xc6) return { type: 'command', bytes: reader.bytes() }
    if ((kind & 0xf0) === 0x90) return { type: 'membership', membership: membership.read(reader) }
    return { type: 'term-start', leader: replica.read(reader) }
  },
}

const entryFields = 5

/** The hot part of the protocol: written out by hand, and all fields of all entries in one flat list. */
export const entries: Schema<readonly Entry[]> = {
  write(writer, values) {
    writer.array(entryFields * values.length)
    for (const value of values) writeEntry(writer, value)
  },
  read(reader) {
    const values: Entry[] = []
    for (let left = reader.groups(entryFields, wireLimits.entriesMax); left > 0; left--) values.push(readEntry(reader))
    return values
  },
}

function writeEntry(writer: Writer, value: Entry): void {
  writer.uint(value.index)
  writer.uint(value.term)
  writer.time(value.time)
  writer.time(value.wall)
  payload.write(writer, value.payload)
}

function readEntry(reader: Reader): Entry {
  return {
    index: reader.uint() as LogIndex,
    term: reader.uint() as Term,
    time: reader.time() as Millis,
    wall: reader.time() as WallMillis,
    payload: payload.read(reader),
  }
}

const addressed = { from: replica, to: replica, term }

export type DirectMessage = Exclude<Message, { type: 'heartbeat' | 'heartbeat-ack' }>

export const raftMessage = union<DirectMessage>({
  append: [1, { ...addressed, previousIndex: index, previousTerm: term, entries, commit: index }],
  'append-ack': [2, { ...addressed, match: index }],
  'append-reject': [3, { ...addressed, rejected: index, hintIndex: index, hintTerm: term }],
  'vote-request': [4, { ...addressed, lastIndex: index, lastTerm: term, force: boolean }],
  'vote-response': [5, { ...addressed, granted: boolean }],
  'pre-vote-request': [6, { ...addressed, lastIndex: index, lastTerm: term }],
  'pre-vote-response': [7, { ...addressed, granted: boolean }],
  'stale-term': [8, addressed],
  'snapshot-chunk': [9, { ...addressed, snapshot: snapshotMeta, offset: uint(), bytes, last: boolean }],
  'snapshot-ack': [10, { ...addressed, index, offset: uint() }],
  'timeout-now': [11, addressed],
})

interface FromTo {
  readonly from: ReplicaId
  readonly to: ReplicaId
}

/**
 * A list whose items name two replicas each, out of a few that occur again and again: the distinct names once, then each item as two
 * places in that list and its other fields. A heartbeat for one group takes 8 to 20 bytes so.
 */
export function betweenReplicas<T extends FromTo>(rest: Schema<Omit<T, keyof FromTo>>, max: number): Schema<readonly T[]> {
  return {
    write(writer, values) {
      const places = new Map<ReplicaId, number>()
      for (const { from, to } of values) {
        if (!places.has(from)) places.set(from, places.size)
        if (!places.has(to)) places.set(to, places.size)
      }
      writer.array(2)
      writer.array(places.size)
      for (const name of places.keys()) writer.string(name)
      writer.array(3 * values.length)
      for (const value of values) {
        writer.uint(places.get(value.from) as number)
        writer.uint(places.get(value.to) as number)
        rest.write(writer, value)
      }
    },
    read(reader) {
      reader.tuple(2)
      const names: ReplicaId[] = []
      for (let left = reader.array(2 * max); left > 0; left--) names.push(replica.read(reader))
      const values: T[] = []
      for (let left = reader.groups(3, max); left > 0; left--) {
        const from = pick(names, reader.uint())
        const to = pick(names, reader.uint())
        values.push({ ...rest.read(reader), from, to } as T)
      }
      return values
    },
  }
}

function pick(names: readonly ReplicaId[], place: number): ReplicaId {
  const name = names[place]
  if (name === undefined) throw new Malformed('unknown replica')
  return name
}
