import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Cluster, command, entriesOf, termsOf, testTiming } from './testkit.ts'
import {
  append,
  appendAck,
  appendReject,
  heartbeat,
  heartbeatAck,
  preVoteResponse,
  staleTerm,
  voteRequest,
  voteResponse,
} from './testkit-messages.ts'
import type { Message, RoleName } from './types.ts'

/** What the paper says, a claim per sentence. Where this protocol asks a pre-vote first, the claim holds from the candidacy on. */

const voters = ['a', 'b', 'c']
const five = ['a', 'b', 'c', 'd', 'e']
const ofType =
  (...types: Message['type'][]) =>
  (message: Message): boolean =>
    types.includes(message.type)

interface Start {
  readonly size?: 1 | 3 | 5
  readonly log?: readonly number[]
  readonly term?: number
}

/** `a` runs alone, past its hold-off; the test speaks for the others. */
function solo({ size = 3, log = [], term }: Start = {}): Cluster {
  const cluster = new Cluster({ voters: five.slice(0, size), live: ['a'], logs: { a: log }, terms: { a: term ?? log.at(-1) ?? 0 } })
  cluster.now += testTiming.electionMinMs
  return cluster
}

function timeOut(cluster: Cluster): void {
  cluster.now = Math.max(cluster.now, cluster.raft('a').deadline)
  cluster.tick('a')
}

function candidate(start: Start = {}): Cluster {
  const cluster = solo(start)
  timeOut(cluster)
  const next = cluster.raft('a').term + (cluster.raft('a').role === 'candidate' ? 0 : 1)
  for (const other of five.slice(1, start.size ?? 3)) cluster.receive(preVoteResponse(`${other}>a@${next}`, true))
  cluster.finishWrites('a')
  return cluster
}

function leader(start: Start = {}): Cluster {
  const cluster = candidate(start)
  const { term } = cluster.raft('a')
  for (const other of five.slice(1, start.size ?? 3)) cluster.receive(voteResponse(`${other}>a@${term}`, true))
  assert.equal(cluster.raft('a').role, 'leader')
  cluster.finishWrites('a')
  return cluster
}

const inRole = (role: RoleName): Cluster => (role === 'leader' ? leader() : role === 'candidate' ? candidate() : solo({ term: 1 }))
const granted = (messages: readonly Message[]): boolean | null => {
  const answer = messages.findLast(ofType('vote-response'))
  return answer?.type === 'vote-response' ? answer.granted : null
}
function ask(cluster: Cluster, request: Message): boolean | null {
  cluster.take()
  cluster.receive(request)
  cluster.finishWrites('a')
  return granted(cluster.take())
}

// 5.1 Raft basics

for (const role of ['follower', 'candidate', 'leader'] as const) {
  test(`5.1: a ${role} that sees a higher term enters it and is a follower`, () => {
    const cluster = inRole(role)
    assert.equal(cluster.raft('a').role, role)
    cluster.receive(append('b>a@7', [0, 0]))
    assert.deepEqual([cluster.raft('a').role, cluster.raft('a').term, cluster.raft('a').leader], ['follower', 7, 'b'])
  })

  test(`5.1: a ${role} rejects a message of an older term and tells the newer one`, () => {
    const cluster = inRole(role)
    cluster.take()
    const { term, lastIndex } = cluster.raft('a')
    cluster.receive(append('b>a@0', [0, 0], [0]))
    assert.deepEqual(cluster.take(), [staleTerm(`a>b@${term}`)])
    assert.equal(cluster.raft('a').lastIndex, lastIndex)
    assert.equal(cluster.raft('a').role, role)
  })
}

test('5.1: the term and the vote are on disk before anybody is answered', () => {
  const cluster = solo()
  cluster.receive(voteRequest('b>a@4'))
  assert.deepEqual(cluster.take(), [])
  cluster.finishWrites('a')
  assert.deepEqual(cluster.node('a').disk.hardState, { term: 4, vote: 'b' })
  assert.equal(granted(cluster.take()), true)
})

// 5.2 Leader election

test('5.2: servers begin as followers', () => {
  assert.equal(solo().raft('a').role, 'follower')
  assert.equal(solo({ log: [1, 2, 3] }).raft('a').role, 'follower')
})

test('5.2: a leader sends heartbeats to all followers at every interval', () => {
  const cluster = leader()
  for (let round = 0; round < 3; round++) {
    cluster.take()
    cluster.now = cluster.raft('a').deadline
    cluster.tick('a')
    assert.deepEqual(
      cluster.take(ofType('heartbeat')).map(({ to }) => to),
      ['b', 'c'],
    )
  }
})

