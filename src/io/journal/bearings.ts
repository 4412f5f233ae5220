import type { Position } from './ring.ts'

/**
 * What the journal keeps in the store beneath, in the same transaction as the batches themselves: which journal it is, up to which record
 * its batches are in that store, and the node's own record. Little-endian:
 *
 *     1  format (1)     4  journal     8  number of the record     4  page of the next     then the node's record, if there is one: 1  1, its bytes
 */
export interface Bearings {
  /** Names the file, and begins every checksum in it: drawn at random, so that nothing a client sends can pass for a record. */
  readonly journal: number
  readonly position: Position
  readonly node: Uint8Array | null
}

const format = 1
const headerBytes = 18

export function encodeBearings({ journal, position, node }: Bearings): Uint8Array {
  const bytes = Buffer.alloc(headerBytes + (node?.length ?? 0))
  bytes.writeUInt8(format, 0)
  bytes.writeUInt32LE(journal, 1)
  bytes.writeDoubleLE(position.number, 5)
  bytes.writeUInt32LE(position.page, 13)
  bytes.writeUInt8(node === null ? 0 : 1, 17)
  if (node !== null) bytes.set(node, headerBytes)
  return bytes
}

/** Null for bytes of another format. */
export function decodeBearings(encoded: Uint8Array): Bearings | null {
  if (encoded.length < headerBytes || encoded[0] !== format) return null
  const bytes = Buffer.from(encoded.buffer, encoded.byteOffset, encoded.length)
  return {
    journal: bytes.readUInt32LE(1),
    position: { number: bytes.readDoubleLE(5), page: bytes.readUInt32LE(13) },
    node: bytes.readUInt8(17) === 0 ? null : new Uint8Array(encoded.subarray(headerBytes)),
  }
}
