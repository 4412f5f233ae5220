import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { messagesOf } from './bodies.ts'
import { encodeCommand } from './command-codec.ts'
import { offsets } from './message-id.ts'
import { peek } from './queries.ts'
import { queueOf, TestQueues } from './testkit.ts'
import { message, text } from './testkit-samples.ts'
import type { Receipt } from './types.ts'
import { consumerId } from './types.ts'

test('offsets count through all commands of an entry, over queues, and lead to the body', () => {
  const queues = new TestQueues()
  queues.configure()
  queues.configure({}, 2)
  const before = queues.log.length
  queues.together(() => {
    queues.produce('a b')
    queues.consume(1)
    queues.produce('x', {}, queueOf(9))
    queues.produce('y', { key: '' })
    queues.produce('c', {}, queueOf(2))
    queues.produce('d e')
    equal(queues.ack('a1'), 'acknowledged')
  })
  deepEqual([queues.answer?.type, queues.show(), queues.show(queueOf(2))], ['results', 'b:ready d:ready e:ready', 'c:ready'])
  deepEqual(
    ['a', 'b', 'c', 'd', 'e'].map((name) => [queues.id(name).index, queues.id(name).offset]),
    [0, 1, 4, 5, 6].map((offset) => [3, offset]),
    'refused ones count, too',
  )
  const entry = queues.log.slice(before).map(({ command }) => encodeCommand(command))
  for (const name of ['a', 'b', 'c', 'd', 'e']) deepEqual(messagesOf(entry)[queues.id(name).offset]?.body, text(name))
  deepEqual(messagesOf(entry)[2]?.body, text('x'))
  equal(messagesOf(entry)[7], undefined)
  deepEqual(messagesOf([text('nonsense'), ...entry])[6]?.body, text('e'), 'what cannot be read counts nothing')
  queues.restart()
  equal(queues.peek(), 'b d e')
  equal(queues.consume(5), 'b1 d1 e1')
  equal(queues.ack('b1 d1 e1'), 'acknowledged acknowledged acknowledged')
})

test('the bodies of an entry are needed until the last batch is settled, whatever queue it went to', () => {
  for (const isRestarted of [false, true]) {
    const queues = new TestQueues()
    queues.configure()
    queues.configure({}, 2)
    queues.together(() => {
      queues.produce('a')
      queues.produce('b', {}, queueOf(2))
      queues.produce('c')
    })
    const live = (): number => [...queues.machine.live()].length
    queues.consume(2)
    queues.ack('a1 c1')
    equal(live(), 1)
    deepEqual(queues.machine.deadBodies(), [])
    if (isRestarted) queues.restart()
    queues.consume(1, { queue: queueOf(2) })
    deepEqual(queues.machine.deadBodies(), [])
    queues.ack('b1')
    equal(live(), 0)
    deepEqual(queues.machine.deadBodies(), [{ from: 3, to: 3 }])
  }
})

test('what is settled within its own entry keeps no body, and what comes after it in the entry does', () => {
  const queues = new TestQueues()
  queues.configure()
  queues.together(() => {
    queues.produce('a')
    queues.consume()
    queues.ack('a1')
    queues.produce('b')
  })
  queues.pass(0)
  deepEqual([...queues.machine.live()], [{ from: 2, to: 2 }])
  deepEqual(queues.machine.deadBodies(), [])
  queues.together(() => {
    queues.produce('c')
    queues.consume(2)
    queues.ack('b1 c1')
  })
  queues.pass(0)
  deepEqual(queues.machine.deadBodies(), [
    { from: 2, to: 2 },
    { from: 4, to: 4 },
  ])
})

test('decision Q5: a message for which an entry has no place in its ids is refused, not given another’s', () => {
  const queues = new TestQueues()
  queues.configure()
  const answers: string[] = []
  queues.together(() => {
    for (let batch = 0; batch < 6; batch++) answers.push(queues.send(Array.from({ length: 1_000 }, () => message('x'))))
  })
  const words = answers.join(' ').split(' ')
  equal(words.filter((word) => word === 'enqueued').length, offsets)
  equal(words.slice(0, offsets).includes('entry_full'), false)
  const ids = [...peek(queues.machine.state, queueOf())].map(({ id }) => id.offset)
  equal(new Set(ids).size, offsets)
  equal(queues.produce('next'), 'enqueued')
})

test('decision Q5: what an entry has no place for does no harm to those before it, however much there is', () => {
  const queues = new TestQueues()
  queues.configure()
  for (let each = 0; each < 30; each++) queues.produce('x')
  const many = Array.from({ length: 1_000 }, () => message('x'))
  queues.together(() => {
    for (let batch = 0; batch < 66; batch++) queues.send(many)
    // Were these counted with 16 bits, they would be where the first ones are.
    for (let each = 0; each < 78; each++) equal(queues.produce('x'), 'entry_full')
  })
  const receipts: Receipt[] = []
  for (let delivered = deliver(queues); delivered.length > 0; delivered = deliver(queues)) receipts.push(...delivered)
  equal(receipts.length, 30 + offsets)
  receipts.reverse()
  while (receipts.length > 0) {
    const answer = queues.do({ type: 'ack', receipts: receipts.splice(0, 1_000) })
    deepEqual(answer.type === 'results' && [...new Set(answer.results)], ['acknowledged'])
  }
})

function deliver(queues: TestQueues): readonly Receipt[] {
  const answer = queues.do({
    type: 'consume',
    queue: queueOf(),
    consumer: consumerId('c'),
    max: 1_000,
    bytesMax: 1_000_000,
    visibilityMs: null,
  })
  return answer.type === 'delivered' ? answer.messages.map(({ id, lease }) => ({ id, lease })) : []
}
