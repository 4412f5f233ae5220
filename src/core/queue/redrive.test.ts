import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { TestQueues } from './testkit.ts'

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
