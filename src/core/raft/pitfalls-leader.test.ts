import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limits } from './limits.ts'
import { Cluster, testTiming } from './testkit.ts'
import { appendAck, heartbeat, heartbeatAck, staleTerm, voteRequest } from './testkit-messages.ts'
import { replicaId } from './types.ts'
import type { Effects, Message } from './types.ts'

/** Mistakes that other implementations made with leaders, membership, transfer and leases. The numbers are those of docs/raft.md. */

const voters = ['a', 'b', 'c']
const ofType =
  (...types: Message['type'][]) =>
  (message: Message): boolean =>
    types.includes(message.type)

function led(options: { readonly learners?: readonly string[]; readonly seed?: number } = {}): Cluster {
  const cluster = new Cluster({ voters, ...options })
  cluster.elect('a')
  cluster.run(200)
  return cluster
}

const holdsLease = (cluster: Cluster, name: string): boolean => cluster.raft(name).leaseUntil > cluster.now
const refusal = ({ proposed }: Effects): string | null => (proposed?.type === 'refused' ? proposed.reason : null)
const changeRefusal = ({ membershipChange }: Effects): string | null =>
  membershipChange?.type === 'refused' ? membershipChange.reason : null

test('pitfall 17: a leader that no majority answers steps down within an upper election time-out, and refuses proposals then', () => {
  const cluster = led()
  cluster.isolate('a')
  const since = cluster.now
  const { id } = cluster.read('a')
  cluster.now += testTiming.leaseMs
  const waiting = cluster.read('a')
  cluster.run(2 * testTiming.electionMaxMs, () => cluster.raft('a').role !== 'leader')
  assert.equal(cluster.raft('a').role, 'follower')
  assert.ok(cluster.now - since <= testTiming.electionMaxMs + 3 * testTiming.heartbeatMs)
  assert.equal(refusal(cluster.propose('a')), 'not-leader')
  assert.ok(id < waiting.id)
})

test('pitfall 17: the reads that wait at a leader that steps down are answered "cannot say"', () => {
  const cluster = led()
  cluster.isolate('a')
  cluster.now += testTiming.electionMinMs
  const { id, effects } = cluster.read('a')
  assert.deepEqual(effects.readStates, [])
  const answer = cluster.step('a', { type: 'message', message: staleTerm('b>a@9') })
  assert.deepEqual(answer.readStates, [{ id, index: null }])
})

test('pitfall 17: an asymmetric cut counts as well: sending without being answered does not keep the lead', () => {
  const cluster = led()
  for (const other of ['b', 'c']) cluster.cut(other, 'a', 'one-way')
  cluster.run(testTiming.electionMaxMs + 3 * testTiming.heartbeatMs)
  assert.notEqual(cluster.raft('a').role, 'leader')
})

test('pitfall 17: a leader that is always late does not put the lack of answers down to pauses for ever', () => {
  const cluster = led()
  cluster.isolate('a')
  for (let ticks = 0; ticks < 10; ticks++) {
    cluster.now += 3 * testTiming.heartbeatMs
    cluster.tick('a')
  }
  assert.notEqual(cluster.raft('a').role, 'leader')
})

test('pitfall 18: a leader whose disk hangs gives up although its heartbeats go on, and does not campaign again meanwhile', () => {
  const cluster = led()
  cluster.node('a').diskPaused = true
  cluster.propose('a')
  const { term } = cluster.raft('a')
  cluster.run(2 * testTiming.electionMaxMs + 2 * testTiming.heartbeatMs, () => cluster.raft('a').role !== 'leader')
  assert.equal(cluster.raft('a').role, 'follower')
  cluster.run(20_000)
  assert.ok(cluster.leader === 'b' || cluster.leader === 'c')
  assert.ok(cluster.raft('b').term <= term + 2, 'leadership does not flap')
  cluster.node('a').diskPaused = false
  cluster.run(2000)
  assert.equal(cluster.raft('a').commit, cluster.raft('b').commit)
})