test('5.2: a server stays a follower as long as it hears a leader or a candidate it votes for', () => {
  const cluster = solo({ term: 1 })
  for (let round = 0; round < 50; round++) {
    cluster.now += testTiming.electionMinMs - 1
    cluster.receive(round % 2 === 0 ? heartbeat('b>a@1', 0, round) : append('b>a@1', [0, 0]))
    cluster.tick('a')
    assert.equal(cluster.raft('a').role, 'follower')
  }
})

test('5.2: a follower that hears nothing for a time-out asks for an election: new term, vote for itself, requests to all others', () => {
  const cluster = candidate({ size: 5, term: 3 })
  assert.deepEqual([cluster.raft('a').role, cluster.raft('a').term], ['candidate', 4])
  assert.deepEqual(cluster.node('a').disk.hardState, { term: 4, vote: 'a' })
  const requests = cluster.take(ofType('vote-request'))
  assert.deepEqual(
    requests,
    ['b', 'c', 'd', 'e'].map((other) => voteRequest(`a>${other}@4`)),
  )
})

test('5.2: a candidate wins with the votes of a majority, is a follower again when a majority refuses, and waits otherwise', () => {
  const table: readonly (readonly [size: 1 | 3 | 5, votes: string, role: RoleName])[] = [
    [1, '', 'leader'],
    [3, 'bc', 'leader'],
    [3, 'b', 'leader'],
    [5, 'bcde', 'leader'],
    [5, 'bc', 'leader'],
    [3, 'BC', 'follower'],
    [5, 'BCDE', 'follower'],
    [5, 'bCDE', 'follower'],
    [3, '', 'candidate'],
    [3, 'B', 'candidate'],
    [5, 'b', 'candidate'],
    [5, 'bBC', 'candidate'],
    [5, 'BC', 'candidate'],
  ]
  for (const [size, votes, role] of table) {
    const cluster = candidate({ size })
    for (const vote of votes) cluster.receive(voteResponse(`${vote.toLowerCase()}>a@1`, vote === vote.toLowerCase()))
    assert.equal(cluster.raft('a').role, role, `${size} voters, votes ${votes}`)
  }
})

test('5.2: each server votes for at most one candidate in a term, first come first served', () => {
  const cluster = solo({ term: 1 })
  assert.equal(ask(cluster, voteRequest('b>a@2')), true)
  assert.equal(ask(cluster, voteRequest('c>a@2')), false)
  assert.equal(ask(cluster, voteRequest('b>a@2')), true, 'the same answer to the same question')
  assert.equal(ask(cluster, voteRequest('c>a@3')), true, 'a new term, a new vote')
})

test('5.2: a candidate that hears a leader of its term, or of a later one, is a follower', () => {
  for (const term of [1, 2]) {
    const cluster = candidate()
    cluster.receive(append(`b>a@${term}`, [0, 0]))
    assert.deepEqual([cluster.raft('a').role, cluster.raft('a').term, cluster.raft('a').leader], ['follower', term, 'b'])
  }
})

test('5.2: a candidate that hears a leader of an earlier term stays a candidate', () => {
  const cluster = candidate({ term: 5 })
  cluster.receive(append('b>a@5', [0, 0]))
  assert.equal(cluster.raft('a').role, 'candidate')
})

test('5.2: after a split vote a candidate times out and begins anew in a higher term', () => {
  const cluster = candidate()
  timeOut(cluster)
  cluster.receive(preVoteResponse('b>a@2', true))
  assert.deepEqual([cluster.raft('a').role, cluster.raft('a').term], ['candidate', 2])
})

test('5.2: time-outs are drawn from a fixed interval, so that mostly one server times out first', () => {
  let single = 0
  for (let seed = 1; seed <= 50; seed++) {
    const cluster = new Cluster({ voters: five, seed })
    const deadlines = five.map((name) => cluster.raft(name).deadline - cluster.now).toSorted((left, right) => left - right)
    assert.ok((deadlines[0] ?? 0) >= testTiming.electionMinMs && (deadlines[4] ?? 0) <= testTiming.electionMaxMs)
    if ((deadlines[1] ?? 0) - (deadlines[0] ?? 0) > 10) single++
  }
  assert.ok(single > 40)
})

// 5.3 Log replication

