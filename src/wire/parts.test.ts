import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { packParts, readParts } from './parts.ts'

test('what is packed is read as it was, wherever it begins', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 })), fc.nat(9), (parts, from) => {
      const bytes = Buffer.concat([new Uint8Array(from), packParts(parts)])
      deepEqual(
        readParts(bytes, from)?.map((part) => [...part]),
        parts.map((part) => [...part]),
      )
    }),
  )
})

test('bytes that are cut short are no parts, also when a length says more than there can be', () => {
  const packed = packParts([Uint8Array.of(1, 2), Uint8Array.of(3)])
  equal(readParts(packed.subarray(0, -1), 0), null)
  equal(readParts(packed.subarray(0, 8), 0), null)
  equal(readParts(Uint8Array.of(255, 255, 255, 255, 1), 0), null)
  deepEqual(readParts(new Uint8Array(0), 0), [])
})
