import assert from 'node:assert/strict'
import { test } from 'node:test'
import { present } from '#base/assert.ts'
import { millis } from '#base/brand.ts'
import { Cluster, entriesOf, testTiming } from './testkit.ts'
import { heartbeat, heartbeatAck, preVoteResponse, voteRequest } from './testkit-messages.ts'
import { logIndex, replicaId } from './types.ts'
import type { Message, Timing } from './types.ts'

/** The decisions of docs/raft.md, each with the interleaving that would break the protocol without it. */

const voters = ['a', 'b', 'c']
const ofType =
  (...types: Message['type'][]) =>
  (message: Message): boolean =>
    types.includes(message.type)

function led(seed = 1): Cluster {
  const cluster = new Cluster({ voters, seed })
  cluster.elect('a')
  cluster.run(200)
  return cluster
}

test('decision R1: a follower that restarts inside the lease, with one link cut, helps to elect nobody while the lease runs', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const cluster = led(seed)
    cluster.cut('a', 'c')
    // c hears nobody; b is restarted just before c's time-out ends, after it has answered a's newest heartbeat.
    cluster.run(cluster.raft('c').deadline - cluster.now - 1)
    const until = cluster.raft('a').leaseUntil
    assert.ok(until > cluster.now)
    cluster.crash('b')
    cluster.start('b')
    cluster.cut('a', 'b')
    while (cluster.now < until) {
      cluster.run(10)
      // The witness stops at a second leader; this is the claim in short.
      if (cluster.now < until) assert.notEqual(cluster.leader, 'c', `seed ${seed}`)
    }
    cluster.run(5000, () => cluster.leader === 'c' || cluster.leader === 'b')
    assert.notEqual(cluster.leader, 'a', 'afterwards they elect')
  }
})

test('decision R1: the only voter leads again after one time-out', () => {
  const cluster = new Cluster({ voters: ['a'] })
  cluster.elect('a')
  cluster.settle()
  cluster.restart('a')
  cluster.now = cluster.raft('a').deadline
  cluster.tick('a')
  cluster.settle()
  assert.equal(cluster.leader, 'a')
})

test('decision R1: who was restarted as the only voter that it knows gives no vote inside the lease of one who knows more', () => {
  const cluster = new Cluster({ voters: ['a', 'b', 'd'] })
  cluster.elect('b')
  cluster.run(300)
  cluster.change('b', ['a'], ['d'])
  // The joint configuration is committed; the second one is at d, and on its way to a.
  cluster.deliver()
  for (const name of ['a', 'b', 'd']) cluster.finishWrites(name)
  cluster.deliver(({ to }) => to === 'b')
  cluster.finishWrites('b')
  cluster.deliver(({ to }) => to === 'd')
  cluster.finishWrites('d')
  const isForA = ({ type, to }: Message): boolean => type === 'append' && to === 'a'
  const [late] = cluster.take(isForA)
  cluster.cut('b', 'd')
  while (cluster.raft('d').role === 'follower') {
    cluster.now += 10
    for (const name of ['a', 'b', 'd']) cluster.tick(name)
    for (let turn = 0; turn < 6; turn++) {
      cluster.deliver((message) => message.from !== 'd' && message.to !== 'd' && !isForA(message))
      cluster.take(isForA)
      for (const name of ['a', 'b']) cluster.finishWrites(name)
    }
  }
  assert.ok(cluster.raft('b').leaseUntil > cluster.now, 'by the answers of a')
  const asked = cluster.take(({ from }) => from === 'd')
  cluster.receive(present(late, 'the second configuration was sent to a'))
  cluster.finishWrites('a')
  cluster.network = []
  cluster.restart('a')
  cluster.cut('a', 'b')
  for (const message of asked) cluster.receive(message)
  cluster.settle()
  assert.notEqual(cluster.raft('d').role, 'leader')
  assert.notEqual(cluster.raft('a').role, 'leader')
})

test('decision R1: a replica that never ran has no leader to forget and votes at once', () => {
  const cluster = new Cluster({ voters, live: ['a'] })
  cluster.receive(voteRequest('b>a@1'))
  cluster.finishWrites('a')
  const [answer] = cluster.take(ofType('vote-response'))
  assert.equal(answer?.type === 'vote-response' && answer.granted, true)
})

test('decision R1: a replica answers no heartbeat before its term is durable, or it could come back as if it had never run', () => {
  const cluster = new Cluster({ voters, live: ['a'] })
  cluster.receive(heartbeat('b>a@1'))
  assert.deepEqual(cluster.take(ofType('heartbeat-ack')), [])
  cluster.finishWrites('a')
  assert.equal(cluster.take(ofType('heartbeat-ack')).length, 1)
  cluster.restart('a')
  assert.equal(cluster.raft('a').inspect().holdsOff, true)
})

