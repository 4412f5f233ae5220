import { crc32 } from 'node:zlib'
import { assert } from '#base/assert.ts'
import { pageBytes } from './limits.ts'

/**
 * A record begins at a page (little-endian):
 *
 *     4  mark, with the format       8  number (float64)         4  CRC-32 of the journal's number, then of the
 *     4  length of the payload                                      sixteen bytes before it, then of the payload
 *
 * Records are numbered from 1 on without a gap, so a record of an earlier lap is never taken for the next one.
 */
export const recordHeaderBytes = 20
const mark = 0x314a_534c
const checksumAt = 16

export const pagesFor = (recordBytes: number): number => Math.ceil(recordBytes / pageBytes)

/** Fills in the header of a record whose payload is in place. */
export function sealRecord(record: Buffer, journal: number, number: number): void {
  record.writeUInt32LE(mark, 0)
  record.writeUInt32LE(record.length - recordHeaderBytes, 4)
  record.writeDoubleLE(number, 8)
  record.writeUInt32LE(checksumOf(record, journal), checksumAt)
}

const checksumOf = (record: Buffer, journal: number): number =>
  crc32(record.subarray(recordHeaderBytes), crc32(record.subarray(0, checksumAt), journal))

export interface FoundRecord {
  readonly number: number
  readonly payload: Buffer
  readonly pages: number
}

/** The record at a page; null where none is as it was sealed. */
export function recordAt(bytes: Buffer, journal: number, page: number): FoundRecord | null {
  const at = page * pageBytes
  assert(at % pageBytes === 0 && at + pageBytes <= bytes.length, 'a page lies within the journal')
  if (bytes.readUInt32LE(at) !== mark) return null
  const end = at + recordHeaderBytes + bytes.readUInt32LE(at + 4)
  if (end > bytes.length) return null
  const record = bytes.subarray(at, end)
  if (record.readUInt32LE(checksumAt) !== checksumOf(record, journal)) return null
  return { number: record.readDoubleLE(8), payload: record.subarray(recordHeaderBytes), pages: pagesFor(record.length) }
}
