import { assert, unreachable } from '#base/assert.ts'
import { millis, wallMillis } from '#base/brand.ts'
import { logIndex, replicaId, term } from '#core/raft/types.ts'
import type { Entry, LogIndex, Membership, Payload } from '#core/raft/types.ts'

/**
 * Log entries, one after the other, in ascending order of index (little-endian throughout):
 *
 *     4  length of the body          8  term (float64)       8  wall (float64)
 *     4  index less `first`          8  time (float64)       1  kind of body, then the body
 *
 * Numbers are float64 where JavaScript's are: times may have fractions, terms and indexes go to 2^53.
 */
const headerBytes = 33

const kinds = { termStart: 0, command: 1, membership: 2 } as const

/** The bytes of an entry whose body needs encoding; a command's body is its bytes. */
const bodyOf = (payload: Payload): Uint8Array => {
  switch (payload.type) {
    case 'command':
      return payload.bytes
    case 'term-start':
      return Buffer.from(payload.leader)
    case 'membership':
      return Buffer.from(JSON.stringify(payload.membership))
    default:
      return unreachable(payload)
  }
}

const kindOf = (payload: Payload): number => {
  switch (payload.type) {
    case 'command':
      return kinds.command
    case 'term-start':
      return kinds.termStart
    case 'membership':
      return kinds.membership
    default:
      return unreachable(payload)
  }
}

/** How many bytes an entry takes, near enough to cut batches by; exact for commands. */
export const entryBytes = ({ payload }: Entry): number => headerBytes + (payload.type === 'command' ? payload.bytes.length : 256)

/** Encodes the entries after `reserved` free bytes. */
export function encodeEntries(entries: readonly Entry[], first: LogIndex, reserved: number): Uint8Array {
  const bodies = entries.map(({ payload }) => bodyOf(payload))
  let length = reserved
  for (const body of bodies) length += headerBytes + body.length
  const bytes = new Uint8Array(length)
  const view = new DataView(bytes.buffer)
  let at = reserved
  for (const [position, body] of bodies.entries()) {
    const entry = entries[position] as Entry
    assert(entry.index >= first && entry.index - first <= 0xffff_ffff, 'an entry lies at or after the first')
    view.setUint32(at, body.length, true)
    view.setUint32(at + 4, entry.index - first, true)
    view.setFloat64(at + 8, entry.term, true)
    view.setFloat64(at + 16, entry.time, true)
    view.setFloat64(at + 24, entry.wall, true)
    view.setUint8(at + 32, kindOf(entry.payload))
    bytes.set(body, at + headerBytes)
    at += headerBytes + body.length
  }
  assert(at === length, 'the entries fill what was counted for them')
  return bytes
}

/** The entries of a payload whose checksum was verified; commands are views of it. */
export function decodeEntries(payload: Uint8Array, first: LogIndex): Entry[] {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length)
  const entries: Entry[] = []
  let at = 0
  while (at < payload.length) {
    const length = view.getUint32(at, true)
    const body = new Uint8Array(payload.buffer, payload.byteOffset + at + headerBytes, length)
    entries.push({
      index: logIndex(first + view.getUint32(at + 4, true)),
      term: term(view.getFloat64(at + 8, true)),
      time: millis(view.getFloat64(at + 16, true)),
      wall: wallMillis(view.getFloat64(at + 24, true)),
      payload: payloadOf(view.getUint8(at + 32), body),
    })
    at += headerBytes + length
  }
  assert(at === payload.length, 'entries fill their record')
  return entries
}

/** An entry that shares no bytes with this one. */
export const copyEntry = (entry: Entry): Entry =>
  entry.payload.type === 'command' ? { ...entry, payload: { type: 'command', bytes: entry.payload.bytes.slice() } } : entry

function payloadOf(kind: number, body: Uint8Array): Payload {
  switch (kind) {
    case kinds.command:
      return { type: 'command', bytes: body }
    case kinds.termStart:
      return { type: 'term-start', leader: replicaId(textOf(body)) }
    default:
      assert(kind === kinds.membership, 'a body is of a known kind')
      // The checksum vouches for the bytes, and only `bodyOf` makes them.
      return { type: 'membership', membership: JSON.parse(textOf(body)) as Membership }
  }
}

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString()
