import { deepEqual, equal, match, ok, throws } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { RawPlaces } from '#api/route.ts'
import { JsonScanner } from './json-scanner.ts'
import { readRawJson, writeRawJson } from './raw-json.ts'

const places: RawPlaces = { fields: { message: 'raw', messages: { items: { fields: { message: 'raw' } } } } }

const read = (text: string, where: RawPlaces = places): unknown => readRawJson(Buffer.from(text), where)

/** With raw values as texts under a name that no document here has. */
function shown(value: unknown): unknown {
  if (value instanceof Uint8Array) return { raw: Buffer.from(value).toString() }
  if (Array.isArray(value)) return value.map((item) => shown(item))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, shown(item)]))
}

const raw = (text: string): object => ({ raw: text })

test('values in raw places are kept as they were written, and all others are read', () => {
  deepEqual(shown(read('{"queue":"q","message": {"b": 1e400 , "a":[ ]} }')), { queue: 'q', message: raw('{"b": 1e400 , "a":[ ]}') })
  deepEqual(shown(read('{"messages":[{"message":1.0,"key":"k"},{"message":"\\u00e9"}]}')), {
    messages: [{ message: raw('1.0'), key: 'k' }, { message: raw('"\\u00e9"') }],
  })
  deepEqual(shown(read('\ufeff {"message":null}\n')), { message: raw('null') })
  deepEqual(shown(read('[1, "x"]', 'raw')), raw('[1, "x"]'))
  deepEqual(shown(read('[1,{"a":2}]', { items: 'raw' })), [raw('1'), raw('{"a":2}')])
})

test('what is not where a raw value may be is like any other JSON', () => {
  deepEqual(read('{"other":{"message":1},"messages":{"message":2}}'), { other: { message: 1 }, messages: { message: 2 } })
  deepEqual(read('{"messages":[1,[{"message":2}],null]}'), { messages: [1, [{ message: 2 }], null] })
  for (const text of ['1', '"message"', 'null', '[]', '{}', '[{"message":1}]']) deepEqual(read(text), JSON.parse(text))
})

test('a name may have escapes, and of a name that is there twice the last one counts', () => {
  deepEqual(shown(read('{"mess\\u0061ge": 1 }')), { message: raw('1') })
  deepEqual(shown(read('{"message":1,"message":{"x":2}}')), { message: raw('{"x":2}') })
  deepEqual(shown(read('{"messages":[{"message":1}],"messages":[{"message":2}]}')), { messages: [{ message: raw('2') }] })
  deepEqual(read('{"messages":[{"message":1}],"messages":7}'), { messages: 7 })
})

test('a field named __proto__ is a field', () => {
  const value = read('{"__proto__":{"message":1},"constructor":2,"message":{"__proto__":3}}') as object
  deepEqual(Object.keys(value), ['__proto__', 'constructor', 'message'])
  equal(Object.getPrototypeOf(value), Object.prototype)
  const inherited = JSON.parse('{"message":"raw","toString":"raw"}') as Readonly<Record<string, RawPlaces>>
  deepEqual(shown(read('{"message":1}', { fields: inherited })), { message: raw('1') })
})

test('what breaks off or does not fit is told with its place', () => {
  for (const [text, says] of [
    ['{"message":', /a value, and it ends after 11 bytes/],
    ['{"message" 1}', /a colon, and something else is at byte 11/],
    ['{"message":01}', /a comma or the end of what was begun, and something else is at byte 12/],
    ['{"message":"\n"}', /control characters, and something else is at byte 12/],
    ['{"message":"\\x"}', /an escape, and something else is at byte 13/],
    ['{"message":"\\u12g4"}', /hexadecimal digit, and something else is at byte 16/],
    ['{"message":nul}', /null, and something else is at byte 14/],
    ['{"message":1,}', /the name of a field, and something else is at byte 13/],
    ['{"message":1}}', /the end, and something else is at byte 13/],
    ['{"message":-}', /a digit/],
    ['{"message":1.}', /a digit/],
    ['{"message":1e+}', /a digit/],
  ] as const)
    throws(() => read(text), says)
  throws(() => readRawJson(Buffer.from([0x22, 0xff, 0x22]), 'raw'), { name: 'TypeError', message: /not UTF-8/ })
})

const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`

test('1000 lists and objects within each other are taken, and one more is not', () => {
  deepEqual(shown(read(`{"message":${nested(999)}}`)), { message: raw(nested(999)) })
  throws(() => read(`{"message":${nested(1_000)}}`), /more than 1000 objects and lists/)
  const objects = (depth: number): string => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`
  deepEqual(shown(read(objects(1_000), 'raw')), raw(objects(1_000)))
  throws(() => read(objects(1_001), 'raw'), SyntaxError)
  throws(() => read(nested(1_000_000), 'raw'), SyntaxError)
})

