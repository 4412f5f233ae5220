import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Command } from './command.ts'
import { decodeCommand, encodeCommand, parseCommand } from './command.ts'

const uint48 = fc.integer({ min: 0, max: 2 ** 48 - 1 })
const body = fc.uint8Array({ maxLength: 40 })
const bodies = fc.array(body, { minLength: 1, maxLength: 4 })
const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ type: fc.constant('anonymous' as const), body }),
  fc.record({ type: fc.constant('identified' as const), origin: uint48, sequence: uint48, confirmed: uint48, bodies }),
  fc.constant({ type: 'open-origin' as const }),
  fc.record({ type: fc.constant('set-version' as const), version: fc.integer({ min: 0, max: 65_535 }) }),
)

function plain(decoded: Command): object {
  if ('body' in decoded) return { ...decoded, body: [...decoded.body] }
  return 'bodies' in decoded ? { ...decoded, bodies: decoded.bodies.map((each) => [...each]) } : { ...decoded }
}

test('what is encoded is decoded as it was', () => {
  fc.assert(fc.property(command, (each) => deepEqual(plain(decodeCommand(encodeCommand(each))), plain(each))))
})

test('whatever bytes come, they are a command that encodes to them again, or none', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    command.map((each) => encodeCommand(each).subarray(0, -1)),
  )
  fc.assert(
    fc.property(bytes, (each) => {
      const parsed = parseCommand(each)
      if (parsed !== null) deepEqual([...encodeCommand(parsed)], [...each])
    }),
  )
})

test('malformed commands are told from commands', () => {
  for (const bytes of [
    [],
    [4],
    [255],
    [1, ...Array.from({ length: 17 }, () => 0)],
    [1, ...Array.from({ length: 18 }, () => 0)],
    [1, ...Array.from({ length: 21 }, () => 0)],
    [1, ...Array.from({ length: 18 }, () => 0), 0, 0, 0, 2, 7],
    [2, 0],
    [3],
    [3, 0],
    [3, 0, 1, 0],
  ]) {
    equal(parseCommand(Uint8Array.from(bytes)), null, JSON.stringify(bytes))
  }
  throws(() => decodeCommand(new Uint8Array(0)), /well-formed/)
})

test('an encoded command shares no memory with what it was made from', () => {
  const original = Uint8Array.of(1, 2, 3)
  const encoded = encodeCommand({ type: 'anonymous', body: original })
  original[0] = 9
  deepEqual([...encoded], [0, 1, 2, 3])
  equal(encoded.buffer.byteLength, encoded.length, 'nor with anything else')
})
