import assert from 'node:assert/strict'
import { test } from 'node:test'
import { slotOf } from '#core/ring/partition.ts'
import { queueSlots } from '#services/queue/limits.ts'
import { QueueSdkWorld } from '#test/harness/queue-sdk-world.ts'
import type { Message } from './message.ts'

const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, at) => at)

/** The first message there is, or comes. */
async function next<T>(scene: QueueSdkWorld, messages: Promise<readonly Message<T>[]>): Promise<Message<T>> {
  const [message] = await scene.world.answer(messages)
  assert.ok(message !== undefined, 'a message is delivered')
  return message
}

test('decision Q6: a batch whose answer is lost is made again elsewhere, is there once, and has the ids of the first time', async () => {
  const scene = await QueueSdkWorld.start()
  const { sdk, sent } = await scene.client()
  const orders = sdk.queue<number>('orders')
  await scene.world.answer(orders.send(0))
  let lost: QueueAnswer | null = null
  scene.loses = (message) => {
    if (message.type !== 'produced' || lost !== null) return false
    lost = message
    const node = sent.findLast(({ message: { type } }) => type === 'produce')?.node ?? ''
    scene.world.scheduler.after(1, () => scene.cut(node))
    return true
  }
  const sends = await scene.world.answer(Promise.all(numbers(5).map((number) => orders.send(number))))
  assert.deepEqual(
    ((lost as QueueAnswer | null)?.results ?? []).map((result) => (result.type === 'enqueued' ? result.id : '')),
    sends.map(({ id }) => id),
  )
  const messages = await scene.world.answer(orders.receive({ max: 10 }))
  assert.deepEqual(
    messages.map(({ payload }) => payload),
    [0, ...numbers(5)],
  )
  await scene.world.answer(sdk.close())
})

type QueueAnswer = Extract<Parameters<QueueSdkWorld['loses']>[0], { type: 'produced' }>

test('what is about a slot goes to the node that leads it, and elsewhere when that cannot be reached', async () => {
  const scene = await QueueSdkWorld.start()
  const { sdk, sent } = await scene.client()
  const leader = await scene.world.leaderOf(slotOf('orders', 0, queueSlots))
  const orders = sdk.queue<number>('orders')
  const last = (): string | undefined => sent.findLast(({ message: { type } }) => type === 'produce')?.node
  await scene.world.answer(orders.send(1))
  await scene.world.run(100)
  await scene.world.answer(orders.send(2))
  assert.equal(last(), leader.name)
  scene.unreachable.add(leader.name)
  scene.cut(leader.name)
  await scene.world.answer(orders.send(3))
  assert.notEqual(last(), leader.name)
  await scene.world.answer(sdk.close())
})

test('sends of one turn are one batch, what comes meanwhile is the next, and one at rest is sent at once', async () => {
  const scene = await QueueSdkWorld.start()
  const { sdk, sent } = await scene.client()
  const orders = sdk.queue<number>('orders')
  const batches = (): readonly number[] => sent.flatMap(({ message }) => (message.type === 'produce' ? [message.messages.length] : []))
  await scene.world.answer(Promise.all(numbers(2_500).map((number) => orders.send(number))))
  assert.deepEqual(batches(), [1_000, 1_000, 500])
  void orders.send(1)
  await scene.world.run(5)
  assert.deepEqual(batches().slice(3), [1])
  await scene.world.answer(sdk.close())
})

test('a send that certainly never left is a timeout; one that nobody answered is unknown, and neither takes longer than it may', async () => {
  const scene = await QueueSdkWorld.start()
  const { sdk, clock } = await scene.client('client', 2_000)
  const orders = sdk.queue<number>('orders')
  await scene.world.answer(orders.send(0))
  scene.loses = (message) => message.type === 'produced'
  const begun = clock.now()
  assert.equal(await scene.refusal(orders.send(1)), 'unknown')
  assert.ok(clock.now() - begun < 2_200)
  scene.loses = () => false
  for (const { name } of scene.world.nodes) {
    scene.unreachable.add(name)
    scene.cut(name)
  }
  assert.equal(await scene.refusal(orders.send(2)), 'timeout')
  scene.unreachable.clear()
  await scene.world.run(3_000)
  // Whatever became of the one in doubt, the next is taken, under another name.
  await scene.world.answer(orders.send(3))
  const messages = await scene.world.answer(orders.receive({ max: 10 }))
  assert.deepEqual(
    messages.map(({ payload }) => payload),
    [0, 1, 3],
  )
  await scene.world.answer(sdk.close())
})

