import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fencingToken, resourceName, sessionId } from '#core/lock/types.ts'
import { clientHello, clientMessage, readMessages, serverMessage, welcome } from './client-codec.ts'
import { clientLimits } from './client-limits.ts'
import type { ClientMessage, ServerMessage } from './client-message.ts'
import { body } from './control.ts'
import { string, uint32 } from './schema.ts'
import type { Schema } from './schema.ts'
import { Writer } from './writer.ts'

const bytes = Uint8Array.of(1, 2, 3)
const place = { node: 'lock-node-1', address: '127.0.0.1:8001' }

const fromClients: { readonly [Type in ClientMessage['type']]: readonly Extract<ClientMessage, { type: Type }>[] } = {
  command: [{ type: 'command', call: 1, command: bytes }],
  'keep-alive': [
    { type: 'keep-alive', call: 2, sessions: [] },
    { type: 'keep-alive', call: 3, sessions: [sessionId('a'), sessionId('b')] },
  ],
  query: [
    { type: 'query', call: 4, query: { type: 'locks', prefix: 'p', after: null, limit: 10 } },
    { type: 'query', call: 5, query: { type: 'lock', resource: 'r' } },
    { type: 'query', call: 6, query: { type: 'deadlocks' } },
    { type: 'query', call: 7, query: { type: 'check', resource: 'r', token: 2 ** 50 } },
  ],
}

const fromNodes: { readonly [Type in ServerMessage['type']]: readonly Extract<ServerMessage, { type: Type }>[] } = {
  answered: [{ type: 'answered', call: 1, answer: bytes }],
  settled: [{ type: 'settled', call: 2, answer: bytes }],
  failed: [{ type: 'failed', call: 3, code: 'no_leader', message: 'nobody leads' }],
  kept: [{ type: 'kept', call: 4, sessions: ['kept', 'wounded', 'lost', 'unknown'] }],
  view: [{ type: 'view', call: 5, view: new Uint8Array(200_000) }],
  leader: [{ type: 'leader', leader: place }],
  'session-ended': [{ type: 'session-ended', session: sessionId('a') }],
  forced: [{ type: 'forced', session: sessionId('a'), resource: resourceName('r'), token: fencingToken(7) }],
  going: [{ type: 'going' }],
}

function encode<T>(schema: Schema<T>, messages: readonly T[]): Uint8Array {
  const writer = new Writer(64 * 1024)
  for (const message of messages) schema.write(writer, message)
  return writer.take()
}

function returns<T>(schema: Schema<T>, messages: readonly T[]): void {
  for (const message of messages) assert.deepEqual(readMessages(schema, encode(schema, [message])), { ok: true, value: [message] })
  assert.deepEqual(readMessages(schema, encode(schema, messages)), { ok: true, value: messages })
}

test('every message comes back as it was sent, alone and with others in one frame', () => {
  returns(clientMessage, Object.values(fromClients).flat())
  returns(serverMessage, Object.values(fromNodes).flat())
})

test('greetings come back, and may have fields that only a newer version knows', () => {
  const hello = { oldest: 1, newest: 2, service: 'lock', software: 'test 1', token: 's' }
  const answer = {
    version: 1,
    clusterId: 'c',
    node: 'n1',
    software: '1',
    members: [place],
    leader: null,
    grants: { name: 't', roles: ['lock' as const], prefixes: ['a'] },
  }
  assert.deepEqual(clientHello.decode(clientHello.encode(hello)), { ok: true, value: hello })
  assert.deepEqual(welcome.decode(Buffer.concat([welcome.encode(answer), Uint8Array.of(0xc0)])), { ok: true, value: answer })
})

test('who knows nothing of tokens greets without one', () => {
  const older = body({ oldest: uint32, newest: uint32, service: string(), software: string() })
  const hello = { oldest: 1, newest: 1, service: 'lock', software: 'test 0' }
  assert.deepEqual(clientHello.decode(older.encode(hello)), { ok: true, value: { ...hello, token: null } })
})

test('what is too long for a node to take is refused', () => {
  const command = new Uint8Array(clientLimits.commandBytesMax + 1)
  const sessions = Array.from({ length: clientLimits.keepAliveSessionsMax + 1 }, () => sessionId('s'))
  for (const message of [{ type: 'command', call: 1, command } as const, { type: 'keep-alive', call: 1, sessions } as const]) {
    assert.equal(readMessages(clientMessage, encode(clientMessage, [message])).ok, false)
  }
})

test('bytes that are no messages are refused, and nothing is thrown', () => {
  const sample = encode(clientMessage, Object.values(fromClients).flat())
  const damaged = fc
    .tuple(fc.nat(sample.length - 1), fc.integer({ min: 1, max: 255 }))
    .map(([at, by]) => sample.map((byte, position) => (position === at ? byte ^ by : byte)))
  const cut = fc.integer({ min: 1, max: sample.length - 1 }).map((length) => sample.subarray(0, length))
  let refused = 0
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), damaged, cut), (encoded) => {
      const read = readMessages(clientMessage, encoded)
      if (!read.ok) refused++
      for (const message of read.ok ? read.value : []) assert.ok(message.type in fromClients)
    }),
    { numRuns: 5_000 },
  )
  assert.ok(refused > 500, `only ${refused} were refused`)
})
