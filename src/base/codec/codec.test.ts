import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ByteReader, readAll } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import { crc32 } from './checksum.ts'

test('numbers, texts and bytes of every size survive', () => {
  const value = fc.oneof(
    fc.maxSafeNat(),
    fc.nat({ max: 300 }),
    fc.double({ noNaN: true }),
    fc.string({ unit: 'grapheme', maxLength: 200 }),
    fc.uint8Array({ maxLength: 200 }),
  )
  fc.assert(
    fc.property(fc.array(value), (values) => {
      const writer = new ByteWriter(8)
      for (const each of values) {
        if (typeof each === 'string') writer.text(each)
        else if (typeof each !== 'number') writer.bytes(each)
        else if (Number.isSafeInteger(each) && each >= 0) writer.uint(each)
        else writer.float(each)
      }
      const reader = new ByteReader(writer.take())
      for (const each of values) {
        if (typeof each === 'string') equal(reader.text(10_000), each)
        else if (typeof each !== 'number') deepEqual(reader.bytes(10_000), each)
        else if (Number.isSafeInteger(each) && each >= 0) equal(reader.uint(Number.MAX_SAFE_INTEGER), each + 0)
        else equal(reader.float(), each)
      }
      equal(reader.isAtEnd, true)
    }),
  )
})

test('an integer has one form only, and none is beyond 2^53', () => {
  const read = (...bytes: number[]): unknown => readAll(Uint8Array.from(bytes), (reader) => reader.uint(Number.MAX_SAFE_INTEGER))
  deepEqual(read(0x80, 0x01), { ok: true, value: 128 })
  deepEqual(read(0x80, 0x00), { ok: false, error: 'integer longer than needed' })
  deepEqual(read(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f), { ok: true, value: Number.MAX_SAFE_INTEGER })
  deepEqual(read(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x10), { ok: false, error: 'integer out of range' })
  deepEqual(read(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01), { ok: false, error: 'integer out of range' })
})

test('the checksum is the usual CRC-32, in any pieces', () => {
  const bytes = new TextEncoder().encode('123456789')
  equal(crc32(bytes), 0xcbf4_3926)
  equal(crc32(bytes.subarray(4), crc32(bytes.subarray(0, 4))), 0xcbf4_3926)
})
