import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { logIndex, replicaId, term } from '#core/raft/types.ts'
import { OneHost } from './one-host.ts'

test('pitfall 1: a vote leaves the host only when it is durable, however long the disk takes', () => {
  const one = new OneHost()
  const initial = { voters: ['n1/1/0', 'n2/1/0', 'n3/1/0'].map(replicaId), outgoing: [], learners: [] }
  one.host.create(1, { replica: one.replica, initial, decidedAt: logIndex(0) }, () => {})
  one.run(100)
  const sent = (): readonly string[] =>
    one.transport.sent.splice(0).map(({ message }) => (message.type === 'raft' ? message.message.type : message.type))
  one.disk.hang(200)
  const last = { lastIndex: logIndex(0), lastTerm: term(0) }
  const message = { type: 'vote-request', from: replicaId('n2/1/0'), to: one.replica, term: term(1), ...last, force: false } as const
  one.host.message({ name: 'n2', incarnation: '1' }, { type: 'raft', group: 1, message })
  one.run(190)
  deepEqual(sent(), [])
  one.run(20)
  deepEqual(sent(), ['vote-response'])
})
