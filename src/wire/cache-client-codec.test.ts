import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { agentId } from '#core/cache/types.ts'
import type { CacheClientMessage, CacheServerMessage } from './cache-client-message.ts'
import { cacheClients } from './cache-client-codec.ts'
import { readMessages } from './client-codec.ts'
import type { Schema } from './schema.ts'
import { Writer } from './writer.ts'

const fromClient: readonly CacheClientMessage[] = [
  { type: 'enter', agent: agentId('app:0') },
  { type: 'bus', content: Uint8Array.of(1, 2, 3) },
  { type: 'clear', call: 1, slot: 32, namespace: 'users' },
]
const fromNode: readonly CacheServerMessage[] = [
  { type: 'leaders', slots: 32, leaders: [{ slot: 1, term: 7, node: 'n1' }], members: [{ node: 'n1', address: 'a:1' }] },
  { type: 'bus', content: Uint8Array.of(4) },
  { type: 'cleared', call: 1 },
  { type: 'failed', call: 2, code: 'no_leader', message: 'nobody leads' },
  { type: 'going' },
]

function written<T>(schema: Schema<T>, messages: readonly T[]): Uint8Array {
  const writer = new Writer(1_024)
  for (const message of messages) schema.write(writer, message)
  return writer.take()
}

test('every message of applications and cache nodes comes back from its bytes as it was', () => {
  deepEqual(readMessages(cacheClients.fromClient, written(cacheClients.fromClient, fromClient)), { ok: true, value: fromClient })
  deepEqual(readMessages(cacheClients.fromNode, written(cacheClients.fromNode, fromNode)), { ok: true, value: fromNode })
})

test('what is cut short, or longer than it may be, is refused', () => {
  const bytes = written(cacheClients.fromClient, fromClient)
  const whole = new Set([fromClient.slice(0, 1), fromClient.slice(0, 2)].map((part) => written(cacheClients.fromClient, part).length))
  for (let at = 1; at < bytes.length; at++) equal(readMessages(cacheClients.fromClient, bytes.subarray(0, at)).ok, whole.has(at), `${at}`)
  const longName = written(cacheClients.fromClient, [{ type: 'enter', agent: agentId('a'.repeat(257)) }])
  const longNamespace = written(cacheClients.fromClient, [{ type: 'clear', call: 1, slot: 1, namespace: 'a'.repeat(257) }])
  deepEqual([readMessages(cacheClients.fromClient, longName).ok, readMessages(cacheClients.fromClient, longNamespace).ok], [false, false])
})
