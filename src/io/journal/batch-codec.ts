import { assert } from '#base/assert.ts'
import { replicaId, term } from '#core/raft/types.ts'
import type { Entry, HardState, LogIndex } from '#core/raft/types.ts'
import { decodeEntries, encodeEntries, entryBytes } from '#io/entry-codec/entries.ts'
import type { GroupWrite, StoreBatch } from '#ports/log-store.ts'

/**
 * The batches that a journal holds: those without snapshots, compactions and removals. One after the other, little-endian:
 *
 *     1  0: the node's own record          4  its length, then the record
 *     1  1: a write to a group             4  group
 *        1  which of the following are there, one bit each
 *        8  term, 4  length of the vote (2^32 - 1: none), then the vote
 *        4  length of `about`, then `about`
 *        8  index from which the log is cut
 *        8  index of the first entry, 4  length of the entries, then the entries
 */
const items = { node: 0, write: 1 } as const
const parts = { hardState: 1, about: 2, truncateFrom: 4, entries: 8 } as const
const noVote = 0xffff_ffff

/** What a batch in the journal says about one group. */
export type JournaledWrite = Pick<GroupWrite, 'group' | 'hardState' | 'about' | 'truncateFrom' | 'entries'>

export interface JournaledBatch {
  readonly node: Uint8Array | null
  readonly groups: readonly JournaledWrite[]
}

/** Whether a journal may hold the batch; what it may not hold is seldom, large, or both. */
export const isJournaled = ({ groups }: StoreBatch): boolean =>
  groups.every(
    ({ snapshotChunk, bodies, install, compact, remove }) =>
      snapshotChunk === null && bodies === null && install === null && compact === null && remove === null,
  )

/** How many bytes a batch takes, near enough to cut records by. */
export function batchBytes({ node, groups }: JournaledBatch): number {
  let bytes = node?.length ?? 0
  for (const { about, entries } of groups) {
    bytes += 128 + (about?.length ?? 0)
    for (const entry of entries) bytes += entryBytes(entry)
  }
  return bytes
}

/** The batches after `reserved` free bytes. */
export function encodeBatches(batches: readonly JournaledBatch[], reserved: number): Buffer {
  const pieces: Uint8Array[] = [Buffer.alloc(reserved)]
  for (const { node, groups } of batches) {
    if (node !== null) pieces.push(Buffer.from([items.node]), ...sized(node))
    for (const write of groups) encodeWrite(pieces, write)
  }
  return Buffer.concat(pieces)
}

function encodeWrite(pieces: Uint8Array[], { group, hardState, about, truncateFrom, entries }: JournaledWrite): void {
  const [first] = entries
  const present =
    (hardState === null ? 0 : parts.hardState) |
    (about === null ? 0 : parts.about) |
    (truncateFrom === null ? 0 : parts.truncateFrom) |
    (first === undefined ? 0 : parts.entries)
  pieces.push(Buffer.from([items.write]), uint32(group), Buffer.from([present]))
  if (hardState !== null) {
    pieces.push(float64(hardState.term), ...(hardState.vote === null ? [uint32(noVote)] : sized(Buffer.from(hardState.vote))))
  }
  if (about !== null) pieces.push(...sized(about))
  if (truncateFrom !== null) pieces.push(float64(truncateFrom))
  if (first !== undefined) pieces.push(float64(first.index), ...sized(encodeEntries(entries, first.index, 0)))
}

function uint32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeUInt32LE(value)
  return bytes
}

function float64(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8)
  bytes.writeDoubleLE(value)
  return bytes
}

const sized = (bytes: Uint8Array): Uint8Array[] => [uint32(bytes.length), bytes]

/** The batches of a payload whose checksum was verified, as one; what is in it shares the payload's bytes. */
export function decodeBatches(payload: Buffer): JournaledBatch {
  const cursor = new Cursor(payload)
  let node: Uint8Array | null = null
  const groups: JournaledWrite[] = []
  while (!cursor.atEnd) {
    if (cursor.uint8() === items.node) node = cursor.sized()
    else groups.push(decodeWrite(cursor))
  }
  return { node, groups }
}

function decodeWrite(cursor: Cursor): JournaledWrite {
  const group = cursor.uint32()
  const present = cursor.uint8()
  const has = (part: number): boolean => (present & part) !== 0
  const hardState = has(parts.hardState) ? decodeHardState(cursor) : null
  const about = has(parts.about) ? cursor.sized() : null
  const truncateFrom = has(parts.truncateFrom) ? (cursor.float64() as LogIndex) : null
  const entries: Entry[] = has(parts.entries) ? decodeFrom(cursor) : []
  return { group, hardState, about, truncateFrom, entries }
}

function decodeHardState(cursor: Cursor): HardState {
  const ofTerm = term(cursor.float64())
  const length = cursor.uint32()
  return { term: ofTerm, vote: length === noVote ? null : replicaId(cursor.bytes(length).toString()) }
}

function decodeFrom(cursor: Cursor): Entry[] {
  const first = cursor.float64() as LogIndex
  return decodeEntries(cursor.sized(), first)
}

class Cursor {
  readonly #payload: Buffer
  #at = 0

  constructor(payload: Buffer) {
    this.#payload = payload
  }

  get atEnd(): boolean {
    return this.#at === this.#payload.length
  }

  uint8(): number {
    return this.#payload.readUInt8(this.#take(1))
  }

  uint32(): number {
    return this.#payload.readUInt32LE(this.#take(4))
  }

  float64(): number {
    return this.#payload.readDoubleLE(this.#take(8))
  }

  bytes(length: number): Buffer {
    const at = this.#take(length)
    return this.#payload.subarray(at, at + length)
  }

  sized(): Buffer {
    return this.bytes(this.uint32())
  }

  #take(length: number): number {
    const at = this.#at
    this.#at += length
    assert(this.#at <= this.#payload.length, 'a record ends where its last batch does')
    return at
  }
}
