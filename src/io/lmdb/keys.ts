import type { Brand } from '#base/brand.ts'
import { logIndex } from '#core/raft/types.ts'
import type { LogIndex } from '#core/raft/types.ts'

/**
 * Where records lie: one tree, keys in byte order, numbers big-endian.
 *
 *     1                        store    what there must be: groups, tombstones, next stream
 *     2                        owner    who has the store open
 *     3                        node     the node's own record
 *     4 group                  group    what changes seldom of a group: hard state, base, streams
 *     5 group                  tail     index and term of the group's last entry
 *     6 group                  tombstone
 *     7 stream first-index     a run of log entries
 *     8 stream offset          a chunk of a snapshot
 *
 * Every log and every snapshot is a stream under a number that is never used twice. To drop one is to forget its number; its records
 * are garbage from then on and go bit by bit, also after a crash, because nothing refers to them.
 */
export type StreamId = Brand<number, 'StreamId'>
export const streamId = (value: number): StreamId => value as StreamId

const kinds = { store: 1, owner: 2, node: 3, group: 4, tail: 5, tombstone: 6, entries: 7, chunk: 8 } as const

const singleton = (kind: number): Uint8Array => Uint8Array.of(kind)

export const storeKey = singleton(kinds.store)
export const ownerKey = singleton(kinds.owner)
export const nodeKey = singleton(kinds.node)

export const groupKey = (group: number): Uint8Array => numbered(kinds.group, group)
export const tailKey = (group: number): Uint8Array => numbered(kinds.tail, group)
export const tombstoneKey = (group: number): Uint8Array => numbered(kinds.tombstone, group)
export const entriesKey = (stream: StreamId, first: LogIndex): Uint8Array => positioned(kinds.entries, stream, first)
export const chunkKey = (stream: StreamId, offset: number): Uint8Array => positioned(kinds.chunk, stream, offset)

/** All keys from `start` up to, and without, `end`. */
export interface KeyRange {
  readonly start: Uint8Array
  readonly end: Uint8Array
}

export const everything: KeyRange = { start: singleton(0), end: singleton(0xff) }

/** Runs of entries of a log that begin in [from, to). */
export const runsBetween = (stream: StreamId, from: LogIndex, to: LogIndex): KeyRange => ({
  start: entriesKey(stream, from),
  end: entriesKey(stream, to),
})

export const runsFrom = (stream: StreamId, from: LogIndex): KeyRange => ({
  start: entriesKey(stream, from),
  end: numbered(kinds.entries, stream + 1),
})

export const chunksOf = (stream: StreamId): KeyRange => ({
  start: numbered(kinds.chunk, stream),
  end: numbered(kinds.chunk, stream + 1),
})

/** Whether a stream is a log or a snapshot, its records are in one of these. */
export const rangesOf = (stream: StreamId): readonly KeyRange[] => [runsFrom(stream, logIndex(0)), chunksOf(stream)]

/** Records of streams with at least this number, by kind. */
export const streamsFrom = (stream: number): readonly KeyRange[] => [
  { start: numbered(kinds.entries, stream), end: singleton(kinds.entries + 1) },
  { start: numbered(kinds.chunk, stream), end: singleton(kinds.chunk + 1) },
]

export const streamOf = (key: Uint8Array): StreamId => streamId(uint32At(key, 1))

/** The first index of a run, or the offset of a chunk. */
export const positionOf = (key: Uint8Array): number => uint32At(key, 5) * 2 ** 32 + uint32At(key, 9)

/** For people: what a key stands for. */
export function nameOf(key: Uint8Array): string {
  switch (key[0]) {
    case kinds.store:
      return 'the record of the store'
    case kinds.owner:
      return 'the record of the owner'
    case kinds.node:
      return 'the record of the node'
    case kinds.group:
      return 'the record with the hard state'
    case kinds.tail:
      return 'the tail marker'
    case kinds.tombstone:
      return `the tombstone of group ${uint32At(key, 1)}`
    case kinds.entries:
      return `the log record that begins at index ${positionOf(key)}`
    case kinds.chunk:
      return `the snapshot chunk at offset ${positionOf(key)}`
    default:
      return `the record under the key ${Buffer.from(key).toString('hex')}`
  }
}

function numbered(kind: number, number: number): Uint8Array {
  const key = new Uint8Array(5)
  key[0] = kind
  putUint32(key, 1, number)
  return key
}

function positioned(kind: number, stream: StreamId, position: number): Uint8Array {
  const key = new Uint8Array(13)
  key[0] = kind
  putUint32(key, 1, stream)
  putUint32(key, 5, Math.floor(position / 2 ** 32))
  putUint32(key, 9, position)
  return key
}

/** Keeps the low 32 bits. */
function putUint32(key: Uint8Array, at: number, value: number): void {
  key[at] = value >>> 24
  key[at + 1] = value >>> 16
  key[at + 2] = value >>> 8
  key[at + 3] = value
}

function uint32At(key: Uint8Array, at: number): number {
  let value = 0
  for (let position = at; position < at + 4; position++) value = value * 256 + (key[position] ?? 0)
  return value
}
