import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Machine } from '#sim/world/machine.ts'
import { Scheduler } from '#sim/world/scheduler.ts'
import type { SettledItem } from '#wire/queue-client-message.ts'
import type { CallTerms, QueueCalls } from './calls.ts'
import { Settler } from './settler.ts'
import type { Settlement } from './settler.ts'

/** What one who says this of a delivery is told, when the service answers that; `doubtful`: an earlier answer was lost. */
async function toldOf(settlement: Settlement, item: SettledItem, doubtful: boolean): Promise<string> {
  const scheduler = new Scheduler()
  // Of the calls only what a settlement asks of them.
  const calls = {
    begin: ({ done }: CallTerms) => done({ type: 'answered', answer: { type: 'settled', call: 1, results: [item] }, doubtful }),
  } as unknown as QueueCalls
  const settler = new Settler({ calls, clock: new Machine('client', scheduler, { touched() {} }), timeoutMs: 1_000 })
  const told = settler.settle('0001.1', settlement).catch((error: { code: string }) => error.code)
  scheduler.run(10, () => {})
  return told
}

const ack: Settlement = { type: 'ack' }
const nack: Settlement = { type: 'nack', kind: 'release', delayMs: null }
const extend: Settlement = { type: 'extend', visibilityMs: 1_000 }
const refused = (code: string): SettledItem => ({ type: 'refused', code, message: code })

test('decision Q7: an ack that is made again and comes to a newer lease is told to be stale, for somebody else has the message', async () => {
  for (const doubtful of [false, true]) assert.equal(await toldOf(ack, refused('stale_receipt'), doubtful), 'stale_receipt')
})

test('what an earlier attempt has done, whose answer was lost, is told to be done', async () => {
  assert.equal(await toldOf(ack, refused('unknown_message'), true), 'acknowledged')
  for (const code of ['stale_receipt', 'unknown_message']) assert.equal(await toldOf(nack, refused(code), true), 'returned')
})

test('without such a doubt a refusal is a refusal, and an extension always is', async () => {
  for (const settlement of [ack, nack]) assert.equal(await toldOf(settlement, refused('unknown_message'), false), 'unknown_message')
  for (const doubtful of [false, true]) assert.equal(await toldOf(extend, refused('stale_receipt'), doubtful), 'stale_receipt')
})
