import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { Cluster, storedEntries, termsOf } from '#core/raft/testkit.ts'
import { append, appendAck, heartbeat, heartbeatAck, preVoteResponse, staleTerm, voteResponse } from '#core/raft/testkit-messages.ts'
import { logIndex, replicaId } from '#core/raft/types.ts'
import type { Message, SnapshotMeta } from '#core/raft/types.ts'

/** What mutants of the Raft core survived until it was tested: mostly a write that is still under way when the next thing happens. */

const voters = ['a', 'b', 'c']
const ofType =
  (type: Message['type']) =>
  (message: Message): boolean =>
    message.type === type

/** `a` follows, the test speaks for the others. */
const follower = (terms: readonly number[] = [], inTerm = 1): Cluster =>
  new Cluster({ voters, live: ['a'], logs: { a: terms }, terms: { a: inTerm } })

function leader(terms: readonly number[] = []): Cluster {
  const cluster = new Cluster({ voters, live: ['a'], logs: { a: terms } })
  cluster.now = cluster.raft('a').deadline
  cluster.tick('a')
  const term = cluster.raft('a').term + 1
  cluster.receive(preVoteResponse(`b>a@${term}`, true))
  cluster.finishWrites('a')
  cluster.receive(voteResponse(`b>a@${term}`, true))
  equal(cluster.raft('a').role, 'leader')
  return cluster
}

test('pitfall 1: an answer to a heartbeat acknowledges only what is durable', () => {
  const cluster = follower()
  cluster.receive(append('b>a@1', [0, 0], [1, 1]))
  cluster.receive(heartbeat('b>a@1', 0, 1))
  deepEqual(cluster.take(ofType('heartbeat-ack')), [heartbeatAck('a>b@1', 1, 0)])
  cluster.finishWrites('a')
  cluster.receive(heartbeat('b>a@1', 0, 2))
  deepEqual(cluster.take(ofType('heartbeat-ack')), [heartbeatAck('a>b@1', 2, 2)])
})

test('pitfall 2: of two writes under way the end of the first commits nothing of the second', () => {
  const cluster = new Cluster({ voters: ['a'] })
  cluster.elect('a')
  cluster.settle()
  const { commit } = cluster.raft('a')
  cluster.propose('a')
  cluster.propose('a')
  cluster.finishWrite('a')
  equal(cluster.raft('a').commit, commit + 1)
  cluster.finishWrite('a')
  equal(cluster.raft('a').commit, commit + 2)
})

test('pitfall 2: an acknowledgement commits nothing that the leader has not on its own disk', () => {
  const cluster = leader()
  cluster.receive(appendAck('b>a@1', 1))
  equal(cluster.raft('a').commit, 0, 'the follower alone is no majority')
  cluster.finishWrites('a')
  equal(cluster.raft('a').commit, 1)
})

test('pitfall 4: a lease and a read begin only when an entry of the term is committed, though a majority follows', () => {
  const cluster = leader([1, 1])
  cluster.finishWrites('a')
  cluster.receive(heartbeatAck('b>a@2', 1, 2))
  equal(cluster.raft('a').leaseUntil, Number.NEGATIVE_INFINITY)
  deepEqual(cluster.read('a').effects.readStates, [])
  cluster.receive(appendAck('b>a@2', 3))
  ok(cluster.raft('a').leaseUntil > cluster.now)
})

test('pitfall 6: an old append that holds less does not shorten a log of which nothing is committed yet', () => {
  const cluster = follower()
  cluster.receive(append('b>a@1', [0, 0], [1, 1, 1]))
  for (const late of [append('b>a@1', [0, 0], [1]), append('b>a@1', [1, 1], [1]), append('b>a@1', [0, 0])]) cluster.receive(late)
  deepEqual(termsOf(cluster.raft('a')), [1, 1, 1])
})

test('pitfall 19: the end of a write that reached beyond where the log ends by now makes nothing durable', () => {
  const cluster = follower()
  cluster.receive(append('b>a@1', [0, 0], [1, 1, 1]))
  cluster.receive(append('c>a@2', [0, 0], [2]))
  cluster.finishWrite('a')
  equal(cluster.raft('a').inspect().log.durable, 0)
  cluster.finishWrites('a')
  equal(cluster.raft('a').inspect().log.durable, 1)
})

test('pitfall 20: the end of an older write does not stand for the own vote', () => {
  const cluster = new Cluster({ voters: ['a'] })
  cluster.elect('a')
  cluster.settle()
  cluster.propose('a')
  // A former member has reached a higher term.
  cluster.step('a', { type: 'message', message: { ...staleTerm('b>a@9'), to: replicaId('a') } })
  cluster.now = cluster.raft('a').deadline
  cluster.tick('a')
  equal(cluster.raft('a').role, 'candidate')
  cluster.finishWrite('a')
  equal(cluster.raft('a').role, 'candidate', 'its vote is not durable, so it might stand in this term again')
  cluster.finishWrites('a')
  equal(cluster.raft('a').role, 'leader')
})

test('pitfall 25: the end of a write that began before the install does not stand for it', () => {
  const cluster = follower([1], 1)
  const last = storedEntries([1], 5)[0]
  ok(last !== undefined)
  const membership = { voters: voters.map(replicaId), outgoing: [], learners: [] }
  const snapshot: SnapshotMeta = { index: last.index, term: last.term, time: last.time, membership, membershipIndex: logIndex(0), bytes: 8 }
  const addressed = { from: replicaId('b'), to: replicaId('a'), term: last.term }
  cluster.receive({ ...addressed, type: 'snapshot-chunk', snapshot, offset: 0, bytes: new Uint8Array(8), last: true })
  cluster.receive(append('b>a@1', [1, 1], [1]))
  cluster.finishWrite('a')
  cluster.finishWrite('a')
  ok(cluster.raft('a').inspect().installing !== null, 'only the append is durable yet')
  equal(cluster.node('a').machine.index, 0)
  cluster.finishWrites('a')
  equal(cluster.node('a').machine.index, 5)
})

test('pitfall 29: in a joint configuration the new majority alone commits nothing and elects nobody', () => {
  const cluster = new Cluster({ voters, learners: ['d', 'e'] })
  cluster.elect('a')
  cluster.propose('a')
  cluster.run(300)
  for (const other of ['b', 'c']) cluster.cut('a', other)
  cluster.change('a', ['a', 'd', 'e'])
  cluster.settle()
  const { commit, membershipIndex } = cluster.raft('a')
  ok(commit < membershipIndex)
  for (const one of ['a', 'd', 'e']) for (const other of ['b', 'c']) cluster.cut(one, other)
  cluster.run(10_000)
  ok(['a', 'd', 'e'].every((name) => cluster.raft(name).role !== 'leader'))
})