test('pitfall 18: a disk that is only slow costs no leadership', () => {
  const cluster = led()
  for (let round = 0; round < 20; round++) {
    cluster.node('a').diskPaused = true
    cluster.propose('a')
    cluster.run(testTiming.electionMaxMs)
    cluster.node('a').diskPaused = false
    cluster.settle()
  }
  assert.equal(cluster.leader, 'a')
  assert.equal(cluster.raft('a').term, 1)
})

test('pitfall 20: the end of a write from a past leadership counts nothing in a later term', () => {
  const cluster = led()
  cluster.node('a').diskPaused = true
  cluster.propose('a')
  cluster.isolate('a')
  cluster.elect('b')
  const { commit } = cluster.raft('a')
  cluster.receive(staleTerm('b>a@2'))
  cluster.heal()
  cluster.step('a', { type: 'message', message: heartbeat('b>a@2', 99) })
  cluster.finishWrites('a')
  assert.equal(cluster.raft('a').commit, commit)
  assert.equal(cluster.take(ofType('append-ack')).filter((ack) => ack.type === 'append-ack' && ack.match > commit).length, 0)
})

test('pitfall 26: one change at a time, and none before an entry of the own term is committed', () => {
  const cluster = led({ learners: ['d', 'e'] })
  cluster.isolate('a')
  assert.equal(cluster.change('a', ['a', 'b']).membershipChange?.type, 'accepted')
  assert.equal(changeRefusal(cluster.change('a', ['a', 'b', 'c'])), 'change-pending')
  cluster.elect('b')
  cluster.raft('b')
  const young = new Cluster({ voters, live: ['a'] })
  young.now = young.raft('a').deadline
  young.tick('a')
  for (const type of ['pre-vote-response', 'vote-response'] as const) {
    young.step('a', { type: 'message', message: { type, from: replicaId('b'), to: replicaId('a'), term: 1 as never, granted: true } })
    young.finishWrites('a')
  }
  assert.equal(young.raft('a').role, 'leader')
  assert.equal(changeRefusal(young.change('a', ['a', 'b'])), 'change-pending')
  young.receive(appendAck('b>a@1', 1))
  young.receive(heartbeatAck('b>a@1', 1, 1))
  assert.equal(young.change('a', ['a', 'b']).membershipChange?.type, 'accepted')
})

test('pitfall 27: a configuration counts from its append; when the entry is truncated the one before counts again', () => {
  const cluster = led()
  cluster.isolate('a')
  cluster.change('a', ['a'])
  assert.deepEqual(cluster.raft('a').membership, { voters: ['a'], outgoing: voters, learners: [] })
  cluster.elect('b')
  cluster.heal()
  cluster.run(2000)
  assert.deepEqual(cluster.raft('a').membership, { voters, outgoing: [], learners: [] })
  assert.equal(cluster.raft('a').membershipIndex, 0)
})

test('pitfall 29: in a joint configuration commit, election, lease and read each need both majorities', () => {
  const cluster = led({ learners: ['d', 'e'] })
  cluster.propose('a')
  cluster.run(300)
  cluster.change('a', ['a', 'd', 'e'])
  for (const other of ['d', 'e']) cluster.cut('a', other)
  cluster.settle()
  const { commit, membershipIndex } = cluster.raft('a')
  assert.ok(commit < membershipIndex, 'the old majority alone commits nothing')
  cluster.run(testTiming.leaseMs + 50)
  assert.equal(holdsLease(cluster, 'a'), false, 'nor does it give a lease')
  const { effects } = cluster.read('a')
  assert.deepEqual(effects.readStates, [], 'nor a read')
  cluster.settle()
  assert.equal(cluster.raft('a').inspect().role.type === 'leader' && cluster.witness.counts.reads, 0)
})

test('pitfall 29: a joint configuration is still in force after a restart', () => {
  const cluster = led({ learners: ['d', 'e'] })
  cluster.propose('a')
  cluster.run(300)
  for (const other of ['d', 'e']) cluster.cut('a', other)
  cluster.change('a', ['a', 'd', 'e'])
  cluster.settle()
  cluster.restart('b')
  assert.deepEqual(cluster.raft('b').membership.outgoing, voters)
  assert.deepEqual(cluster.raft('b').membership.voters, ['a', 'd', 'e'])
})

