import type { Result } from '#base/result.ts'
import { err } from '#base/result.ts'
import type { ByteReader } from './byte-reader.ts'
import { readAll } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import { crc32 } from './checksum.ts'
import type { Schema } from './schema.ts'

/**
 * What every snapshot of a machine is on its way: magic and format, records one after another, a last one that counts them, and a checksum of
 * all of it. It is written in small pieces, so that it may be of any size.
 */

export interface SnapshotKind {
  /** Which no other kind has. */
  readonly magic: readonly number[]
  /** Raised when a record changes its meaning. */
  readonly format: number
  /** Of what, in words. */
  readonly of: string
}

/** How many records there were before it. */
interface End {
  readonly type: 'end'
  readonly records: number
}

const trailerBytes = 4
const pieceBytes = 16 * 1024

/** What the records come from must not change in between. Equal records give equal bytes. */
export function* writeFrame<R extends { readonly type: string }>(
  { magic, format }: SnapshotKind,
  schema: Schema<R | End>,
  records: Iterable<R>,
): IterableIterator<Uint8Array> {
  const writer = new ByteWriter(2 * pieceBytes)
  for (const byte of [...magic, format]) writer.byte(byte)
  let count = 0
  let checksum = 0
  for (const record of records) {
    schema.write(writer, record)
    count++
    if (writer.length < pieceBytes) continue
    const piece = writer.take()
    checksum = crc32(piece, checksum)
    yield piece
  }
  schema.write(writer, { type: 'end', records: count })
  const last = writer.take()
  yield last
  const trailer = new Uint8Array(trailerBytes)
  new DataView(trailer.buffer).setUint32(0, crc32(last, checksum))
  yield trailer
}

/** What `read` makes of the records, or why there are none. Bytes that were damaged, or that nobody wrote, do no harm. */
export function readFrame<T>({ magic, format, of }: SnapshotKind, bytes: Uint8Array, read: (reader: ByteReader) => T): Result<T, string> {
  const headerBytes = magic.length + 1
  if (bytes.length < headerBytes + trailerBytes) return err('cut short')
  if (magic.some((byte, at) => bytes[at] !== byte)) return err(`not a snapshot of ${of}`)
  if (bytes[magic.length] !== format) return err(`format ${bytes[magic.length]}, which this build does not know`)
  const end = bytes.length - trailerBytes
  const checksum = new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(end)
  if (crc32(bytes.subarray(0, end)) !== checksum) return err('the checksum does not match')
  return readAll(bytes.subarray(headerBytes, end), read)
}
