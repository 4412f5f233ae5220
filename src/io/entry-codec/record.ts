import { crc32 } from 'node:zlib'
import { assert } from '#base/assert.ts'

/**
 * The envelope of every stored record, for good:
 *
 *     byte 0      format version
 *     bytes 1–4   CRC-32 (little-endian) over the key, the version and the payload
 *     bytes 5…    payload
 *
 * The key is part of the checksum, so that a record found in another's place is noticed. A version that is not known
 * is told apart from damage by its checksum, which is why place and extent of the checksum never change.
 */
const recordVersion = 1
export const recordHeaderBytes = 5

const checksumOf = (key: Uint8Array, record: Uint8Array): number => {
  const version = record[0] ?? 0
  return crc32(record.subarray(recordHeaderBytes), (crc32(key) ^ version) >>> 0)
}

/** Fills in the header of a record whose payload is in place. */
export function sealRecord(key: Uint8Array, record: Uint8Array): void {
  assert(record.length >= recordHeaderBytes, 'a record has room for its header')
  record[0] = recordVersion
  const checksum = checksumOf(key, record)
  for (let position = 0; position < 4; position++) record[1 + position] = checksum >>> (8 * position)
}

export type OpenedRecord =
  | { readonly type: 'payload'; readonly payload: Uint8Array }
  | { readonly type: 'damaged' }
  | { readonly type: 'unknown-format'; readonly version: number }

/** The payload (a view, not a copy) of a record that is as it was sealed. */
export function openRecord(key: Uint8Array, record: Uint8Array): OpenedRecord {
  if (record.length < recordHeaderBytes) return { type: 'damaged' }
  let checksum = 0
  for (let position = 0; position < 4; position++) checksum += (record[1 + position] ?? 0) * 2 ** (8 * position)
  if (checksum !== checksumOf(key, record)) return { type: 'damaged' }
  const version = record[0] ?? 0
  if (version !== recordVersion) return { type: 'unknown-format', version }
  return { type: 'payload', payload: record.subarray(recordHeaderBytes) }
}

/** A sealed record around bytes that exist already. */
export function recordOf(key: Uint8Array, payload: Uint8Array): Uint8Array {
  const record = new Uint8Array(recordHeaderBytes + payload.length)
  record.set(payload, recordHeaderBytes)
  sealRecord(key, record)
  return record
}