test('pitfall 31: a leader that removes itself leads until that is committed, does not count itself, and then goes', () => {
  const cluster = led()
  for (const other of ['b', 'c']) cluster.node(other).diskPaused = true
  cluster.change('a', ['b', 'c'])
  cluster.settle()
  assert.equal(cluster.raft('a').role, 'leader')
  cluster.node('b').diskPaused = false
  cluster.settle()
  assert.equal(cluster.raft('a').role, 'leader', 'it and b are a majority of the old voters, but b alone is none of the new')
  assert.ok(cluster.raft('a').membership.outgoing.length > 0)
  cluster.node('c').diskPaused = false
  cluster.settle()
  assert.equal(cluster.raft('a').role, 'follower')
  assert.ok(cluster.leader === 'b' || cluster.leader === 'c', 'it told one of them to take over at once')
  cluster.run(20_000)
  assert.notEqual(cluster.raft('a').role, 'leader')
  assert.deepEqual(cluster.raft(cluster.leader ?? '').membership.voters, ['b', 'c'])
})

test('pitfall 31: who alone holds the configuration that leaves it out may campaign, or nobody could be elected', () => {
  const cluster = new Cluster({ voters: ['a', 'b'] })
  cluster.elect('b')
  cluster.run(200)
  cluster.change('b', ['a'], ['b'])
  cluster.deliver(ofType('append'))
  cluster.finishWrites('a')
  cluster.finishWrites('b')
  cluster.cut('b', 'a', 'one-way')
  cluster.settle()
  assert.equal(cluster.raft('b').membership.outgoing.length, 0, 'b has left the joint configuration, a has not')
  assert.ok(cluster.raft('a').membership.outgoing.length > 0)
  for (const name of ['a', 'b']) cluster.restart(name)
  cluster.heal()
  cluster.run(10_000, () => cluster.leader === 'a' && cluster.raft('a').termStarted)
  assert.equal(cluster.leader, 'a')
  assert.deepEqual(cluster.raft('a').membership, { voters: ['a'], outgoing: [], learners: ['b'] })
})

test('pitfall 32: a new voter must have been a learner that keeps up', () => {
  const cluster = led()
  cluster.add('d')
  assert.equal(changeRefusal(cluster.change('a', [...voters, 'd'])), 'not-caught-up')
  cluster.change('a', voters, ['d'])
  assert.equal(changeRefusal(cluster.change('a', [...voters, 'd'])), 'change-pending')
  cluster.settle()
  assert.deepEqual(cluster.raft('a').caughtUpLearners(), [], 'it has not answered a heartbeat yet')
  cluster.run(200)
  assert.deepEqual(cluster.raft('a').caughtUpLearners(), ['d'])
  assert.equal(cluster.change('a', [...voters, 'd']).membershipChange?.type, 'accepted')
})

test('pitfall 32: a learner that is dead, or whose last round was too slow, is not promoted', () => {
  const cluster = led({ learners: ['d'] })
  cluster.propose('a')
  cluster.run(300)
  cluster.crash('d')
  cluster.run(testTiming.electionMaxMs + 2 * testTiming.heartbeatMs)
  assert.equal(changeRefusal(cluster.change('a', [...voters, 'd'])), 'not-caught-up', 'dead, though it had everything')
  cluster.start('d')
  cluster.run(500)
  cluster.node('d').diskPaused = true
  for (let round = 0; round < 8; round++) {
    cluster.propose('a')
    cluster.run(testTiming.heartbeatMs)
  }
  assert.equal(changeRefusal(cluster.change('a', [...voters, 'd'])), 'not-caught-up', 'it answers, but its disk does not keep up')
})

test('pitfall 32: a learner that idled along with its group is as good as one that just caught up', () => {
  const cluster = led({ learners: ['d'] })
  cluster.propose('a')
  cluster.run(10 * testTiming.electionMaxMs)
  cluster.propose('a')
  cluster.settle()
  cluster.run(testTiming.heartbeatMs)
  assert.deepEqual(cluster.raft('a').caughtUpLearners(), ['d'])
})