test('an ack and a nack whose answers are lost are done all the same, and say so', async () => {
  const scene = await QueueSdkWorld.start()
  const { sdk } = await scene.client()
  const orders = sdk.queue<number>('orders')
  await scene.world.answer(orders.sendBatch([{ payload: 1 }, { payload: 2 }]))
  const [first, second] = await scene.world.answer(orders.receive({ max: 2 }))
  assert.ok(first !== undefined && second !== undefined)
  const losing = async (settled: Promise<void>): Promise<void> => {
    let isLost = false
    scene.loses = (message) => {
      if (message.type !== 'settled' || isLost) return false
      isLost = true
      for (const { name } of scene.world.nodes) scene.world.scheduler.after(1, () => scene.cut(name))
      return true
    }
    await scene.world.answer(settled)
    assert.ok(isLost)
  }
  await losing(first.ack())
  await losing(second.nack({ delayMs: 60_000 }))
  const { ready, delayed, in_flight: inFlight } = await scene.world.answer(orders.status())
  assert.deepEqual([ready, delayed, inFlight], [0, 1, 0])
  await scene.world.answer(sdk.close())
})

test('decision Q10: a receive that is given up gets nothing any more, and its message is there for others at once', async () => {
  const scene = await QueueSdkWorld.start()
  const { sdk } = await scene.client()
  const orders = sdk.queue<number>('orders')
  await scene.world.answer(orders.create())
  const controller = new AbortController()
  const waiting = scene.refusal(orders.receive({ waitMs: 60_000, signal: controller.signal }))
  await scene.world.run(50)
  controller.abort()
  assert.equal(await waiting, 'aborted')
  await scene.world.answer(orders.send(1))
  const message = await next(scene, orders.receive())
  assert.deepEqual([message.payload, message.deliveryCount], [1, 1])
  await scene.world.answer(sdk.close())
})

test('a process that stands still for longer than its lease has nothing when it goes on: its signals abort first, and its ack is refused', async () => {
  const scene = await QueueSdkWorld.start()
  const [{ sdk, machine }, other] = [await scene.client('sleeps'), await scene.client('wakes')]
  const orders = sdk.queue<string>('orders')
  await scene.world.answer(orders.send('once'))
  const message = await next(scene, orders.receive({ visibilityTimeoutMs: 10_000 }))
  const { signal } = message
  assert.ok(message.isHeld && !signal.aborted)
  machine.pause()
  const again = await next(scene, other.sdk.queue<string>('orders').receive({ waitMs: 60_000 }))
  assert.equal(again.deliveryCount, 2)
  machine.resume()
  assert.ok(!message.isHeld && signal.aborted)
  assert.equal(await scene.refusal(message.ack()), 'stale_receipt')
  assert.ok(again.isHeld)
  await scene.world.answer(again.ack())
  await scene.world.answer(sdk.close())
  await scene.world.answer(other.sdk.close())
})

test('a lease ends at the client before it can end at the service, however long the wait for the message was', async () => {
  const scene = await QueueSdkWorld.start()
  const { sdk, clock } = await scene.client()
  const orders = sdk.queue<number>('orders')
  await scene.world.answer(orders.create({ visibilityTimeoutMs: 6_000 }))
  const waiting = orders.receive({ waitMs: 60_000 })
  waiting.catch(() => {})
  await scene.world.run(20_500)
  const sentAt = clock.now()
  await scene.world.answer(orders.send(1))
  const message = await next(scene, waiting)
  await scene.world.until('the signal aborts', () => message.signal.aborted)
  const heldMs = clock.now() - sentAt
  assert.ok(heldMs > 3_000 && heldMs < 5_100, `held for ${heldMs} ms`)
  assert.equal((await scene.world.answer(orders.status())).in_flight, 1)
  await scene.world.answer(sdk.close())
})

