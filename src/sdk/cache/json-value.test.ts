import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { JsonValue } from './json-value.ts'

const bytesOf = (text: string): Uint8Array => Buffer.from(text)
const textOf = (value: JsonValue): string => Buffer.from(value.bytes).toString()

test('whatever is JSON comes back from its bytes as JSON has it', () => {
  for (const given of [null, true, 0, -0, 1.5, 'é\uD83D', [1, [2]], { a: { b: null } }, new Date(0), { toJSON: () => 'x' }]) {
    const value = JsonValue.of(given)
    const read = JsonValue.ofBytes(value.bytes)
    deepEqual([value.value, read.value], [JSON.parse(JSON.stringify(given)), JSON.parse(JSON.stringify(given))])
  }
  equal(textOf(JsonValue.of({ b: 1, a: 2 })), '{"b":1,"a":2}')
})

test('a value is parsed once and frozen, however deep it is', () => {
  const depth = 5_000
  const value = JsonValue.ofBytes(bytesOf(`${'['.repeat(depth)}{"a":{}}${']'.repeat(depth)}`))
  equal(value.value, value.value)
  let inner: unknown = value.value
  while (Array.isArray(inner)) {
    ok(Object.isFrozen(inner))
    inner = inner[0]
  }
  ok(Object.isFrozen(inner) && Object.isFrozen((inner as { a: object }).a))
  throws(() => Object.assign(inner as object, { a: 1 }), TypeError)
})

test('the names of a prototype are names like any other', () => {
  const value = JsonValue.ofBytes(bytesOf('{"__proto__":{"polluted":true}}')).value
  deepEqual(Object.keys(value as object), ['__proto__'])
  equal(({} as { polluted?: boolean }).polluted, undefined)
})

test('a value that was read before its bytes were asked for has them still', () => {
  const value = JsonValue.of({ n: 1 })
  deepEqual(value.value, { n: 1 })
  equal(textOf(value), '{"n":1}')
  equal(textOf(value), '{"n":1}')
})

test('the size of a value is what its text takes, and no less than its bytes', () => {
  for (const [given, size] of [
    ['x', 3],
    ['é', 6],
    ['\u{1F600}', 8],
    ['€€', 8],
    [{ a: 'ß' }, 18],
  ] as const) {
    const value = JsonValue.of(given)
    deepEqual([value.size, JsonValue.ofBytes(value.bytes).size], [size, size])
    ok(value.size >= value.bytes.length)
  }
})

test('a text is the same byte for byte, however it was written', () => {
  for (const text of ['"ab"', '"a\\u0062"', ' "ab"', '"ab" ', '"\\n"', '"é\u{1F600}"', '""', '"\\""', '"\uFEFFx"']) {
    const value = JsonValue.ofBytes(bytesOf(text))
    equal(textOf(value), text)
    equal(value.value, JSON.parse(text))
    equal(textOf(value), text)
    equal(value.value, JSON.parse(text))
  }
})
