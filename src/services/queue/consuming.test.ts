import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { millis, wallMillis } from '#base/brand.ts'
import { ok } from '#base/result.ts'
import type { Call } from '#api/call.ts'
import { receiptOf } from '#api/queues/receipt.ts'
import { formatMessageId } from '#core/queue/message-id.ts'
import type { Clock } from '#ports/clock.ts'
import { Machine } from '#sim/world/machine.ts'
import { Scheduler } from '#sim/world/scheduler.ts'
import { Consuming } from './consuming.ts'
import type { QueueCalls } from './queue-calls.ts'
import type { Asked } from './queue-path.ts'

const settings = { paused: false }
const listing = { definition: { name: 'q', partitions: 1, generation: 1, settings }, catalogueVersion: 1 }
const call: Call = { requestId: 'r', remoteAddress: 'client', caller: null, signal: new AbortController().signal }

test('who does not wait for messages is asked for again while nobody answers, and told so after eight seconds at the latest', async () => {
  let now = 0
  const asked: number[] = []
  const path = {
    refusal: () => null,
    waitAtLeader: (_: unknown, done: (asked: Asked) => void, forMs: number) => {
      asked.push(now)
      now += forMs
      done({ type: 'silent' })
    },
  }
  const calls = { find: async () => ok(listing), pathOf: () => path } as unknown as QueueCalls
  const clock = { now: () => millis(now) } as Clock
  const consuming = new Consuming({ calls, clock, newTicket: () => 't', undelivered: () => {} })
  const consumed = await consuming.consume({ queue: 'q', consumer_id: 'c', max: 1, wait_ms: 0 }, call)
  deepEqual([consumed.ok ? null : consumed.error.code, asked.length, now <= 9_000], ['unknown', 2, true])
})

test('decision Q10: what is delivered to a wait after the leader has heard that it is left is given back', async () => {
  const told = { waiting: [] as ((asked: Asked) => void)[], leaving: [] as ((asked: Asked) => void)[] }
  const path = {
    refusal: () => null,
    waitAtLeader: (_: unknown, done: (asked: Asked) => void) => void told.waiting.push(done),
    askLeader: (_: unknown, done: (asked: Asked) => void) => void told.leaving.push(done),
  }
  // Of the calls only what a consume asks of them.
  const calls = { find: async () => ok(listing), pathOf: () => path } as unknown as QueueCalls
  const givenBack: string[] = []
  const consuming = new Consuming({
    calls,
    clock: new Machine('n1', new Scheduler(), { touched() {} }),
    newTicket: () => 't',
    undelivered: (receipts) => givenBack.push(...receipts),
  })
  const ended = new AbortController()
  const consumed = consuming.consume({ queue: 'q', consumer_id: 'c', max: 1, wait_ms: 1_000 }, { ...call, signal: ended.signal })
  await Promise.resolve().then(() => {})
  ended.abort('stopping')
  for (const done of told.leaving) done({ type: 'left' })
  deepEqual(await consumed, ok({ messages: [], paused: false }))
  const id = { slot: 1, index: 1, offset: 0, check: 1 }
  const message = { key: null, priority: 0, delay: { type: 'none' }, ttlMs: null, dedupeId: null, headers: [], source: null } as const
  const delivered = { id, lease: 3, failed: 0, enqueuedAt: wallMillis(0), message: { ...message, body: new Uint8Array(1) } }
  for (const done of told.waiting) done({ type: 'delivered', messages: [delivered], visibleUntil: wallMillis(1) })
  deepEqual(givenBack, [receiptOf(formatMessageId(id), 3)])
})