test('a worker keeps what it handles past its lease, gives back what throws after a growing time, and stops without a loss, though its listener rejects', async () => {
  const scene = await QueueSdkWorld.start()
  const { sdk } = await scene.client()
  const orders = sdk.queue<string>('orders')
  await scene.world.answer(orders.sendBatch([{ payload: 'slow' }, { payload: 'fails' }, { payload: 'rest' }]))
  const finish = Promise.withResolvers<void>()
  const begun: string[] = []
  const errors: string[] = []
  let slow: AbortSignal | null = null
  const worker = orders.work(
    async ({ payload, deliveryCount }, { signal }) => {
      begun.push(`${payload} ${deliveryCount}`)
      if (payload === 'fails' && deliveryCount === 1) throw new Error('once')
      if (payload !== 'slow') return
      slow = signal
      await finish.promise
    },
    {
      concurrency: 2,
      visibilityTimeoutMs: 2_000,
      backOff: { delayMs: 5_000, jitter: 0 },
      onError: async (error) => {
        errors.push(String(error))
        throw new Error('nobody hears of this')
      },
    },
  )
  await scene.world.run(4_000)
  assert.deepEqual(begun.toSorted(), ['fails 1', 'rest 1', 'slow 1'])
  await scene.world.until('it comes again', () => begun.includes('fails 2'), 3_000)
  assert.deepEqual(errors, ['Error: once'])
  const stopped = worker.stop()
  await scene.world.run(3_000)
  assert.equal(worker.active, 1)
  assert.equal((slow as AbortSignal | null)?.aborted, false)
  finish.resolve()
  await scene.world.answer(stopped)
  const { ready, in_flight: inFlight, delayed } = await scene.world.answer(orders.status())
  assert.deepEqual([ready, inFlight, delayed], [0, 0, 0])
  await scene.world.answer(sdk.close())
})

test('a client that is closed leaves nothing: no timer, no link, and every call has ended', async () => {
  const scene = await QueueSdkWorld.start()
  const { sdk, clock } = await scene.client()
  const [orders, unused] = [sdk.queue<number>('orders'), sdk.queue<number>('unused')]
  await scene.world.answer(orders.sendBatch(numbers(4).map((payload) => ({ payload }))))
  await next(scene, orders.receive())
  const errors: string[] = []
  const aborted = Promise.withResolvers<void>()
  const worker = orders.work(
    (_, { signal }) => new Promise<void>((resolve) => signal.addEventListener('abort', () => (aborted.resolve(), resolve()))),
    { onError: (error) => errors.push(String(error)) },
  )
  const waiting = scene.refusal(sdk.queue('nothing').receive({ waitMs: 60_000 }))
  await scene.world.run(100)
  await scene.world.answer(Promise.all([sdk.close(), worker.done, aborted.promise]))
  assert.equal(await waiting, 'unknown_queue')
  for (const queue of [orders, unused]) assert.equal(await scene.refusal(queue.send(1)), 'closed')
  assert.throws(() => sdk.queue('more'), { code: 'closed' })
  await scene.world.run(100)
  assert.deepEqual([clock.owed, scene.links], [0, 0])
})

test('an ack for which there is no leader for a while is made again until there is one', async () => {
  const scene = await QueueSdkWorld.start()
  const { sdk, sent } = await scene.client('client', 30_000)
  const orders = sdk.queue<number>('orders')
  await scene.world.answer(orders.send(1))
  const message = await next(scene, orders.receive())
  for (const { name } of scene.world.nodes.slice(1)) scene.crash(name)
  const acked = message.ack()
  const refused: string[] = []
  scene.loses = (told) => {
    if (told.type === 'failed') refused.push(told.code)
    return false
  }
  await scene.world.until('a node refuses it', () => refused.length > 0, 20_000)
  for (const node of scene.world.nodes.slice(1)) scene.world.restart(node)
  await scene.world.answer(acked)
  assert.ok(sent.filter(({ message: { type } }) => type === 'ack').length > 1)
  assert.equal((await scene.world.answer(orders.status())).in_flight, 0)
  await scene.world.answer(sdk.close())
})
