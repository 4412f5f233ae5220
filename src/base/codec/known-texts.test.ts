import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readAll } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'

const writer = new ByteWriter(32)

function bytesOf(...texts: readonly string[]): Uint8Array {
  for (const text of texts) writer.text(text)
  return writer.take()
}

const read = (bytes: Uint8Array, count: number) => readAll(bytes, (reader) => Array.from({ length: count }, () => reader.text(10_000)))

test('a text is read as it was written, whatever was read before it', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 80 }),
    fc.constantFrom('', 'a', 'lock-1', 'lock-2', 'kcol-1', 'ä', '€uro', '\uFEFFx', '\0', 'x'.repeat(64), 'x'.repeat(65), 'y'.repeat(200)),
  )
  fc.assert(
    fc.property(fc.array(text, { maxLength: 6 }), (texts) => {
      const wellFormed = texts.map((each) => each.toWellFormed())
      deepEqual(read(bytesOf(...wellFormed), texts.length), { ok: true, value: wellFormed })
    }),
    { numRuns: 2_000 },
  )
})

test('bytes that are no UTF-8 are refused also when they look like a text that was read before', () => {
  equal(read(bytesOf('resource-é'), 1).ok, true)
  const broken = bytesOf('resource-é')
  broken[broken.length - 1] = 0x20
  deepEqual(read(broken, 1), { ok: false, error: 'not UTF-8' })
})
