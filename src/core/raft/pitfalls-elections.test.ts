import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Cluster, testTiming } from './testkit.ts'
import { append, heartbeat, preVoteRequest, preVoteResponse, staleTerm, timeoutNow, voteRequest, voteResponse } from './testkit-messages.ts'
import type { Message } from './types.ts'

/** Mistakes that other implementations made in elections, each shown to be absent. The numbers are those of docs/raft.md. */

const voters = ['a', 'b', 'c']
const toward =
  (name: string, type?: Message['type']) =>
  (message: Message): boolean =>
    message.to === name && (type === undefined || message.type === type)

/** `a` runs alone; the test speaks for `b` and `c`. */
const alone = (logs: readonly number[] = [], inTerm?: number): Cluster =>
  new Cluster({ voters, live: ['a'], logs: { a: logs }, ...(inTerm === undefined ? {} : { terms: { a: inTerm } }) })

/** Past the hold-off of a restarted replica, without a tick. */
const patient = (cluster: Cluster): Cluster => {
  cluster.now += testTiming.electionMinMs
  return cluster
}

const answerTo = (cluster: Cluster, message: Message): Message[] => {
  cluster.take()
  cluster.receive(message)
  cluster.finishWrites('a')
  return cluster.take(({ to }) => to === message.from)
}

test('pitfall 1: a vote is answered only when it is durable, so a crash cannot make a voter vote twice', () => {
  const cluster = alone()
  cluster.receive(voteRequest('b>a@1'))
  assert.deepEqual(cluster.take(), [], 'the grant waits for the disk')
  cluster.restart('a')
  patient(cluster)
  const [granted] = answerTo(cluster, voteRequest('c>a@1'))
  assert.equal(granted?.type === 'vote-response' && granted.granted, true, 'nobody was promised the vote that was lost')
  cluster.restart('a')
  patient(cluster)
  const [refused] = answerTo(cluster, voteRequest('b>a@1'))
  assert.equal(refused?.type === 'vote-response' && refused.granted, false, 'the vote that was answered outlives the crash')
})

test('pitfall 1: a candidate asks for votes only when its own term and vote are durable', () => {
  const cluster = alone()
  cluster.now = cluster.raft('a').deadline
  cluster.tick('a')
  cluster.receive(preVoteResponse('b>a@1', true))
  assert.equal(cluster.raft('a').role, 'candidate')
  assert.deepEqual(cluster.take(toward('b', 'vote-request')), [])
  cluster.finishWrites('a')
  assert.equal(cluster.take(toward('b', 'vote-request')).length, 1)
})

test('pitfall 5: logs are compared by last term first, then by length', () => {
  // Own log: last entry at index 3 of term 2.
  const table: readonly (readonly [index: number, term: number, granted: boolean])[] = [
    [9, 1, false],
    [3, 1, false],
    [2, 2, false],
    [3, 2, true],
    [4, 2, true],
    [1, 3, true],
    [3, 3, true],
  ]
  for (const [index, ofTerm, expected] of table) {
    const cluster = patient(alone([1, 1, 2]))
    const [vote] = answerTo(cluster, voteRequest('b>a@5', [index, ofTerm]))
    assert.equal(vote?.type === 'vote-response' && vote.granted, expected, `vote for (${index}, ${ofTerm})`)
    const [preVote] = answerTo(patient(alone([1, 1, 2])), preVoteRequest('b>a@5', [index, ofTerm]))
    assert.equal(preVote?.type === 'pre-vote-response' && preVote.granted, expected, `pre-vote for (${index}, ${ofTerm})`)
  }
})

test('pitfall 8: a vote holds for its whole term, through a restart and a return to follower', () => {
  const cluster = alone()
  assert.equal(answerTo(cluster, voteRequest('b>a@1'))[0]?.type, 'vote-response')
  cluster.restart('a')
  patient(cluster)
  const [second] = answerTo(cluster, voteRequest('c>a@1'))
  assert.equal(second?.type === 'vote-response' && second.granted, false)
  cluster.receive(heartbeat('c>a@1'))
  assert.equal(cluster.raft('a').inspect().vote, 'b', 'following a leader does not free the vote')
})