test('5.3: a leader appends a command to its own log first and sends it to all others in parallel with its own write', () => {
  const cluster = leader()
  cluster.receive(appendAck('b>a@1', 1))
  cluster.receive(appendAck('c>a@1', 1))
  cluster.take()
  const { send, persist } = cluster.propose('a')
  assert.deepEqual(
    send.map(({ type, to }) => [type, to]),
    [
      ['append', 'b'],
      ['append', 'c'],
    ],
  )
  assert.deepEqual(
    persist?.entries.map(({ index, term }) => [index, term]),
    [[2, 1]],
  )
})

test('5.3: an entry is committed when a majority holds it, and then applied', () => {
  const cluster = leader({ size: 5 })
  cluster.propose('a')
  cluster.finishWrites('a')
  cluster.receive(appendAck('b>a@1', 2))
  assert.equal(cluster.raft('a').commit, 0)
  const effects = cluster.receive(appendAck('c>a@1', 2))
  assert.equal(cluster.raft('a').commit, 2)
  assert.deepEqual(
    effects?.apply.map(({ index }) => index),
    [1, 2],
  )
})

test('5.3: what is committed includes all entries before, also of earlier leaders', () => {
  for (const log of [[], [1], [1, 2], [1, 1, 2, 4]]) {
    const cluster = leader({ log })
    const { term, lastIndex } = cluster.raft('a')
    const effects = cluster.receive(appendAck(`b>a@${term}`, lastIndex))
    assert.deepEqual(
      effects?.apply.map((entry) => entry.term),
      [...log, term],
    )
  }
})

test('5.3: followers learn from appends and heartbeats what is committed, and apply it in the order of the log', () => {
  const cluster = solo({ term: 1 })
  cluster.receive(append('b>a@1', [0, 0], [1, 1, 1]))
  assert.deepEqual(
    cluster.receive(append('b>a@1', [3, 1], [], 2))?.apply.map(({ index }) => index),
    [1, 2],
  )
  assert.deepEqual(
    cluster.receive(heartbeat('b>a@1', 3))?.apply.map(({ index }) => index),
    [3],
  )
})

test('5.3: a leader sends again until every follower has stored everything', () => {
  const cluster = new Cluster({ voters })
  cluster.elect('a')
  cluster.crash('c')
  cluster.propose('a', 10)
  cluster.run(3000)
  cluster.start('c')
  cluster.run(2000)
  assert.deepEqual(entriesOf(cluster.raft('c')), entriesOf(cluster.raft('a')))
})

test('5.3: an append names the index and term of the entry before; a follower that has no such entry refuses', () => {
  const table: readonly (readonly [previous: readonly [number, number], hint: readonly [number, number] | null])[] = [
    [[0, 0], null],
    [[1, 1], null],
    [[2, 2], null],
    [
      [2, 1],
      [1, 1],
    ],
    [
      [3, 3],
      [2, 2],
    ],
  ]
  for (const [previous, hint] of table) {
    const cluster = solo({ log: [1, 2] })
    cluster.receive(append('b>a@3', previous))
    cluster.finishWrites('a')
    const [answer] = cluster.take(ofType('append-reject'))
    assert.deepEqual(answer, hint === null ? undefined : appendReject('a>b@3', previous[0], hint))
  }
})

test('5.3: a follower deletes what conflicts with the leader and what follows it, and nothing else', () => {
  const table: readonly (readonly [previous: readonly [number, number], entries: number[], log: number[], truncated: number | null])[] = [
    [[2, 2], [3], [1, 2, 3], null],
    [[1, 1], [3, 4], [1, 3, 4], 2],
    [[0, 0], [1], [1, 2], null],
    [[0, 0], [3], [3], 1],
  ]
  for (const [previous, entries, log, truncated] of table) {
    const cluster = solo({ log: [1, 2] })
    const effects = cluster.receive(append('b>a@5', previous, entries))
    assert.deepEqual(termsOf(cluster.raft('a')), log)
    assert.equal(effects?.persist?.truncateFrom ?? null, truncated)
  }
})