test('decision R1: a late message with a higher term does not make a follower forget whose lease it has prolonged', () => {
  const cluster = new Cluster({ voters, live: ['a'], terms: { a: 1 } })
  cluster.now += testTiming.electionMinMs
  cluster.receive(heartbeat('b>a@1'))
  cluster.finishWrites('a')
  // A refusal to an old question of a's own, from c, which had reached term 7 before b was elected.
  cluster.receive({ ...preVoteResponse('c>a@7', false) })
  assert.equal(cluster.raft('a').term, 7)
  cluster.take()
  cluster.now += 10
  cluster.receive({ ...voteRequest('c>a@8', [9, 7]) })
  cluster.finishWrites('a')
  const [answer] = cluster.take(ofType('vote-response'))
  assert.equal(answer?.type === 'vote-response' && answer.granted, false, "b's lease still runs")
})

test('decision R2: an answer is credited from when its round was sent, not from when it arrives', () => {
  const cluster = led()
  cluster.now = cluster.raft('a').deadline
  cluster.tick('a')
  const sentAt = cluster.now
  const beats = cluster.take(ofType('heartbeat'))
  cluster.now += 400
  for (const beat of beats) cluster.receive(beat)
  cluster.deliver(ofType('heartbeat-ack'))
  assert.equal(cluster.raft('a').leaseUntil, sentAt + testTiming.leaseMs)
})

test('decision R2: an answer is credited only in its term, for a round that was sent, and only once it is newer', () => {
  const cluster = led()
  const lease = cluster.raft('a').leaseUntil
  cluster.now += 100
  const { role } = cluster.raft('a').inspect()
  const round = role.type === 'leader' ? role.round : 0
  for (const ack of [heartbeatAck('b>a@0', round + 1), heartbeatAck('b>a@1', round + 5), heartbeatAck('b>a@1', 1)]) {
    cluster.step('a', { type: 'message', message: ack })
    assert.equal(cluster.raft('a').leaseUntil, lease)
  }
})

test('decision R2: the lease of an idle leader that was deposed elsewhere ends, although its followers live and answer others', () => {
  const cluster = led()
  cluster.isolate('a')
  cluster.elect('b')
  cluster.heal()
  const until = cluster.raft('a').leaseUntil
  // What b and c say to a about this group is lost; of term 1 they answer nothing any more.
  for (let rounds = 0; rounds < 12; rounds++) {
    cluster.now += testTiming.heartbeatMs
    if (cluster.raft('a').role === 'leader') cluster.tick('a')
    cluster.tick('b')
    cluster.deliver(({ from, to }) => from === 'a' || to !== 'a')
    const late = cluster.take(({ to }) => to === 'a')
    assert.ok(late.every(({ type, term }) => type !== 'heartbeat-ack' || term > 1))
  }
  assert.ok(cluster.raft('a').leaseUntil <= until)
  assert.equal(cluster.raft('a').role, 'follower')
})

test('decision R4: new time constants count from the step that brings them', () => {
  const cluster = led()
  const slow: Timing = { heartbeatMs: 200, electionMinMs: 1000, electionMaxMs: 2000, leaseMs: 900 }
  const contact = cluster.raft('a').leaseUntil - testTiming.leaseMs
  for (const name of voters) cluster.step(name, { type: 'timing', timing: slow })
  assert.equal(cluster.raft('a').leaseUntil, contact + slow.leaseMs)
  cluster.step('b', { type: 'message', message: heartbeat('a>b@1', 0, 99) })
  assert.ok(cluster.raft('b').deadline - cluster.now >= slow.electionMinMs)
  cluster.now += testTiming.electionMinMs + 100
  cluster.step('b', { type: 'message', message: voteRequest('c>b@2', [99, 9]) })
  assert.equal(cluster.raft('b').term, 1, 'stickiness lasts as long as the new minimum')
})

test('decision R4: waits first, then leases: at no moment of the change is there a lease longer than somebody waits', () => {
  const cluster = led()
  const patient: Timing = { ...testTiming, electionMinMs: 1000, electionMaxMs: 2000 }
  for (const name of voters) {
    cluster.step(name, { type: 'timing', timing: patient })
    cluster.run(150)
  }
  for (const name of voters) {
    cluster.step(name, { type: 'timing', timing: { ...patient, leaseMs: 900 } })
    cluster.run(150)
  }
  cluster.isolate('a')
  cluster.run(5000, () => cluster.leader !== 'a')
  assert.notEqual(cluster.leader, 'a')
})

test('decision R5: entry time never goes back and is the time that has passed under leaders, whoever leads', () => {
  const cluster = led()
  cluster.propose('a')
  cluster.run(3000)
  cluster.propose('a')
  cluster.settle()
  const [, second, third] = entriesOf(cluster.raft('a'))
  assert.equal((third?.time ?? 0) - (second?.time ?? 0), 3000)
  cluster.elect('b')
  cluster.propose('b')
  cluster.settle()
  const times = entriesOf(cluster.raft('b')).map(({ time }) => time)
  assert.deepEqual(
    times,
    times.toSorted((left, right) => left - right),
  )
})

