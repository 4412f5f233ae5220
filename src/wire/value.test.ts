import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { packValue, unpackValue } from './value.ts'

test('plain values come back as they were', () => {
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 3 },
      fc.constant(null),
      fc.boolean(),
      fc.integer(),
      fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER }),
      fc.double({ noNaN: true }).filter((number) => !Object.is(number, -0)),
      fc.string({ unit: 'binary' }),
      fc.array(tie('any')),
      fc
        .dictionary(fc.string(), tie('any'), { noNullPrototype: true })
        .filter((object) => !('__proto__' in object && Object.hasOwn(object, '__proto__'))),
    ),
  })).any
  fc.assert(fc.property(value, (each) => deepEqual(unpackValue(packValue(each)), each)))
})

test('bytes are copied out, so that a small part does not keep the whole in memory', () => {
  const packed = packValue({ small: Uint8Array.of(1, 2), rest: new Uint8Array(10_000) })
  const { small } = unpackValue(packed) as { small: Uint8Array }
  deepEqual([...small], [1, 2])
  equal(small.buffer.byteLength < 1_000, true)
})

test('each packed value has memory of its own', () => {
  const first = packValue({ a: 1 })
  const before = [...first]
  packValue({ b: 2 })
  deepEqual([...first], before)
  equal(first.buffer.byteLength, first.length)
})

test('bytes that are no value are refused', () => {
  throws(() => unpackValue(new Uint8Array(0)))
  throws(() => unpackValue(Uint8Array.of(0x92, 1)), 'a list that ends early')
  throws(() => unpackValue(Uint8Array.of(1, 1)), 'something behind the value')
})
