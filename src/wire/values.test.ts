import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { readAll } from './reader.ts'
import { Writer } from './writer.ts'

const seed = 7_001

function written(write: (writer: Writer) => void): Uint8Array {
  const writer = new Writer(64)
  write(writer)
  return writer.take()
}

const edges = [0, 127, 128, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1]

test('integers at every change of width come back, in the shortest form', () => {
  const lengths = edges.map((value) => {
    const bytes = written((writer) => writer.uint(value))
    assert.deepEqual(
      readAll(bytes, (reader) => reader.uint()),
      { ok: true, value },
    )
    return bytes.length
  })
  assert.deepEqual(lengths, [1, 1, 2, 2, 3, 3, 5, 5, 9, 9])
})

test('integers, times, strings and bytes come back as they were', () => {
  const value = fc.record({
    uint: fc.maxSafeNat(),
    time: fc.double({ min: 0, max: Number.MAX_SAFE_INTEGER, noNaN: true }).map((time) => time + 0),
    text: fc.string({ unit: 'grapheme', maxLength: 300 }),
    bytes: fc.uint8Array({ maxLength: 70_000, size: 'max' }),
    flag: fc.boolean(),
  })
  fc.assert(
    fc.property(value, ({ uint, time, text, bytes, flag }) => {
      const encoded = written((writer) => {
        writer.bytes(bytes)
        writer.uint(uint)
        writer.time(time)
        writer.string(text)
        writer.boolean(flag)
        writer.bytes(bytes)
      })
      const decoded = readAll(encoded, (reader) => ({
        first: reader.bytes(),
        uint: reader.uint(),
        time: reader.time(),
        text: reader.string(),
        flag: reader.boolean(),
        second: reader.bytes(),
      }))
      assert.deepEqual(decoded, { ok: true, value: { first: bytes, uint, time, text, flag, second: bytes } })
    }),
    { seed, numRuns: 60 },
  )
})

test('strings of every length around a change of header come back', () => {
  for (const length of [0, 1, 31, 32, 63, 64, 65, 255, 256, 1365, 4096]) {
    for (const letter of ['x', 'ü', '三']) {
      const text = letter.repeat(Math.floor(length / Buffer.byteLength(letter)))
      const encoded = written((writer) => writer.string(text))
      assert.deepEqual(
        readAll(encoded, (reader) => reader.string()),
        { ok: true, value: text },
      )
    }
  }
})

test('what must not be on the wire is a bug of the sender', () => {
  for (const value of [-1, 0.5, 2 ** 53, Number.NaN]) assert.throws(() => written((writer) => writer.uint(value)), /safe/)
  for (const value of [-0.5, Number.NaN, Number.POSITIVE_INFINITY]) assert.throws(() => written((writer) => writer.time(value)), /finite/)
})

test('a writer that dropped a message goes on as if it never was', () => {
  const writer = new Writer(64)
  writer.string('kept')
  const kept = writer.take()
  writer.bytes(new Uint8Array(1000))
  writer.drop()
  writer.uint(5)
  assert.deepEqual([...writer.take()], [5])
  assert.equal(Buffer.from(kept).toString('latin1', 1), 'kept')
})
