import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { millis } from '#base/brand.ts'
import type { ToAgent, ToHome } from '#core/cache/messages.ts'
import { TextValue } from '#core/cache/text-value.ts'
import type { Condition, Outcome } from '#core/cache/types.ts'
import { agentId, agentSession, cacheKey, grant, homeTerm, requestNumber, slotId } from '#core/cache/types.ts'
import type { BusMessage } from './cache-bus.ts'
import { decodeBus, encodeBus } from './cache-bus.ts'

const slot = slotId(3)
const term = homeTerm(7)
const session = agentSession(12)
const key = cacheKey('schlüssel')
const value = TextValue.ofText('"ü"')
const version = { term, grant: grant(5), sequence: 2 }
const dirty = { grant: grant(5), sequence: 3, value }
const sentAt = millis(1234.5)
const inSession = { slot, term, session } as const
const asked = { ...inSession, number: requestNumber(9), oldest: requestNumber(8), key } as const
const answered = { ...inSession, number: requestNumber(9), key } as const
const identity = { client: 'c', sequence: 1, confirmed: 0, retry: true, again: false }
const conditions: readonly Condition[] = [
  { type: 'none' },
  { type: 'absent' },
  { type: 'version', version },
  { type: 'token', token: grant(4) },
]
const outcomes: readonly Outcome[] = [
  { type: 'done', version, number: -5 },
  { type: 'done', version, number: null },
  { type: 'mismatch', version },
  { type: 'refused', code: 'memory_full' },
  { type: 'unknown' },
]

const toHome: readonly ToHome[] = [
  { type: 'open', slot, term, agent: agentId('n1/2'), nonce: 4, sentAt },
  { type: 'arrive', ...inSession, sentAt, pushes: [{ key, version, value, held: true, carriedBy: requestNumber(3) }] },
  { type: 'arrive', ...inSession, sentAt, pushes: [{ key, version, value, held: false, carriedBy: null }] },
  { type: 'renew', ...inSession, oldest: requestNumber(1), sentAt },
  { type: 'leave', ...inSession },
  { type: 'request', ...asked, body: { type: 'read' } },
  { type: 'request', ...asked, body: { type: 'fill' } },
  { type: 'request', ...asked, body: { type: 'flush', dirty } },
  {
    type: 'request',
    ...asked,
    body: {
      type: 'write',
      held: { grant: grant(5), sequence: 6 },
      dirty,
      operations: [
        ...conditions.map((condition) => ({ identity, change: { type: 'set', value, ttlMs: 500, condition } as const })),
        { identity: null, change: { type: 'delete', condition: { type: 'none' } } },
        { identity: null, change: { type: 'add', by: -3 } },
      ],
    },
  },
  { type: 'snooped', ...inSession, key, grant: grant(5), kept: true, dirty: null },
]

const copies = [
  { value, version, ttlMs: 12.5 },
  { value: null, version, ttlMs: null },
]
const toAgent: readonly ToAgent[] = [
  { type: 'opened', slot, term, session, nonce: 4, sentAt },
  { type: 'welcome', ...inSession, sentAt },
  { type: 'renewed', ...inSession, sentAt },
  { type: 'session-lost', ...inSession },
  ...copies.flatMap((copy): ToAgent[] => [
    { type: 'reply', ...answered, body: { type: 'granted', rights: 'shared', grant: grant(5), copy } },
    { type: 'reply', ...answered, body: { type: 'written', outcomes, invalidated: 2, line: { grant: grant(5), sequence: 1, copy } } },
  ]),
  { type: 'reply', ...answered, body: { type: 'written', outcomes: [], invalidated: 0, line: null } },
  { type: 'reply', ...answered, body: { type: 'flushed', grant: grant(5), sequence: 1 } },
  { type: 'reply', ...answered, body: { type: 'load', token: grant(5) } },
  { type: 'reply', ...answered, body: { type: 'overloaded' } },
  { type: 'snoop', ...inSession, key, grant: grant(5), downgradeTo: version },
  { type: 'snoop', ...inSession, key, grant: grant(5), downgradeTo: null },
]

const samples: readonly BusMessage[] = [
  ...toHome.map((message) => ({ type: 'to-home', from: agentId('n1/2'), message }) as const),
  ...toAgent.map((message) => ({ type: 'to-agent', to: agentId('n1/2'), message }) as const),
  { type: 'who-leads', slot },
  { type: 'leads', slot, term, leader: 'cache-node-2' },
]

test('every message of agents and homes comes back from its bytes as it was', () => {
  assert.deepEqual(decodeBus(encodeBus(samples)), { ok: true, value: samples })
})

test('what was decoded shares no memory with the bytes it came in', () => {
  const bytes = encodeBus([{ type: 'to-home', from: agentId('a'), message: { type: 'request', ...asked, body: { type: 'flush', dirty } } }])
  const decoded = decodeBus(bytes)
  bytes.fill(255)
  const [first] = decoded.ok ? decoded.value : []
  assert.ok(first?.type === 'to-home' && first.message.type === 'request' && first.message.body.type === 'flush')
  assert.deepEqual(first.message.body.dirty.value, value)
})

test('a batch that is cut short, or has something behind it, is refused wherever that is', () => {
  const bytes = encodeBus(samples)
  for (let at = 0; at < bytes.length; at++) assert.equal(decodeBus(bytes.subarray(0, at)).ok, false)
  assert.equal(decodeBus(new Uint8Array([...bytes, 0])).ok, false)
})

test('a number that grows before it is written again is refused when it could grow beyond what can be written', () => {
  const writing = (sequence: number, ttlMs: number): boolean => {
    const operation = { identity: null, change: { type: 'set', value, ttlMs, condition: { type: 'none' } } } as const
    const body = { type: 'write', held: { grant: grant(5), sequence }, dirty: null, operations: [operation] } as const
    return decodeBus(encodeBus([{ type: 'to-home', from: agentId('a'), message: { type: 'request', ...asked, body } }])).ok
  }
  assert.deepEqual([writing(2 ** 52, 2 ** 52), writing(2 ** 52 + 1, 1), writing(1, 2 ** 52 + 1)], [true, false, false])
})

const seed = 20261121

test('damaged batches are refused or read as other messages, and never thrown', () => {
  const bytes = encodeBus(samples)
  let refused = 0
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, byte) => {
      const damaged = new Uint8Array(bytes)
      damaged[at] = byte
      const decoded = decodeBus(damaged)
      if (decoded.ok) assert.deepEqual(decodeBus(encodeBus(decoded.value)), decoded)
      else refused++
    }),
    { seed, numRuns: 2_000 },
  )
  assert.ok(refused > 100, `${refused} refused`)
})
