import { deepEqual, equal, notEqual, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { entryCheck, shareOf, textHash } from './entry-check.ts'
import { formatMessageId, parseMessageId } from './message-id.ts'
import { text } from './testkit-samples.ts'
import type { MessageId } from './types.ts'

const part = (bits: number): fc.Arbitrary<number> =>
  fc.oneof(
    fc.constantFrom(0, 2 ** bits - 1),
    fc.maxSafeNat().map((value) => value % 2 ** bits),
  )
const anyId: fc.Arbitrary<MessageId> = fc.record(
  { slot: part(16), index: part(48), offset: part(12), check: part(46) },
  { noNullPrototype: true },
)

test('decision Q5: an id is a UUID of version 8 that holds slot, index, offset and check', () => {
  fc.assert(
    fc.property(anyId, (id) => {
      const uuid = formatMessageId(id)
      ok(/^[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/.test(uuid), uuid)
      deepEqual(parseMessageId(uuid), id)
      deepEqual(parseMessageId(uuid.toUpperCase()), id)
    }),
    { numRuns: 2_000 },
  )
})

test('decision Q5: the form of an id never changes, for clients keep them', () => {
  const id = { slot: 0x1234, index: 0x56789abcdef0, offset: 0xabc, check: 0x2345_6789_abcd }
  equal(formatMessageId(id), '12345678-9abc-8def-82af-2345 6789abcd'.replace(' ', ''))
  deepEqual(parseMessageId('12345678-9abc-8def-82af-23456789abcd'), id)
})

test('ids of one slot sort as they were enqueued', () => {
  const places = fc.tuple(part(48), part(12), part(46))
  fc.assert(
    fc.property(places, places, ([index, offset, check], [otherIndex, otherOffset, otherCheck]) => {
      const [left, right] = [
        formatMessageId({ slot: 5, index, offset, check }),
        formatMessageId({ slot: 5, index: otherIndex, offset: otherOffset, check: otherCheck }),
      ]
      if (index !== otherIndex) equal(left < right, index < otherIndex)
      else if (offset !== otherOffset) equal(left < right, offset < otherOffset)
    }),
    { numRuns: 2_000 },
  )
})

test('what is no id is none', () => {
  const good = formatMessageId({ slot: 1, index: 2, offset: 3, check: 4 })
  notEqual(parseMessageId(good), null)
  const bad = [
    '',
    'x',
    good.slice(1),
    `${good}0`,
    ` ${good}`,
    good.replaceAll('-', ''),
    good.replace('-8', '-4'),
    good.replace('-8000', '-0000'),
    good.replace('0', 'g'),
  ]
  for (const each of bad.filter((other) => other !== good)) equal(parseMessageId(each), null, each)
})

test('decision Q5: the check tells clusters, terms and entries apart, to the last bit', () => {
  const entry = text('an entry of some length, with a body in it')
  const cluster = textHash('a cluster')
  const check = entryCheck(cluster, 3, entry)
  const others = [
    entryCheck(textHash('b cluster'), 3, entry),
    entryCheck(cluster, 4, entry),
    entryCheck(cluster, 3 + 2 ** 32, entry),
    entryCheck(cluster, 3, entry.subarray(1)),
    entryCheck(cluster, 3, Uint8Array.from([...entry, 0])),
    ...Array.from(entry, (byte, at) => entryCheck(cluster, 3, entry.with(at, byte ^ 1))),
  ]
  equal(new Set([check, ...others]).size, others.length + 1)
  ok([check, ...others].every((each) => Number.isInteger(each) && each >= 0 && each < 2 ** 46))
})

test('checks are spread over all their bits', () => {
  const counts = Array.from({ length: 46 }, () => 0)
  for (let at = 0; at < 4_000; at++) {
    const check = entryCheck(1, 1, text(`entry ${at}`))
    for (let bit = 0; bit < 46; bit++) counts[bit] = (counts[bit] ?? 0) + (Math.floor(check / 2 ** bit) % 2)
  }
  ok(
    counts.every((count) => count > 1_800 && count < 2_200),
    counts.join(' '),
  )
})

test('checks and shares never change, for they are in ids and in states', () => {
  equal(entryCheck(textHash('cluster'), 7, text('entry')), 66629726314885)
  equal(shareOf(12, 3, 1), 0.6428470618557185)
  ok(Array.from({ length: 1_000 }, (_, at) => shareOf(at, 0, 1)).every((share) => share >= 0 && share < 1))
})