test('pitfall 9: a refused vote does not restart the time-out, so a candidate with an old log cannot hold up the others', () => {
  const cluster = patient(alone([1, 2]))
  const { deadline } = cluster.raft('a')
  answerTo(cluster, voteRequest('b>a@7', [1, 1]))
  assert.equal(cluster.raft('a').term, 7)
  assert.equal(cluster.raft('a').deadline, deadline)
  answerTo(cluster, preVoteRequest('b>a@9', [1, 1]))
  assert.equal(cluster.raft('a').deadline, deadline)
  answerTo(cluster, voteRequest('b>a@8', [2, 2]))
  assert.notEqual(cluster.raft('a').deadline, deadline, 'a granted vote does')
})

test('pitfall 9: of two candidates the one with the complete log is elected though the other is faster', () => {
  const cluster = new Cluster({ voters, logs: { a: [1, 2], b: [1], c: [1, 2] } })
  cluster.now += testTiming.electionMinMs
  for (let elapsed = 0; elapsed < 10_000 && cluster.leader === null; elapsed += 50) {
    cluster.now += 50
    cluster.step('b', { type: 'tick' })
    cluster.settle()
    if (elapsed % 200 === 0) for (const name of ['a', 'c']) cluster.tick(name)
    cluster.settle()
  }
  assert.ok(cluster.leader === 'a' || cluster.leader === 'c')
})

test('pitfall 10: the time-out is drawn anew each time and over the whole range', () => {
  const cluster = alone()
  const waits = new Set<number>()
  for (let round = 0; round < 200; round++) {
    cluster.receive(heartbeat('b>a@1', 0, round))
    waits.add(Math.floor(cluster.raft('a').deadline - cluster.now))
    assert.ok(cluster.raft('a').deadline - cluster.now >= testTiming.electionMinMs)
    assert.ok(cluster.raft('a').deadline - cluster.now <= testTiming.electionMaxMs)
  }
  assert.ok(waits.size > 100, 'time-outs differ')
  assert.ok(Math.max(...waits) - Math.min(...waits) > 400, 'time-outs spread')
})

test('pitfall 10: five equal replicas elect within a few time-outs, whatever the seed', () => {
  let terms = 0
  for (let seed = 1; seed <= 100; seed++) {
    const cluster = new Cluster({ voters: ['a', 'b', 'c', 'd', 'e'], seed })
    cluster.run(4 * testTiming.electionMaxMs, () => cluster.leader !== null)
    assert.ok(cluster.leader !== null, `seed ${seed} elects`)
    terms += cluster.raft(cluster.leader).term
  }
  assert.ok(terms < 150, `split votes are rare, terms used: ${terms}`)
})

test('pitfall 10: where answers take long, elections that come to nothing are followed by longer ones, until a leader is heard', () => {
  const cluster = alone()
  const patience: number[] = []
  for (let election = 0; election < 5; election++) {
    cluster.now = cluster.raft('a').deadline
    cluster.tick('a')
    cluster.receive(preVoteResponse(`b>a@${cluster.raft('a').term + 1}`, true))
    cluster.finishWrites('a')
    const { role, deadline } = cluster.raft('a')
    assert.equal(role, 'candidate')
    patience.push(2 ** Math.floor(Math.log2((deadline - cluster.now) / testTiming.electionMinMs)))
  }
  assert.deepEqual(patience, [1, 2, 4, 4, 4])
  cluster.receive(heartbeat(`b>a@${cluster.raft('a').term}`))
  assert.ok(cluster.raft('a').deadline - cluster.now <= testTiming.electionMaxMs, 'a leader is heard')
})