function isTaken(text: string): boolean {
  try {
    const scanner = new JsonScanner(Buffer.from(text))
    scanner.space()
    scanner.value()
    scanner.end()
    return true
  } catch (error) {
    ok(error instanceof SyntaxError)
    match(error.message, /^expected is .+ at byte \d+$|^expected is .+ it ends after \d+ bytes$/)
    return false
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

const pieces = [
  '{',
  '}',
  '[',
  ']',
  ':',
  ',',
  '"',
  '\\',
  'u00e9',
  'ü',
  '☃',
  '0',
  '12',
  '-',
  '.',
  'e',
  'E+',
  'true',
  'nul',
  'l',
  ' ',
  '\n',
  '\t',
  '\u0001',
  '\u00a0',
  '"a"',
  '""',
]

/** A document with a few characters taken out, put in or repeated. */
const damaged = fc
  .tuple(fc.json({ maxDepth: 4 }), fc.array(fc.tuple(fc.nat(), fc.constantFrom(...pieces), fc.nat(3)), { maxLength: 3 }))
  .map(([text, changes]) =>
    changes
      .reduce((before, [place, piece, removed]) => {
        const at = place % (before.length + 1)
        return before.slice(0, at) + piece + before.slice(at + removed)
      }, text)
      .toWellFormed(),
  )

test('exactly what JSON.parse takes is taken', () => {
  const seen = { taken: 0, refused: 0 }
  const text = fc.oneof(
    damaged,
    fc.array(fc.constantFrom(...pieces), { maxLength: 8 }).map((each) => each.join('')),
  )
  fc.assert(
    fc.property(text, (candidate) => {
      const taken = isTaken(candidate)
      seen[taken ? 'taken' : 'refused']++
      equal(taken, isJson(candidate), candidate)
    }),
    { numRuns: 20_000 },
  )
  ok(seen.taken > 1_000 && seen.refused > 1_000, JSON.stringify(seen))
})

/** As JSON may be written: with spaces and escapes wherever there may be some, and numbers that no program holds. */
const written = fc.letrec<{ value: string; list: string; object: string }>((tie) => {
  const space = fc.stringMatching(/^[ \n\r\t]{0,2}$/)
  const name = fc.oneof(
    fc.string({ unit: 'binary' }).map((text) => JSON.stringify(text)),
    fc.constantFrom('"message"', '"\\u006dessages"', '"\\ud83d"'),
  )
  const number = fc.stringMatching(/^-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,4})?$/)
  const spaced = (inner: fc.Arbitrary<string>): fc.Arbitrary<string> => fc.tuple(space, inner, space).map((parts) => parts.join(''))
  const field = fc.tuple(spaced(name), spaced(tie('value'))).map((parts) => parts.join(':'))
  return {
    value: fc.oneof({ maxDepth: 4 }, number, name, fc.constantFrom('true', 'false', 'null'), tie('list'), tie('object')),
    list: fc.oneof(
      space.map((text) => `[${text}]`),
      fc.array(spaced(tie('value')), { minLength: 1, maxLength: 4 }).map((items) => `[${items.join(',')}]`),
    ),
    object: fc.oneof(
      space.map((text) => `{${text}}`),
      fc.array(field, { minLength: 1, maxLength: 4 }).map((fields) => `{${fields.join(',')}}`),
    ),
  }
}).value

test('any JSON comes back byte for byte, wherever it stood', () => {
  fc.assert(
    fc.property(
      fc.array(written, { minLength: 1, maxLength: 5 }),
      fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()),
      (values, others) => {
        const terms = Object.entries(others)
          .filter(([name]) => name !== 'message')
          .map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)} , `)
        const objects = values.map((value) => `{ ${terms.join('')}"message" :${value}}`)
        const { messages } = read(`{"messages":[${objects.join(',')}] , "queue":"q"}`) as { messages: { message: Uint8Array }[] }
        deepEqual(
          messages.map(({ message }) => Buffer.from(message).toString()),
          values,
        )
        for (const object of objects)
          equal(Buffer.from((read(object) as { message: Uint8Array }).message).toString(), values[objects.indexOf(object)])
      },
    ),
    { numRuns: 2_000 },
  )
})

/** With raw values read after all. */
function meant(value: unknown): unknown {
  if (value instanceof Uint8Array) return JSON.parse(Buffer.from(value).toString())
  if (Array.isArray(value)) return value.map((item) => meant(item))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, meant(item)]))
}

test('whatever is kept as bytes, a document means what it meant', () => {
  fc.assert(
    fc.property(written, (text) => {
      deepEqual(meant(read(text)), meant(JSON.parse(text)))
    }),
    { numRuns: 2_000 },
  )
})

test('without raw values JSON is written as always', () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => equal(writeRawJson(value), JSON.stringify(value))))
  equal(writeRawJson({ a: undefined, b: [1, null], c: new Uint8Array(Buffer.from('{"d": 1}')) }), '{"b":[1,null],"c":{"d": 1}}')
})
