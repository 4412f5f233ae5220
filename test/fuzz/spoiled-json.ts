import fc from 'fast-check'

/** JSON that was good once: spoiled as a value, as a text, or as bytes. */

const prototypeNames = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty'] as const
const longText = 'x'.repeat(300)

/** Values that are seldom what is expected, as JSON: some have no form as a value of JavaScript. */
const hostileNumbers = ['0', '-1', '-0', '1.5', '1e400', '-1e400', '9007199254740993', '123456789012345678901234567890', '1e-400'] as const
const hostileStrings = [
  '""',
  '" "',
  '"\\u0000"',
  '"\\ud800"',
  '"\\udfff\\ud800"',
  '"\\u202e"',
  `"${longText}"`,
  '"2026-13-45T99:99:99Z"',
] as const
const hostileObjects = ['{}', '{"":0}', '{"__proto__":{"a":1}}', '{"constructor":{"prototype":{"a":1}}}', '{"then":1}'] as const
const large = [`${'['.repeat(64)}${']'.repeat(64)}`, `[${'0,'.repeat(2_000)}0]`, `{${'"a":1,'.repeat(200)}"b":2}`] as const
const others = ['null', 'true', 'false', '[]', '[[]]', '[null]'] as const
const hostileTexts = [...hostileNumbers, ...hostileStrings, ...hostileObjects, ...large, ...others]

/** One change to a value: at one of its places, counted from the root. */
interface Change {
  readonly at: number
  readonly kind: 'replace' | 'remove' | 'add' | 'repeat' | 'wrap'
  readonly name: string
  readonly text: string
}

const changes: fc.Arbitrary<Change> = fc.record({
  at: fc.nat(40),
  kind: fc.constantFrom('replace', 'replace', 'remove', 'add', 'repeat', 'wrap'),
  name: fc.constantFrom(...prototypeNames, 'ttl', 'x', '', '\u0000', 'a.b', longText),
  text: fc.constantFrom(...hostileTexts),
})

/** The text of a value with one change in it. */
export const textsOfSpoiled = (values: fc.Arbitrary<unknown>): fc.Arbitrary<string> =>
  fc.tuple(values, changes).map(([value, change]) => written(value, change, { left: change.at % Math.max(1, placesIn(value)) }))

function placesIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1
  return Object.values(value).reduce((sum: number, each) => sum + placesIn(each), 1)
}

/** `place.left` counts down to the place of the change. */
function written(value: unknown, change: Change, place: { left: number }): string {
  if (place.left-- === 0) return changed(value, change)
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map((item: unknown) => written(item, change, place)).join()}]`
  return `{${fieldsOf(value, (each) => written(each, change, place)).join()}}`
}

function changed(value: unknown, { kind, name, text }: Change): string {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  const field = `${JSON.stringify(name)}:${text}`
  if (kind === 'wrap') return `[${JSON.stringify(value)}]`
  if (!isObject) return text
  const fields = fieldsOf(value, (each) => JSON.stringify(each))
  if (kind === 'remove') return `{${fields.slice(1).join()}}`
  if (kind === 'add') return `{${[...fields, field].join()}}`
  // The same name twice: whoever reads it must not take one for the check and the other for the call.
  if (kind === 'repeat') return `{${[...fields, `${fields[0]?.split(':')[0] ?? '"x"'}:${text}`].join()}}`
  return text
}

const fieldsOf = (value: object, write: (each: unknown) => string): string[] =>
  Object.entries(value).map(([name, each]) => `${JSON.stringify(name)}:${write(each)}`)

/** Bytes of a text that are cut, turned, put in or far too many. */
export const bytesOfSpoiled = (texts: fc.Arbitrary<string>): fc.Arbitrary<Buffer> =>
  fc
    .tuple(texts, fc.constantFrom(...spoilers), fc.nat(1_000), fc.uint8Array({ minLength: 1, maxLength: 4 }))
    .map(([text, spoil, at, noise]) => {
      const bytes = Buffer.from(text)
      return spoil(bytes, at % Math.max(1, bytes.length), noise)
    })

type Spoiler = (bytes: Buffer, at: number, noise: Uint8Array) => Buffer

const spoilers: readonly Spoiler[] = [
  (bytes, at) => bytes.subarray(0, at),
  (bytes, at, noise) => Buffer.concat([bytes.subarray(0, at), noise, bytes.subarray(at)]),
  (bytes, at, noise) => Buffer.concat([bytes.subarray(0, at), noise, bytes.subarray(at + noise.length)]),
  (bytes, at) => Buffer.concat([bytes.subarray(0, at), Buffer.from([0xc3, 0x28]), bytes.subarray(at)]),
  (bytes) => Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytes]),
  (bytes) => Buffer.concat([bytes, bytes]),
  (bytes) => Buffer.from(bytes.toString(), 'utf16le'),
  (_bytes, at) => Buffer.from('['.repeat(at * 100)),
  (_bytes, at) => Buffer.from(`${'{"a":'.repeat(at * 20)}1${'}'.repeat(at * 20)}`),
]
