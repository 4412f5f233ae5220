import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { millis } from '#base/brand.ts'
import type { ToAgent } from '#core/cache/messages.ts'
import { agentId, agentSession, cacheKey, grant, homeTerm, requestNumber, slotId } from '#core/cache/types.ts'
import type { BusMessage } from '#wire/cache-bus.ts'
import { decodeBus } from '#wire/cache-bus.ts'
import { BusPost } from './bus-post.ts'

const inSession = { slot: slotId(1), term: homeTerm(2), session: agentSession(3) } as const
const key = cacheKey('k')
const toAgent = (message: ToAgent): BusMessage => ({ type: 'to-agent', to: agentId('a'), message })
const renewed = toAgent({ type: 'renewed', ...inSession, sentAt: millis(1) })
const snoop = toAgent({ type: 'snoop', ...inSession, key, grant: grant(4), downgradeTo: null })
const answer = (bytes: number): BusMessage => {
  const value = { size: bytes, bytes: new Uint8Array(bytes) }
  const copy = { value, version: { term: homeTerm(2), grant: grant(4), sequence: 0 }, ttlMs: null }
  return toAgent({
    type: 'reply',
    ...inSession,
    number: requestNumber(5),
    key,
    body: { type: 'granted', rights: 'shared', grant: grant(4), copy },
  })
}

/** What leaves, batch by batch: to whom, how, and which messages. */
function posted(send: (post: BusPost) => void): { readonly sent: string[]; readonly kept: BusMessage[]; readonly turns: number } {
  const turns: (() => void)[] = []
  const sent: string[] = []
  const kept: BusMessage[] = []
  const clock = { soon: (call: () => void) => void turns.push(call) } as never
  const post = new BusPost({
    clock,
    name: 'self',
    notify: (to, lane, content) => {
      const batch = decodeBus(content)
      ok(batch.ok)
      sent.push(`${to} ${lane} ${batch.value.map((message) => ('message' in message ? message.message.type : message.type)).join('+')}`)
    },
    deliver: (_from, message) => kept.push(message),
  })
  send(post)
  for (const turn of turns) turn()
  return { sent, kept, turns: turns.length }
}

test('what is said in one turn leaves together: leases the urgent way, and no snoop before the grant in front of it', () => {
  const { sent, turns } = posted((post) => {
    for (const message of [answer(10), renewed, snoop, answer(10)]) post.send('n2', message)
    for (const message of [snoop, snoop, renewed]) post.send('n3', message)
  })
  equal(turns, 1)
  deepEqual(sent, ['n2 urgent renewed', 'n2 bulk reply+snoop+reply', 'n3 urgent renewed', 'n3 urgent snoop+snoop'])
})

test('a batch ends before it is too large, and what is too large alone goes alone', () => {
  const { sent } = posted((post) => {
    for (const bytes of [600_000, 600_000, 10, 1_048_576, 10]) post.send('n2', answer(bytes))
  })
  deepEqual(sent, ['n2 bulk reply', 'n2 bulk reply+reply', 'n2 bulk reply', 'n2 bulk reply'])
  const many = posted((post) => {
    for (let at = 0; at < 1_500; at++) post.send('n2', renewed)
  })
  deepEqual(
    many.sent.map((batch) => batch.split('+').length),
    [1_024, 476],
  )
})

test('what a node says to itself is not written down, and comes in a turn of its own', () => {
  const { sent, kept } = posted((post) => {
    post.send('self', snoop)
    post.send('self', renewed)
  })
  deepEqual([sent, kept], [[], [renewed, snoop]])
})
