import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { TestQueues } from './testkit.ts'
import { queueName } from './types.ts'

function withQueue(): TestQueues {
  const queues = new TestQueues()
  queues.configure()
  return queues
}

test('a redrive from ready takes all that are there, also those that stand behind others of their key', () => {
  const queues = withQueue()
  queues.produce('a b c d', { key: 'k' })
  queues.produce('e f')
  equal(queues.redrive({ from: 'ready' }), 'moved 6')
  equal(queues.show(), 'a:moving b:moving c:moving d:moving e:moving f:moving')
  equal(queues.forwarded('a b c d e f'), 'forwarded forwarded forwarded forwarded forwarded forwarded')
  equal(queues.machine.state.records.size, 0)
})

test('a redrive from ready leaves what is in flight, and takes what stands behind it', () => {
  const queues = withQueue()
  queues.produce('a b c', { key: 'k' })
  equal(queues.consume(), 'a1')
  equal(queues.redrive({ from: 'ready' }), 'moved 2')
  equal(queues.release('a1'), 'returned')
  equal(queues.show(), 'a:ready b:moving c:moving')
  equal(queues.peek(), 'a')
})

test('a redrive from ready goes on in the order of the log, also in a replica that began with a snapshot', () => {
  const queues = withQueue()
  queues.produce('a', { priority: 1 })
  queues.produce('b c')
  queues.produce('d e', { key: 'k' })
  equal(queues.redrive({ from: 'ready', rate: 1 }), 'moved 1 so far')
  queues.produce('f', { priority: 9 })
  for (const moved of ['a', 'b', 'c', 'd', 'e']) {
    equal(
      queues
        .show()
        .split(' ')
        .findLast((each) => each.endsWith('moving')),
      `${moved}:moving`,
    )
    queues.restart()
    queues.pass(1_000)
  }
  equal(queues.peek(), 'f', 'which came later')
  equal(queues.machine.state.nextDeadline().time, null)
})

test('what came from nowhere is ready again at its old place, and a redrive that goes on does not come to it again', () => {
  const queues = withQueue()
  queues.produce('a b', { key: 'k' })
  queues.produce('c')
  equal(queues.redrive({ from: 'ready', rate: 1 }), 'moved 1 so far')
  equal(queues.return('a'), 'returned')
  equal(queues.return('a b'), 'not_moving not_moving')
  equal(queues.show(), 'a:ready b:ready c:ready')
  queues.restart()
  queues.pass(1_000)
  equal(queues.show(), 'a:ready b:moving c:ready')
  queues.postpone('b', 5_000)
  equal(queues.return('b'), 'returned', 'also when it was postponed')
  queues.pass(1_000)
  equal(queues.show(), 'a:ready b:ready c:moving')
  equal(queues.consume(5), 'a1')
})

test('a dead letter on its way to the queue that is named for it is not one that came from nowhere', () => {
  const queues = new TestQueues()
  queues.configure({ deadLetterQueue: queueName('dead') })
  queues.produce('a')
  queues.consume()
  queues.reject('a1')
  equal(queues.return('a'), 'not_moving')
  equal(queues.show(), 'a:moving')
})