test('pitfall 11: a pre-vote changes no term, and its grant bears the term that was asked about', () => {
  const cluster = patient(alone([1], 3))
  const [answer] = answerTo(cluster, preVoteRequest('b>a@8', [1, 1]))
  assert.deepEqual(answer, preVoteResponse('a>b@8', true))
  assert.equal(cluster.raft('a').term, 3)
  assert.equal(cluster.node('a').disk.hardState.term, 3)
})

test('pitfall 11: a pre-vote of a lower term is refused with the higher one, which the asker then enters', () => {
  const cluster = patient(alone([1], 6))
  assert.deepEqual(answerTo(cluster, preVoteRequest('b>a@3', [5, 1])), [preVoteResponse('a>b@6', false)])
  const asker = patient(alone([1], 2))
  asker.receive(preVoteResponse('b>a@6', false))
  assert.equal(asker.raft('a').term, 6)
})

test('pitfall 11: the longer log in the lower term and the shorter log in the higher term do not block each other', () => {
  const cluster = new Cluster({ voters, live: ['a', 'b'], logs: { a: [1, 1, 1], b: [1] }, terms: { a: 1, b: 9 } })
  cluster.run(10_000, () => cluster.leader !== null)
  assert.equal(cluster.leader, 'a')
  assert.ok(cluster.raft('a').term > 9)
})

test('pitfall 12: a replica that hears its leader refuses votes and pre-votes and does not even enter the higher term', () => {
  const cluster = patient(alone())
  cluster.receive(heartbeat('b>a@1'))
  cluster.now += testTiming.electionMinMs - 1
  assert.deepEqual(answerTo(cluster, voteRequest('c>a@5', [9, 4])), [voteResponse('a>c@1', false)])
  assert.deepEqual(answerTo(cluster, preVoteRequest('c>a@5', [9, 4])), [preVoteResponse('a>c@1', false)])
  assert.equal(cluster.raft('a').term, 1)
  cluster.now += 1
  const [late] = answerTo(cluster, preVoteRequest('c>a@5', [9, 4]))
  assert.equal(late?.type === 'pre-vote-response' && late.granted, true, 'once the leader is silent it does')
})

test('pitfall 12: a removed replica that never learned of it does not depose the leader', () => {
  const cluster = new Cluster({ voters })
  cluster.elect('a')
  cluster.isolate('c')
  cluster.change('a', ['a', 'b'])
  cluster.settle()
  cluster.heal()
  const { term } = cluster.raft('a')
  cluster.run(20_000)
  assert.equal(cluster.leader, 'a')
  assert.equal(cluster.raft('a').term, term)
  assert.ok(cluster.raft('c').membership.voters.includes(cluster.raft('c').self), 'it still thinks it belongs')
})

test('pitfall 13: a transfer passes the stickiness to the leader that asked for it', () => {
  const cluster = new Cluster({ voters })
  cluster.elect('a')
  cluster.run(200)
  cluster.transfer('a', 'b')
  cluster.settle()
  assert.equal(cluster.leader, 'b', 'without waiting for any time-out')
  assert.equal(cluster.raft('c').leader, 'b')
})

test('pitfall 14: the leader that the others still follow may campaign anew', () => {
  const cluster = patient(alone())
  cluster.receive(heartbeat('b>a@1'))
  const [preVote] = answerTo(cluster, preVoteRequest('b>a@2'))
  assert.equal(preVote?.type === 'pre-vote-response' && preVote.granted, true)
  const [vote] = answerTo(cluster, voteRequest('b>a@2'))
  assert.equal(vote?.type === 'vote-response' && vote.granted, true)
})

test('pitfall 15: a candidate stuck in a higher term is freed: the leader of a lower one learns that term', () => {
  const cluster = alone([1], 9)
  cluster.receive(heartbeat('b>a@4'))
  assert.deepEqual(cluster.take(toward('b')), [staleTerm('a>b@9')])
  cluster.receive(append('b>a@4', [1, 1]))
  assert.deepEqual(cluster.take(toward('b')), [staleTerm('a>b@9')])
})

