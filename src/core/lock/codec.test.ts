import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { millis, wallMillis } from '#base/brand.ts'
import { decodeAnswer, decodeCommand, encodeCommand } from './command-codec.ts'
import { LockMachine } from './machine.ts'
import { acquireCommand, concat, identity } from './testkit.ts'

const context = { index: 1, term: 1, time: millis(0), wall: wallMillis(0) }

test('bytes that are no command are refused with a reason, and change nothing', () => {
  const machine = new LockMachine()
  const before = concat([...machine.snapshot()])
  const good = encodeCommand(acquireCommand('A', 'r', { identity: identity('s#1') }))
  const bad = [[], [99], good.subarray(0, good.length - 1), [...good, 0], [4, 0xff, 0xff, 0xff], [11, 2, 0xc3, 0x28, 0]]
  for (const bytes of bad) {
    const { answer, events } = machine.apply(Uint8Array.from(bytes), context)
    equal(answer.type === 'refused' && answer.code === 'malformed' && answer.detail.length > 0, true)
    deepEqual(events, [])
  }
  deepEqual(concat([...machine.snapshot()]), before)
})

test('any bytes at all are answered', () => {
  const good = [acquireCommand('A', 'r:s q'), acquireCommand('B', 'r', { waitMs: 10, identity: identity('s#1') })].map(encodeCommand)
  const damaged = fc.tuple(fc.constantFrom(...good), fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 3 }))
  const machine = new LockMachine()
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), damaged), (drawn) => {
      const bytes = drawn instanceof Uint8Array ? drawn : drawn[0].slice()
      if (!(drawn instanceof Uint8Array)) for (const [at, byte] of drawn[1]) bytes[at % bytes.length] = byte
      equal(typeof machine.apply(bytes, context).answer.type, 'string')
      equal(typeof decodeAnswer(bytes).ok, 'boolean')
    }),
    { numRuns: 3_000 },
  )
})

test('a command that is well-formed but makes no sense is refused by the name of its field', () => {
  const machine = new LockMachine()
  const detail = (bytes: Uint8Array): string => {
    const { answer } = machine.apply(bytes, context)
    return answer.type === 'refused' ? `${answer.code} ${answer.detail}` : answer.type
  }
  equal(detail(encodeCommand(acquireCommand('', 'r'))), 'invalid client')
  equal(detail(encodeCommand(acquireCommand('A', 'r r'))), 'invalid items')
  equal(detail(encodeCommand(acquireCommand('A', 'r', { ttlMs: 1e9 }))), 'invalid ttlMs')
  equal(detail(encodeCommand(acquireCommand('A', 'r', { waitMs: 60_001, identity: identity('s#1') }))), 'invalid waitMs')
  equal(detail(encodeCommand(acquireCommand('A', 'r', { waitMs: 1 }))), 'invalid identity')
  equal(detail(encodeCommand(acquireCommand('A', 'r', { identity: identity('s#1', 1) }))), 'invalid confirmed')
  equal(decodeCommand(encodeCommand(acquireCommand('A', 'é'.repeat(129)))).ok, false)
})