test('5.3: the leader makes every log of figure 7 equal to its own', () => {
  const own = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6]
  const figure: readonly (readonly number[])[] = [
    [1, 1, 1, 4, 4, 5, 5, 6, 6],
    [1, 1, 1, 4],
    [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
    [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
    [1, 1, 1, 4, 4, 4, 4],
    [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
  ]
  for (const other of figure) {
    // The third elects the leader, as in the paper a majority does.
    const cluster = new Cluster({ voters, logs: { a: own, b: other, c: [] }, terms: { a: 8, b: 8, c: 8 } })
    cluster.elect('a')
    cluster.run(500)
    assert.deepEqual(termsOf(cluster.raft('b')), [...own, 9])
  }
})

test('5.3: a leader never overwrites or deletes entries of its own log', () => {
  const cluster = leader({ log: [1, 2, 2] })
  const before = termsOf(cluster.raft('a'))
  cluster.receive(appendReject('b>a@3', 4, [0, 0]))
  cluster.receive(appendReject('c>a@3', 4, [2, 1]))
  assert.deepEqual(termsOf(cluster.raft('a')), before)
})

// 5.4 Safety

test('5.4.1: a voter refuses a candidate whose log is less up to date: last terms count first, then lengths', () => {
  const table: readonly (readonly [log: number[], last: readonly [number, number], expected: boolean])[] = [
    [[1], [1, 1], true],
    [[1], [2, 1], true],
    [[1, 1], [1, 1], false],
    [[1], [1, 2], true],
    [[1, 1], [1, 2], true],
    [[2], [1, 1], false],
    [[2], [2, 1], false],
    [[1, 2], [1, 1], false],
  ]
  for (const [log, last, expected] of table) {
    assert.equal(ask(solo({ log }), voteRequest('b>a@5', last)), expected, `${log.join(' ')} asked by (${last.join(', ')})`)
  }
})

test('5.4.1: a request for votes tells where the log of the candidate ends', () => {
  const cluster = candidate({ log: [1, 3] })
  assert.deepEqual(cluster.take(ofType('vote-request'))[0], voteRequest('a>b@4', [2, 3]))
})

test('5.4.2: only entries of the own term are committed by counting; those before are committed with them', () => {
  for (const [match, commit] of [
    [1, 0],
    [2, 0],
    [3, 3],
  ] as const) {
    const cluster = leader({ log: [1, 2] })
    cluster.receive(appendAck('b>a@3', match))
    assert.equal(cluster.raft('a').commit, commit)
  }
})

test('5.4.2: figure 8: an old entry on a majority may still be replaced, one of the leader’s term may not', () => {
  // (c): S1 leads term 4 and has sent entry 2 of term 2 to a majority; S5 has another entry 2, of term 3.
  const logs = { a: [1, 2], b: [1, 2], c: [1, 2], d: [1], e: [1, 3] }
  const cluster = new Cluster({ voters: five, logs, terms: { a: 3, b: 3, c: 3, d: 3, e: 3 } })
  for (const other of ['b', 'c', 'd']) cluster.cut('a', other)
  cluster.elect('e')
  cluster.heal()
  cluster.run(2000)
  assert.deepEqual(termsOf(cluster.raft('a')).slice(0, 2), [1, 3])
})

test('5.5: requests may be repeated without harm', () => {
  const cluster = new Cluster({ voters })
  cluster.onEvent = (event) => {
    // Every message arrives twice.
    if (event.type === 'deliver' && cluster.prng.chance(0.5)) cluster.network.push(event.message)
  }
  cluster.elect('a')
  cluster.propose('a', 5)
  cluster.run(1000)
  for (const name of voters) assert.equal(cluster.raft(name).commit, 6)
})

// 6 and dissertation 4: membership

test('6: a change goes through a joint configuration, which the leader leaves by itself once it is committed', () => {
  const cluster = new Cluster({ voters, learners: ['d', 'e'] })
  cluster.elect('a')
  cluster.propose('a')
  cluster.run(300)
  cluster.change('a', ['a', 'd', 'e'])
  assert.deepEqual(cluster.raft('a').membership, { voters: ['a', 'd', 'e'], outgoing: voters, learners: [] })
  cluster.settle()
  assert.deepEqual(cluster.raft('a').membership, { voters: ['a', 'd', 'e'], outgoing: [], learners: [] })
  const changes = entriesOf(cluster.raft('a')).filter(({ payload }) => payload.type === 'membership')
  assert.equal(changes.length, 2)
})

test('6: a server uses the newest configuration in its log, committed or not', () => {
  const cluster = new Cluster({ voters, learners: ['d'] })
  cluster.elect('a')
  cluster.propose('a')
  cluster.run(300)
  cluster.change('a', ['a', 'b', 'd'])
  cluster.deliver(({ to, type }) => to === 'b' && type === 'append')
  assert.ok(cluster.raft('b').membership.outgoing.length > 0)
  assert.ok(cluster.raft('b').commit < cluster.raft('b').membershipIndex)
})

test('6: new servers join without a vote and get the log before they count', () => {
  const cluster = new Cluster({ voters })
  cluster.elect('a')
  cluster.propose('a', 20)
  cluster.settle()
  cluster.add('d')
  cluster.change('a', voters, ['d'])
  cluster.settle()
  cluster.run(200)
  assert.equal(cluster.raft('d').commit, 22)
  cluster.crash('d')
  cluster.propose('a')
  cluster.settle()
  assert.equal(cluster.raft('a').commit, 23, 'it is in no majority')
})

test('6: servers that are removed do not disturb: who hears a leader ignores requests for votes', () => {
  const cluster = leader()
  cluster.receive(heartbeatAck('b>a@1', 1))
  assert.equal(ask(cluster, voteRequest('c>a@9', [99, 8])), false)
  assert.deepEqual([cluster.raft('a').role, cluster.raft('a').term], ['leader', 1])
})

test('dissertation 4.2.2: a leader that is not in the new configuration steps down when it is committed', () => {
  const cluster = new Cluster({ voters })
  cluster.elect('a')
  cluster.settle()
  cluster.change('a', ['b', 'c'])
  cluster.settle()
  assert.notEqual(cluster.raft('a').role, 'leader')
})

// 7 and dissertation 5: log compaction

test('7: a snapshot takes the place of the log up to its index and keeps the term there, for the check of the next append', () => {
  const cluster = new Cluster({ voters })
  cluster.elect('a')
  cluster.propose('a', 5)
  cluster.run(200)
  cluster.compact('b')
  cluster.settle()
  assert.equal(cluster.raft('b').base, 6)
  cluster.propose('a')
  cluster.settle()
  assert.equal(cluster.raft('b').lastIndex, 7)
})

test('7: a leader sends its snapshot to a follower whose next entry it has discarded', () => {
  const cluster = new Cluster({ voters, chunkBytes: 8 })
  cluster.elect('a')
  cluster.isolate('c')
  cluster.propose('a', 12)
  cluster.run(200)
  cluster.compact('a')
  cluster.settle()
  cluster.heal()
  cluster.run(2000)
  assert.equal(cluster.raft('c').commit, 13)
  assert.equal(cluster.raft('c').base, 13)
  assert.deepEqual(cluster.node('c').machine, cluster.node('a').machine)
})

// 8 and dissertation 6: clients

test('8: a leader commits an entry without a command at the start of its term', () => {
  const cluster = leader()
  assert.deepEqual(
    entriesOf(cluster.raft('a')).map(({ payload }) => payload.type),
    ['term-start'],
  )
})

test('8: a leader answers a read only after a majority has answered a heartbeat sent after the read came', () => {
  const cluster = leader()
  cluster.receive(appendAck('b>a@1', 1))
  const { id } = cluster.read('a')
  const stale = cluster.step('a', { type: 'message', message: heartbeatAck('b>a@1', 1) })
  assert.deepEqual(stale.readStates, [])
  const fresh = cluster.step('a', { type: 'message', message: heartbeatAck('b>a@1', 2) })
  assert.deepEqual(fresh.readStates, [{ id, index: 1 }])
})

test('dissertation 6.4.1: under its lease a leader answers reads at once', () => {
  const cluster = new Cluster({ voters })
  cluster.elect('a')
  cluster.run(200)
  const { id, effects } = cluster.read('a')
  assert.deepEqual(effects.readStates, [{ id, index: cluster.raft('a').commit }])
  assert.deepEqual(effects.send, [])
})

test('dissertation 6.2: who does not lead refuses commands, and commands decided in another term', () => {
  const cluster = leader()
  const { term } = cluster.raft('a')
  const other = cluster.step('a', { type: 'propose', term: (term - 1) as typeof term, commands: [command(1)] })
  assert.deepEqual(other.proposed, { type: 'refused', reason: 'not-leader' })
  const follower = solo({ term: 1 })
  assert.deepEqual(follower.propose('a').proposed, { type: 'refused', reason: 'not-leader' })
})

test('dissertation 3.10: a leader hands over to a follower that has everything, which campaigns without waiting', () => {
  const cluster = new Cluster({ voters })
  cluster.elect('a')
  cluster.cut('a', 'b')
  cluster.propose('a', 5)
  cluster.settle()
  assert.deepEqual(cluster.transfer('a', 'b').send, [], 'first it gets what it lacks')
  cluster.heal()
  cluster.run(500, () => cluster.leader === 'b')
  assert.equal(cluster.leader, 'b')
  assert.equal(cluster.raft('b').term, 2)
})