test('pitfall 15: the leader that learns of a higher term steps down, and the cluster elects one above it', () => {
  const cluster = new Cluster({ voters, terms: { c: 7 } })
  cluster.isolate('c')
  cluster.elect('a')
  cluster.heal()
  cluster.run(10_000, () => (cluster.leader === null ? 0 : cluster.raft(cluster.leader).term) > 7)
  assert.ok(cluster.leader !== null)
  assert.equal(cluster.raft('c').leader, cluster.leader)
})

test('pitfall 16: replicas that ask for pre-votes answer those of others, so all may ask at once', () => {
  const cluster = patient(alone())
  cluster.now = Math.max(cluster.now, cluster.raft('a').deadline)
  cluster.tick('a')
  assert.equal(cluster.raft('a').role, 'pre-candidate')
  const [preVote] = answerTo(cluster, preVoteRequest('b>a@1'))
  assert.equal(preVote?.type === 'pre-vote-response' && preVote.granted, true)
  const [vote] = answerTo(cluster, voteRequest('b>a@1'))
  assert.equal(vote?.type === 'vote-response' && vote.granted, true)
  for (let seed = 1; seed <= 50; seed++) {
    const all = new Cluster({ voters, seed, timing: { electionMinMs: 500, electionMaxMs: 510 } })
    all.run(20_000, () => all.leader !== null)
    assert.ok(all.leader !== null, `seed ${seed} elects`)
  }
})

test('pitfall 20: the own vote counts when it is durable, and only in the term it was cast in', () => {
  const cluster = alone()
  cluster.now = cluster.raft('a').deadline
  cluster.tick('a')
  cluster.receive(preVoteResponse('b>a@1', true))
  cluster.receive(voteResponse('b>a@1', true))
  assert.equal(cluster.raft('a').role, 'candidate', 'one of three durable votes is no majority')
  cluster.receive(heartbeat('c>a@2'))
  cluster.finishWrites('a')
  assert.equal(cluster.raft('a').role, 'follower', 'the late write does not elect the candidate of a past term')
  cluster.now = cluster.raft('a').deadline
  cluster.tick('a')
  cluster.receive(preVoteResponse('b>a@3', true))
  cluster.receive(voteResponse('b>a@1', true))
  assert.equal(cluster.raft('a').role, 'candidate', 'a vote of a past term counts for nothing')
})

test('pitfall 28: a configuration counts from its append, so a candidate asks those of the newest one in its log', () => {
  const cluster = new Cluster({ voters, learners: ['d'] })
  cluster.elect('a')
  cluster.propose('a')
  cluster.run(300)
  // The joint configuration reaches b alone and is committed nowhere.
  for (const other of ['c', 'd']) cluster.cut('a', other)
  cluster.change('a', ['a', 'b', 'd'])
  cluster.deliver(({ type, to }) => type === 'append' && to === 'b')
  cluster.finishWrites('b')
  cluster.crash('a')
  cluster.heal()
  assert.deepEqual(cluster.raft('b').membership.outgoing, ['a', 'b', 'c'])
  cluster.run(400)
  cluster.now = Math.max(cluster.now, cluster.raft('b').deadline)
  cluster.tick('b')
  const asked = cluster.take(({ from, type }) => from === 'b' && type === 'pre-vote-request').map(({ to }) => to)
  assert.deepEqual(asked.toSorted(), ['a', 'c', 'd'])
  cluster.elect('b')
  assert.equal(cluster.raft('b').role, 'leader', 'c and d suffice: a majority of both halves')
})

test('pitfall 30: a learner votes when asked, for it may be a voter without knowing', () => {
  const cluster = new Cluster({ voters, learners: ['d'], live: ['d'] })
  cluster.receive(voteRequest('b>d@4', [3, 2]))
  cluster.finishWrites('d')
  assert.deepEqual(cluster.take(), [voteResponse('d>b@4', true)])
})