test('pitfall 32: a new member is sent the log at once, not after some heartbeats', () => {
  const cluster = led()
  cluster.add('d')
  cluster.change('a', voters, ['d'])
  cluster.settle()
  assert.equal(cluster.raft('d').lastIndex, cluster.raft('a').lastIndex)
})

test('pitfall 33: proposals are refused during a transfer, and taken again when it has timed out', () => {
  const cluster = led()
  cluster.crash('b')
  cluster.transfer('a', 'b')
  assert.equal(refusal(cluster.propose('a')), 'transferring')
  assert.equal(changeRefusal(cluster.change('a', ['a', 'c'])), 'transferring')
  cluster.run(testTiming.electionMaxMs + 2 * testTiming.heartbeatMs)
  assert.equal(cluster.leader, 'a')
  assert.equal(refusal(cluster.propose('a')), null)
})

test('pitfall 33: a leader that lost its lead during a transfer and won it again takes proposals', () => {
  const cluster = led()
  cluster.crash('b')
  cluster.transfer('a', 'b')
  cluster.elect('c')
  cluster.settle()
  assert.equal(cluster.raft('a').leader, 'c')
  cluster.elect('a')
  assert.equal(refusal(cluster.propose('a')), null)
})

test('pitfall 33: a transfer to a target that was told but did not win ends in a new term of the old leader', () => {
  const cluster = led()
  const { term } = cluster.raft('a')
  cluster.transfer('a', 'b')
  assert.equal(cluster.take(ofType('timeout-now')).length, 1)
  cluster.run(testTiming.electionMaxMs + 2 * testTiming.heartbeatMs)
  assert.equal(cluster.leader, 'a')
  assert.equal(cluster.raft('a').term, term + 1)
  assert.equal(refusal(cluster.propose('a')), null)
  assert.ok(holdsLease(cluster, 'a'), 'the new term may have a lease again')
})

test('pitfall 33: a leader that may not campaign when a transfer fails has a lease again once it may', () => {
  const cluster = led()
  const { term } = cluster.raft('a')
  cluster.step('a', { type: 'eligibility', eligible: false })
  for (const start = cluster.now; cluster.now < start + testTiming.electionMaxMs;) {
    cluster.now += testTiming.heartbeatMs
    cluster.tick('a')
    cluster.take(ofType('timeout-now'))
    cluster.settle()
  }
  assert.equal(cluster.raft('a').term, term)
  assert.equal(holdsLease(cluster, 'a'), false)
  cluster.step('a', { type: 'eligibility', eligible: true })
  cluster.run(testTiming.electionMaxMs + 2 * testTiming.heartbeatMs)
  assert.equal(cluster.leader, 'a')
  assert.equal(cluster.raft('a').term, term + 1)
  assert.ok(holdsLease(cluster, 'a'))
})

test('pitfall 33: a leader that may not lead hands over to one after the other, and serves in between when nobody may', () => {
  const cluster = led()
  for (const name of ['a', 'b']) cluster.step(name, { type: 'eligibility', eligible: false })
  cluster.run(4 * testTiming.electionMaxMs)
  assert.equal(cluster.leader, 'c')
  cluster.step('c', { type: 'eligibility', eligible: false })
  let taken = 0
  for (let second = 0; second < 30; second++) {
    cluster.run(1_000)
    if (cluster.leader !== null && refusal(cluster.propose(cluster.leader)) === null) taken++
  }
  assert.ok(taken > 20, `${taken} of 30`)
})

test('pitfall 34: a message for a former replica of this node is not taken', () => {
  const cluster = led()
  const before = cluster.raft('a').term
  const effects = cluster.step('a', { type: 'message', message: { ...voteRequest('b>a@9', [99, 9], true), to: replicaId('a-before') } })
  assert.deepEqual([...effects.send, ...effects.sendAfterPersist], [])
  assert.equal(cluster.raft('a').term, before)
})

test('pitfall 34: answers of a replica that is no member count for nothing', () => {
  const cluster = led()
  cluster.isolate('a')
  cluster.propose('a')
  cluster.finishWrites('a')
  cluster.heal()
  const { commit } = cluster.raft('a')
  cluster.receive(appendAck('c-before>a@1', 2))
  cluster.receive(heartbeatAck('c-before>a@1', 1, 2))
  assert.equal(cluster.raft('a').commit, commit)
})

