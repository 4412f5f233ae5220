import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { unpack } from 'msgpackr'
import { append, heartbeats, propose, samples, sized } from '#test/conformance/transport-samples.ts'
import { Encoder, decode } from './codec.ts'
import { wireLimits } from './limits.ts'
import type { PeerMessage } from './peer-message.ts'

const seed = 20_251_121
const encoder = new Encoder()

function encode(message: PeerMessage): Uint8Array {
  const encoded = encoder.encode(message)
  assert(encoded !== null)
  return encoded
}

test('a message of every variant comes back as it was', () => {
  assert(samples.length >= 32)
  for (const message of samples) assert.deepEqual(decode(encode(message)), { ok: true, value: message })
})

test('bytes come back as plain Uint8Arrays that share no memory with what was read', () => {
  const encoded = encode(append(3, 10))
  const decoded = decode(encoded)
  encoded.fill(0xff)
  assert.deepEqual(decoded, { ok: true, value: append(3, 10) })
})

test('what the encoder hands out stays as it is while it goes on', () => {
  const first = encode(append(100, 100))
  const copy = new Uint8Array(first)
  for (let round = 0; round < 50; round++) encode(propose(100, 100))
  assert.deepEqual(new Uint8Array(first), copy)
})

test('messages are MessagePack that other tools can read', () => {
  for (const message of samples) assert(Array.isArray(unpack(encode(message))))
  assert.deepEqual(unpack(encode({ type: 'request', id: 9, request: { type: 'read-index', group: 4 } })), [4, 9, [2, 4]])
})

test('a heartbeat takes at most 20 bytes for each group', () => {
  const around = encode(heartbeats(0)).length
  const perBeat = (encode(heartbeats(32)).length - around) / 32
  assert(perBeat <= 20, `${perBeat} bytes`)
})

test('a message over the limit is not encoded, and the next one is', () => {
  assert.equal(encoder.encode(sized(1, wireLimits.messageBytesMax)), null)
  assert.deepEqual(decode(encode(sized(2, 10))), { ok: true, value: sized(2, 10) })
})

test('every truncation of every message is refused', () => {
  for (const message of samples) {
    const encoded = encode(message)
    const step = Math.max(1, Math.floor(encoded.length / 300))
    for (let length = 0; length < encoded.length; length += step) assert.equal(decode(encoded.subarray(0, length)).ok, false)
  }
})

const refusals: readonly (readonly [name: string, hex: string, error: string])[] = [
  ['no bytes', '', 'cut short'],
  ['a map', '80', 'expected an array'],
  ['an unknown variant', '9263c0', 'unknown variant'],
  ['a field too many', '94040992020400', 'wrong number of fields'],
  ['bytes behind the end', '930409920204 00', 'bytes after the end'],
  ['NaN for a time', '9302cb7ff8000000000000929090', 'time out of range'],
  ['an infinite time', '9302cb7ff0000000000000929090', 'time out of range'],
  ['a negative time', '9302cbbff0000000000000929090', 'time out of range'],
  ['a negative integer', '9304ff920204', 'expected an integer that is not negative'],
  ['a negative int64', '9304d3ffffffffffffffff920204', 'expected an integer that is not negative'],
  ['an unsafe integer', '9304cf0020000000000000920204', 'integer out of range'],
  ['a float for an integer', '9304cb3ff0000000000000920204', 'expected an integer that is not negative'],
  ['a group over 32 bits', '9304099202cf0000000100000000', 'integer out of range'],
  ['a string for an integer', '9304a131920204', 'expected an integer that is not negative'],
  ['a list that claims four thousand million items', '93040992 01 dd ffffffff', 'wrong number of fields'],
  ['a beat of an unknown replica', '930200 92 90 93 0700 94 00000000', 'unknown replica'],
  ['bytes that are not UTF-8', '9304099305 01 a2c328', 'not UTF-8'],
]

for (const [name, hex, error] of refusals) {
  test(`refused: ${name}`, () => {
    assert.deepEqual(decode(Buffer.from(hex.replaceAll(' ', ''), 'hex')), { ok: false, error })
  })
}

test('a list with more items than bytes, or than allowed, is refused before memory is taken for it', () => {
  const head = Buffer.from('930409930105', 'hex')
  assert.deepEqual(decode(Buffer.concat([head, Buffer.from('dc0fff', 'hex')])), { ok: false, error: 'cut short' })
  assert.deepEqual(decode(Buffer.concat([head, Buffer.from('ddffffffff', 'hex')])), { ok: false, error: 'array too long' })
})

test('deep nesting is refused where the schema ends, however deep it is', () => {
  for (const byte of [0x91, 0x93, 0x81, 0xdc]) {
    assert.equal(decode(new Uint8Array(wireLimits.messageBytesMax).fill(byte)).ok, false)
  }
})

test('2 000 inputs of garbage and of damaged messages are decoded to a value or refused, never thrown', () => {
  console.log(`seed ${seed}`)
  let accepted = 0
  const damaged = fc
    .record({ message: fc.constantFrom(...samples), at: fc.nat(), byte: fc.nat(255), cut: fc.nat(), isCut: fc.boolean() })
    .map(({ message, at, byte, cut, isCut }) => {
      const bytes = new Uint8Array(encode(message))
      bytes[at % bytes.length] = byte
      return isCut ? bytes.subarray(0, cut % bytes.length) : bytes
    })
  const input = fc.oneof(fc.uint8Array({ maxLength: 400 }), damaged, damaged)
  fc.assert(
    fc.property(input, (bytes) => {
      const decoded = decode(bytes)
      if (!decoded.ok) return
      accepted++
      assert.deepEqual(decode(encode(decoded.value)), decoded)
    }),
    { seed, numRuns: 2_000 },
  )
  assert(accepted > 50 && accepted < 1_900, `${accepted} accepted`)
})
