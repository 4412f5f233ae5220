import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '#base/prng.ts'
import { partitionOf } from '#core/ring/partition.ts'
import { Machine } from '#sim/world/machine.ts'
import { Scheduler } from '#sim/world/scheduler.ts'
import type { QueueClientMessage, QueueServerMessage } from '#wire/queue-client-message.ts'
import { QueueCalls } from './calls.ts'
import { messageOf } from './options.ts'
import { Places } from './places.ts'
import type { Sending } from './producer-lane.ts'
import { Sender } from './sender.ts'

type Produce = Extract<QueueClientMessage, { type: 'produce' }>

/** The sends of one client, whose node is played by the test. */
class Scene {
  readonly scheduler = new Scheduler()
  readonly open: QueueClientMessage[] = []
  readonly sender: Sender
  readonly places: Places
  readonly #calls: QueueCalls
  readonly #line = { node: 'n1', link: { send: (message: QueueClientMessage) => void this.open.push(message), close: () => {} } }

  constructor() {
    const clock = new Machine('client', this.scheduler, { touched() {} })
    const prng = new Prng(1)
    this.#calls = new QueueCalls({ clock, prng, lineFor: () => this.#line, unanswered: () => {}, stray: () => {} })
    const asking = { calls: this.#calls, clock, timeoutMs: 5_000 }
    const hex = (bytes: number): string => `${prng.between(0, 1_000_000)}`.padStart(bytes, '0')
    this.places = new Places(asking)
    this.sender = new Sender('q', { ...asking, prng, entropy: { hex }, places: this.places })
  }

  /** What is asked of the node now, and was not answered. */
  async asked(): Promise<readonly QueueClientMessage[]> {
    for (let turn = 0; turn < 10; turn++) {
      await Promise.resolve()
      this.scheduler.run(this.scheduler.now, () => {})
    }
    return this.open
  }

  async produces(): Promise<readonly Produce[]> {
    return (await this.asked()).filter((message) => message.type === 'produce')
  }

  answer(message: QueueServerMessage & { readonly call: number }): void {
    this.open.splice(
      this.open.findIndex(({ call }) => call === message.call),
      1,
    )
    this.#calls.received(this.#line, message)
  }

  async located(partitions: number): Promise<void> {
    const locate = (await this.asked()).find(({ type }) => type === 'locate')
    assert.ok(locate !== undefined)
    this.answer({ type: 'located', call: locate.call, partitions, slots: 32, visibilityMs: 30_000 })
  }

  refuse({ call }: Produce, code: string): void {
    this.answer({ type: 'failed', call, code, message: code, retryAfterMs: null })
  }

  take({ call, messages }: Produce): void {
    this.answer({ type: 'produced', call, results: messages.map((_, at) => ({ type: 'enqueued', id: `${call}-${at}`, duplicate: false })) })
  }

  send(payload: string, key: string): Promise<Sending> {
    return this.sender.send(messageOf(payload, { key }))
  }
}

/** What it is of, without what only makes it large. */
const payloadsOf = ({ messages }: Produce): readonly string[] =>
  messages.map(({ body }) => String(JSON.parse(new TextDecoder().decode(body))).trim())

const keyOf = (partition: number, partitions: number): string =>
  ['a', 'b', 'c', 'd', 'e', 'f', 'g'].find((key) => partitionOf(key, partitions) === partition) ?? ''

/** Two of these do not go together. */
const large = (payload: string): string => payload.padEnd(700_000)

test('what waits behind a batch that belongs elsewhere by now goes elsewhere behind it, and in front of what is sent later', async () => {
  const scene = new Scene()
  for (const payload of ['first', 'second']) void scene.send(large(payload), 'k')
  await scene.located(1)
  const [astray] = await scene.produces()
  assert.ok(astray !== undefined)
  scene.refuse(astray, 'wrong_partition')
  void scene.send('third', 'k')
  await scene.located(4)
  const taken: (readonly string[])[] = []
  for (const _ of [1, 2]) {
    const open = await scene.produces()
    assert.equal(open.length, 1, 'one batch is under way')
    for (const produce of open) {
      assert.equal(produce.producer.partition, partitionOf('k', 4))
      taken.push(payloadsOf(produce))
      scene.take(produce)
    }
  }
  assert.deepEqual(taken, [['first'], ['second', 'third']])
})

test('nothing is sent to other partitions than before while a batch is under way that may come back', async () => {
  const scene = new Scene()
  const [one, other] = [keyOf(0, 2), keyOf(1, 2)]
  void scene.send('one 1', one)
  void scene.send('other 1', other)
  await scene.located(2)
  const [astray, slow] = await scene.produces()
  assert.ok(astray !== undefined && slow !== undefined)
  scene.refuse(astray, 'wrong_partition')
  void scene.send('other 2', other)
  await scene.located(1)
  assert.deepEqual(await scene.produces(), [slow])
  scene.refuse(slow, 'wrong_partition')
  assert.deepEqual((await scene.produces()).map(payloadsOf), [['other 1', 'one 1', 'other 2']])
})

test('nor when nothing of what was refused is waited for any more', async () => {
  const scene = new Scene()
  const [one, other] = [keyOf(0, 2), keyOf(1, 2)]
  const ending = new AbortController()
  void scene.sender.send(messageOf('one 1', { key: one }), ending.signal)
  void scene.send('other 1', other)
  await scene.located(2)
  const [astray, slow] = await scene.produces()
  assert.ok(astray !== undefined && slow !== undefined)
  ending.abort()
  scene.refuse(astray, 'wrong_partition')
  await scene.located(1)
  void scene.send('other 2', other)
  assert.deepEqual(await scene.produces(), [slow])
  scene.refuse(slow, 'wrong_partition')
  assert.deepEqual((await scene.produces()).map(payloadsOf), [['other 1', 'other 2']])
})

test('nor when somebody else has found out first that the queue has other partitions', async () => {
  const scene = new Scene()
  const key = keyOf(1, 2)
  for (const payload of ['first', 'second']) void scene.send(large(payload), key)
  await scene.located(2)
  const [slow] = await scene.produces()
  assert.ok(slow !== undefined)
  scene.places.forget('q')
  void scene.send('third', key)
  await scene.located(1)
  assert.deepEqual(await scene.produces(), [slow])
  scene.refuse(slow, 'wrong_partition')
  assert.deepEqual((await scene.produces()).map(payloadsOf), [['first']])
})

for (const [what, answer] of [
  ['a fault of the node', (scene: Scene, produce: Produce) => scene.refuse(produce, 'internal')],
  ['results of too few messages', (scene: Scene, produce: Produce) => scene.take({ ...produce, messages: [] })],
  ['that it was answered before', (scene: Scene, produce: Produce) => scene.refuse(produce, 'already_answered')],
] as const) {
  test(`decision Q6: a batch that is answered with ${what} may be in the queue, and its name is not used again`, async () => {
    const scene = new Scene()
    const sending = scene.send('in doubt', 'k')
    await scene.located(1)
    const [doubtful] = await scene.produces()
    assert.ok(doubtful !== undefined)
    answer(scene, doubtful)
    const outcome = await sending
    assert.equal(outcome.type === 'failed' && outcome.error.code, 'unknown')
    void scene.send('next', 'k')
    const [next] = await scene.produces()
    assert.ok(next !== undefined && next.producer.id !== doubtful.producer.id)
    assert.equal(next.producer.sequence, 1)
  })
}