test('decision R5: entry time does not jump with a wall clock that is wrong, nor with where a monotonic clock begins', () => {
  const cluster = led()
  cluster.node('b').clock.wallOffset += 600_000
  cluster.node('b').clock.offset = 77_000_000
  cluster.propose('a')
  cluster.run(100)
  cluster.restart('b')
  cluster.elect('b')
  cluster.propose('b')
  cluster.settle()
  const entries = entriesOf(cluster.raft('b'))
  const times = entries.map(({ time }) => time)
  assert.ok(Math.max(...times) < 10_000, `machine time: ${times.join(' ')}`)
  assert.ok((entries.at(-1)?.wall ?? 0) - (entries[0]?.wall ?? 0) >= 600_000, 'the second stamp shows the wall clock as it is')
})

test('decision R5: entry time stands still while nobody leads', () => {
  const cluster = led()
  cluster.propose('a')
  cluster.settle()
  const before = entriesOf(cluster.raft('a')).at(-1)?.time ?? millis(0)
  for (const name of voters) cluster.crash(name)
  cluster.now += 3_600_000
  for (const name of voters) cluster.start(name)
  cluster.elect('c')
  assert.equal(entriesOf(cluster.raft('c')).at(-1)?.time, before)
})

test('decision R8: a change names the configuration it was decided on, and is refused on any other', () => {
  const cluster = led()
  const stale = cluster.raft('a').membershipIndex
  assert.equal(cluster.change('a', ['a', 'b']).membershipChange?.type, 'accepted')
  cluster.settle()
  const second = cluster.step('a', {
    type: 'change-membership',
    expectedIndex: stale,
    voters: voters.map(replicaId),
    learners: [],
  })
  assert.deepEqual(second.membershipChange, { type: 'refused', reason: 'stale-index' })
  const future = cluster.step('a', { type: 'change-membership', expectedIndex: logIndex(99), voters: [replicaId('a')], learners: [] })
  assert.deepEqual(future.membershipChange, { type: 'refused', reason: 'stale-index' })
  assert.deepEqual(cluster.raft('a').membership.voters, ['a', 'b'])
})

test('decision R8: of two who decided on the same configuration one wins, also over a change of leader', () => {
  const cluster = led()
  const expectedIndex = cluster.raft('a').membershipIndex
  cluster.change('a', ['a', 'b'])
  cluster.settle()
  cluster.elect('b')
  const late = cluster.step('b', { type: 'change-membership', expectedIndex, voters: [replicaId('b')], learners: [] })
  assert.deepEqual(late.membershipChange, { type: 'refused', reason: 'stale-index' })
  assert.deepEqual(cluster.raft('b').membership.voters, ['a', 'b'])
})

test('decision R8: after a change that changes nothing, what was decided before it comes too late', () => {
  const cluster = led()
  const expectedIndex = cluster.raft('a').membershipIndex
  assert.equal(cluster.change('a', voters).membershipChange?.type, 'accepted')
  cluster.settle()
  assert.deepEqual(cluster.raft('a').membership, { voters, outgoing: [], learners: [] })
  const late = cluster.step('a', { type: 'change-membership', expectedIndex, voters: [replicaId('a')], learners: [] })
  assert.deepEqual(late.membershipChange, { type: 'refused', reason: 'stale-index' })
})

test('decision R8: a change of voters that the new ones could not commit is not begun', () => {
  const cluster = led()
  cluster.crash('b')
  cluster.run(testTiming.electionMaxMs + 2 * testTiming.heartbeatMs)
  assert.deepEqual(cluster.raft('a').reachableMembers(), ['a', 'c'])
  const { membershipChange } = cluster.change('a', ['a', 'b'])
  assert.deepEqual(membershipChange, { type: 'refused', reason: 'no-quorum' })
  assert.equal(cluster.change('a', ['a', 'c']).membershipChange?.type, 'accepted')
})

test('decision R8: a change that makes no sense is refused', () => {
  const cluster = led()
  const refused = (voting: readonly string[], learning: readonly string[] = []): string | null => {
    const { membershipChange } = cluster.change('a', voting, learning)
    return membershipChange?.type === 'refused' ? membershipChange.reason : null
  }
  assert.equal(refused([]), 'invalid')
  assert.equal(refused(['a', 'a']), 'invalid')
  assert.equal(refused(['a', 'b'], ['b']), 'invalid')
  const { membershipChange } = cluster.change('b', ['b'])
  assert.deepEqual(membershipChange, { type: 'refused', reason: 'not-leader' })
})