test('pitfall 30: a learner never campaigns, also after a restart', () => {
  const cluster = new Cluster({ voters, learners: ['d'] })
  cluster.elect('a')
  cluster.propose('a')
  cluster.settle()
  cluster.compact('d')
  cluster.settle()
  cluster.restart('d')
  for (const name of voters) cluster.crash(name)
  cluster.run(20_000)
  assert.equal(cluster.raft('d').role, 'follower')
  assert.equal(cluster.raft('d').term, 1)
  assert.deepEqual(cluster.raft('d').membership.learners, ['d'])
})

test('pitfall 38: whoever enters a new term or asks for an election knows no leader any more', () => {
  const cluster = patient(alone())
  cluster.receive(heartbeat('b>a@1'))
  assert.equal(cluster.raft('a').leader, 'b')
  cluster.receive(voteRequest('c>a@2', [0, 0], true))
  assert.equal(cluster.raft('a').leader, null)
  cluster.receive(heartbeat('b>a@3'))
  cluster.now = cluster.raft('a').deadline
  const effects = cluster.tick('a')
  assert.deepEqual(effects.role, { role: 'pre-candidate', term: 3, leader: null })
})

test('pitfall 42: a replica that wakes from a pause first takes in what arrived, and only then asks for an election', () => {
  const cluster = patient(alone())
  cluster.receive(heartbeat('b>a@1'))
  cluster.now = cluster.raft('a').deadline + 5000
  cluster.tick('a')
  assert.equal(cluster.raft('a').role, 'follower')
  assert.ok(cluster.raft('a').deadline - cluster.now <= testTiming.heartbeatMs, 'it does not wait long')
  cluster.receive(heartbeat('b>a@1', 0, 2))
  assert.ok(cluster.raft('a').deadline - cluster.now >= testTiming.electionMinMs, 'a heartbeat that had waited is as good as a new one')
})

test('pitfall 42: a replica that is always late still asks for an election in the end', () => {
  const cluster = patient(alone())
  cluster.receive(heartbeat('b>a@1'))
  cluster.now = cluster.raft('a').deadline
  for (let ticks = 0; ticks < 5; ticks++) {
    cluster.now += testTiming.heartbeatMs * 3
    cluster.tick('a')
  }
  assert.equal(cluster.raft('a').role, 'pre-candidate')
})

test('pitfall 42: many ticks at once are as good as one', () => {
  const cluster = new Cluster({ voters })
  cluster.elect('a')
  cluster.now = cluster.raft('a').deadline + 350
  const bursts = Array.from({ length: 10 }, () => cluster.tick('a').send.filter(({ type }) => type === 'heartbeat').length)
  assert.deepEqual(bursts, [2, 0, 0, 0, 0, 0, 0, 0, 0, 0])
})

test('pitfall 43: a restarted follower has forgotten its leader, so it neither votes nor campaigns until a lease has passed', () => {
  const cluster = alone([1], 1)
  for (const request of [preVoteRequest('c>a@5', [9, 4]), voteRequest('c>a@5', [9, 4]), voteRequest('c>a@5', [9, 4], true)]) {
    const [answer] = answerTo(cluster, request)
    assert.equal((answer?.type === 'vote-response' || answer?.type === 'pre-vote-response') && answer.granted, false)
  }
  assert.equal(cluster.raft('a').role, 'follower')
  patient(cluster)
  const [late] = answerTo(cluster, voteRequest('c>a@5', [9, 4]))
  assert.equal(late?.type === 'vote-response' && late.granted, true)
  cluster.restart('a')
  cluster.receive(heartbeat('c>a@5'))
  cluster.receive(timeoutNow('c>a@5'))
  assert.equal(cluster.raft('a').role, 'follower', 'an order to campaign is passed up as well')
})
