import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LockstepError } from '#sdk/errors.ts'
import { QueueSdkWorld } from '#test/harness/queue-sdk-world.ts'

test('pages are refused for places that no page can have, and nothing is sent that would break the connection', async () => {
  const scene = await QueueSdkWorld.start()
  const { sdk, sent } = await scene.client()
  const orders = sdk.queue<number>('orders')
  await scene.world.answer(orders.send(1))
  const before = sent.length
  const long = 'x'.repeat(257)
  for (const page of [{ after: '' }, { after: long }, { prefix: long }, { prefix: '\ud800' }]) {
    assert.equal(await scene.refusal(sdk.queues(page)), 'invalid_request')
  }
  for (const after of ['', long, 'no place']) assert.equal(await scene.refusal(orders.peek({ after })), 'invalid_request')
  assert.equal(sent.length, before)
  const { messages, next } = await scene.world.answer(orders.peek({ limit: 1 }))
  assert.equal(messages.length, 1)
  await scene.world.answer(orders.peek({ after: next }))
  const { queues } = await scene.world.answer(sdk.queues({ prefix: 'ord', after: 'a' }))
  assert.deepEqual(
    queues.map(({ queue }) => queue),
    ['orders'],
  )
  await scene.world.answer(sdk.close())
})

test('what must not be carried out twice and was not answered in time ends as unknown, and is sent once', async () => {
  const scene = await QueueSdkWorld.start()
  const { sdk, sent } = await scene.client()
  const orders = sdk.queue<number>('orders')
  await scene.world.answer(orders.create())
  scene.loses = ({ type }) => type === 'view'
  const calls = [() => orders.purge(), () => orders.redrive(), () => orders.create({ ifRevision: 1 }), () => orders.delete()]
  for (const call of calls) {
    sent.length = 0
    const failed = await scene.world.answer(call().then(null, (error: unknown) => error))
    assert.ok(failed instanceof LockstepError)
    assert.deepEqual([failed.code, failed.retryable], ['unknown', false])
    assert.equal(sent.filter(({ message }) => message.type === 'manage').length, 1)
  }
  assert.equal(await scene.refusal(sdk.queues()), 'timeout', 'what may be asked twice was merely late')
  await scene.world.answer(sdk.close())
})
