import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeAnswer, decodeCommand, encodeAnswer, encodeCommand } from './command-codec.ts'
import { queueLimits } from './limits.ts'
import { message, sampleAnswers, sampleCommands, text } from './testkit-samples.ts'
import type { Message } from './types.ts'
import { generation } from './types.ts'

const queue = { generation: generation(1), partition: 0 }
const produce = (...messages: readonly Message[]): Uint8Array => encodeCommand({ type: 'produce', queue, producer: null, messages })

test('every kind of command and answer survives its encoding', () => {
  for (const command of sampleCommands) deepEqual(decodeCommand(encodeCommand(command)), { ok: true, value: command })
  for (const answer of sampleAnswers) deepEqual(decodeAnswer(encodeAnswer(answer)), { ok: true, value: answer })
})

test('a body comes back byte for byte, whatever it holds', () => {
  const spaced = text('{ "a" :1e2,"b":"\\u00fc ü\\u0000" }')
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 }), (bodies) => {
      const drawn = [spaced, ...bodies].map((body) => ({ ...message(''), body }))
      const read = decodeCommand(produce(...drawn))
      ok(read.ok && read.value.type === 'produce')
      deepEqual(
        read.value.messages.map(({ body }) => body),
        [spaced, ...bodies],
      )
    }),
  )
})

test('what is cut short, or has bytes after its end, is no command', () => {
  for (const command of sampleCommands) {
    const bytes = encodeCommand(command)
    for (let length = 0; length < bytes.length; length++) equal(decodeCommand(bytes.subarray(0, length)).ok, false)
    equal(decodeCommand(Uint8Array.from([...bytes, 0])).ok, false)
  }
})

test('the largest batch, the largest body and the longest key are read, and nothing beyond them', () => {
  const { batchMax, bodyBytesMax } = queueLimits
  const isRead = (...messages: readonly Message[]): boolean => decodeCommand(produce(...messages)).ok
  const batch = Array.from({ length: batchMax }, () => message('x'))
  equal(isRead(...batch), true)
  equal(isRead(...batch, message('x')), false)
  equal(isRead({ ...message(''), body: new Uint8Array(bodyBytesMax) }), true)
  equal(isRead({ ...message(''), body: new Uint8Array(bodyBytesMax + 1) }), false)
  equal(isRead(message('', { key: 'é'.repeat(128) })), true)
  equal(isRead(message('', { key: 'é'.repeat(128) + 'x' })), false)
})

test('a priority is between 0 and 9, and a message has one delay', () => {
  equal(decodeCommand(produce(message('', { priority: 9 }))).ok, true)
  equal(decodeCommand(produce(message('', { priority: 10 }))).ok, false)
  const bytes = produce(message('x', { delay: { type: 'after', ms: 1 } }))
  const at = bytes.indexOf(4, 4)
  deepEqual(decodeCommand(bytes.with(at, 12)), { ok: false, error: 'two delays' })
})

test('the answer to a thousand messages is as short as to one', () => {
  const [, , produced] = sampleAnswers
  ok(produced?.type === 'produced')
  const results = Array.from({ length: 1_000 }, () => ({ type: 'enqueued' }) as const)
  const bytes = encodeAnswer({ ...produced, results })
  ok(bytes.length < 30)
  deepEqual(decodeAnswer(bytes), { ok: true, value: { ...produced, results } })
})

test('any bytes at all are read or refused with a reason', () => {
  const good = [...sampleCommands.map(encodeCommand), ...sampleAnswers.map(encodeAnswer)]
  const damaged = fc
    .tuple(fc.constantFrom(...good), fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 3 }))
    .map(([bytes, faults]) => faults.reduce((whole, [at, byte]) => whole.with(at % whole.length, byte), bytes))
  const outcomes = new Set<string>()
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), damaged), (bytes) => {
      for (const read of [decodeCommand(bytes), decodeAnswer(bytes)]) outcomes.add(read.ok ? read.value.type : read.error)
    }),
    { numRuns: 5_000 },
  )
  ok(outcomes.size > 20, [...outcomes].join('; '))
})