test('pitfall 39: the lease ends before the target of a transfer is told to campaign, and never comes back in that term', () => {
  const cluster = led()
  assert.ok(holdsLease(cluster, 'a'))
  const { send } = cluster.transfer('a', 'b')
  assert.deepEqual(
    send.map(({ type }) => type),
    ['timeout-now'],
  )
  assert.equal(holdsLease(cluster, 'a'), false)
  const { id, effects } = cluster.read('a')
  assert.deepEqual(effects.readStates, [], 'a read asks the others now')
  cluster.take(ofType('timeout-now'))
  const answered: Effects[] = []
  for (const message of cluster.take(ofType('heartbeat'))) cluster.receive(message)
  for (const message of cluster.take(ofType('heartbeat-ack'))) answered.push(cluster.step('a', { type: 'message', message }))
  assert.deepEqual(
    answered.flatMap(({ readStates }) => readStates),
    [{ id, index: 1 }],
  )
  cluster.run(5 * testTiming.heartbeatMs)
  assert.equal(cluster.raft('a').term, 1)
  assert.equal(holdsLease(cluster, 'a'), false, 'answers to heartbeats do not give it back')
})

test('pitfall 39: a transfer whose target is not caught up keeps the lease until it is told', () => {
  const cluster = led()
  cluster.cut('a', 'b')
  cluster.propose('a')
  cluster.settle()
  cluster.transfer('a', 'b')
  assert.ok(holdsLease(cluster, 'a'))
  cluster.heal()
  cluster.run(5 * testTiming.heartbeatMs, () => cluster.leader === 'b')
  assert.equal(cluster.leader, 'b')
})

test('pitfall 39: clocks that differ by the drift margin never show two leaders under one lease', () => {
  for (let seed = 1; seed <= 40; seed++) {
    const cluster = new Cluster({ voters, seed })
    cluster.node('a').clock.rate = seed % 2 === 0 ? 0.96 : 1.04
    cluster.node('b').clock.rate = seed % 3 === 0 ? 1.04 : 0.97
    cluster.run(3000, () => cluster.leader !== null)
    cluster.run(400)
    const { leader } = cluster
    if (leader === null) continue
    cluster.isolate(leader)
    // The witness compares every lease with every leader after each step.
    cluster.run(3000, () => cluster.leader !== leader)
    assert.notEqual(cluster.leader, leader)
  }
})

test('pitfall 42: a leader that was paused listens for two heartbeats before it takes silence for a lost majority', () => {
  const cluster = led()
  cluster.now += 10 * testTiming.electionMaxMs
  cluster.tick('a')
  assert.equal(cluster.raft('a').role, 'leader')
  assert.equal(holdsLease(cluster, 'a'), false, 'but its lease is over')
  cluster.settle()
  cluster.run(500)
  assert.equal(cluster.leader, 'a')
})

test('a crowd of readers without a lease shares rounds, so answers still find the round they belong to', () => {
  const cluster = led()
  cluster.now += testTiming.leaseMs
  const { id: first } = cluster.read('a')
  for (let count = 0; count < 4 * limits.roundsRemembered; count++) cluster.read('a')
  assert.equal(cluster.network.filter(ofType('heartbeat')).length, 2, 'one round for the first, none yet for those behind it')
  cluster.settle()
  assert.equal(cluster.witness.counts.reads, 4 * limits.roundsRemembered + 1)
  assert.ok(first > 0 && holdsLease(cluster, 'a'))
})

test('to tell the commit index to a follower whose next entry is compacted is harmless', () => {
  const cluster = led()
  cluster.cut('a', 'c')
  for (let count = 0; count <= limits.inflightAppendsMax; count++) cluster.propose('a')
  cluster.settle()
  cluster.propose('a', 5)
  cluster.settle()
  cluster.compact('a')
  cluster.settle()
  const effects = cluster.step('a', { type: 'tell-commit', to: replicaId('c') })
  assert.deepEqual(effects.send, [])
})
