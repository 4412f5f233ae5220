import assert from 'node:assert/strict'
import { test } from 'node:test'
import { millis, wallMillis } from '#base/brand.ts'
import { limits } from './limits.ts'
import { Progress } from './progress.ts'
import { Cluster, command, deepFreeze, entriesOf, storedEntries, termsOf, testTiming } from './testkit.ts'
import { append, appendAck, appendReject, heartbeat, heartbeatAck, preVoteResponse, voteResponse } from './testkit-messages.ts'
import { logIndex, replicaId, term as termOf } from './types.ts'
import type { Message, SnapshotMeta } from './types.ts'

/** Mistakes that other implementations made with logs and snapshots, each shown to be absent. The numbers are those of docs/raft.md. */

const voters = ['a', 'b', 'c']
const ofType =
  (...types: Message['type'][]) =>
  (message: Message): boolean =>
    types.includes(message.type)

const follower = (logs: readonly number[] = [], inTerm?: number): Cluster =>
  new Cluster({ voters, live: ['a'], logs: { a: logs }, ...(inTerm === undefined ? {} : { terms: { a: inTerm } }) })

/** `a` leads alone in term `1 + its last`; the test speaks for `b` and `c`. */
function leader(logs: readonly number[] = []): Cluster {
  const cluster = follower(logs)
  cluster.now = cluster.raft('a').deadline
  cluster.tick('a')
  const term = cluster.raft('a').term + 1
  cluster.receive(preVoteResponse(`b>a@${term}`, true))
  cluster.finishWrites('a')
  cluster.receive(voteResponse(`b>a@${term}`, true))
  assert.equal(cluster.raft('a').role, 'leader')
  return cluster
}

test('pitfall 1: entries are acknowledged when they are durable, not when they are received', () => {
  const cluster = follower()
  cluster.receive(append('b>a@1', [0, 0], [1, 1]))
  assert.deepEqual(cluster.take(ofType('append-ack')), [])
  cluster.restart('a')
  assert.equal(cluster.raft('a').lastIndex, 0)
  cluster.receive(append('b>a@1', [0, 0], [1, 1]))
  cluster.finishWrites('a')
  assert.deepEqual(cluster.take(ofType('append-ack')), [appendAck('a>b@1', 2)])
  cluster.restart('a')
  assert.equal(cluster.raft('a').lastIndex, 2)
})

test('pitfall 1: an acknowledgement names no term that the replica could still forget', () => {
  const cluster = follower([1, 1], 1)
  cluster.receive(append('b>a@5', [2, 1]))
  cluster.receive(heartbeat('b>a@5'))
  assert.deepEqual(cluster.take(ofType('append-ack', 'heartbeat-ack')), [], 'term 5 is not durable yet')
  cluster.finishWrites('a')
  assert.deepEqual(cluster.take(ofType('heartbeat-ack')), [heartbeatAck('a>b@5', 1, 2)])
})

test('pitfall 2: a single voter commits an entry when it is on its disk, not in the step that appends it', () => {
  const cluster = new Cluster({ voters: ['a'] })
  cluster.elect('a')
  const effects = cluster.propose('a')
  assert.deepEqual(effects.apply, [])
  assert.equal(cluster.raft('a').commit, 1)
  cluster.restart('a')
  assert.equal(cluster.raft('a').lastIndex, 1, 'what was lost had not been answered')
  cluster.elect('a')
  cluster.propose('a')
  cluster.finishWrites('a')
  assert.equal(cluster.raft('a').commit, 3)
})

test('pitfall 3: an entry of an older term is not committed because a majority holds it, only with one of the own term', () => {
  const cluster = leader([1, 2])
  assert.equal(cluster.raft('a').term, 3)
  cluster.finishWrites('a')
  cluster.receive(appendAck('b>a@3', 2))
  assert.equal(cluster.raft('a').commit, 0, 'figure 8: a majority holds the entry of term 2')
  cluster.receive(appendAck('b>a@3', 3))
  assert.equal(cluster.raft('a').commit, 3)
})

test('pitfall 4: a leader begins its term with an entry of its own, so old entries are committed without traffic', () => {
  const cluster = new Cluster({ voters, logs: { a: [1, 1], b: [1], c: [] } })
  cluster.elect('a')
  assert.deepEqual(termsOf(cluster.raft('a')), [1, 1, 2])
  assert.equal(entriesOf(cluster.raft('a')).at(-1)?.payload.type, 'term-start')
  assert.equal(cluster.raft('a').commit, 3)
})

test('pitfall 4: a read waits until an entry of the term is committed, and then sees what predecessors committed', () => {
  const cluster = leader([1, 1])
  cluster.finishWrites('a')
  const { id, effects } = cluster.read('a')
  assert.deepEqual(effects.readStates, [])
  const { round } = cluster.network.findLast(ofType('heartbeat')) as Extract<Message, { type: 'heartbeat' }>
  const early = cluster.step('a', { type: 'message', message: heartbeatAck('b>a@2', round, 2) })
  assert.deepEqual(early.readStates, [], 'a majority follows, but nothing of this term is committed')
  const late = cluster.step('a', { type: 'message', message: appendAck('b>a@2', 3) })
  assert.deepEqual(late.readStates, [{ id, index: 3 }])
})

test('pitfall 6: an old append that holds less than the log does not shorten it', () => {
  const cluster = follower()
  cluster.receive(append('b>a@1', [0, 0], [1, 1, 1], 3))
  cluster.receive(append('b>a@1', [0, 0], [1]))
  cluster.receive(append('b>a@1', [1, 1], [1]))
  cluster.receive(append('b>a@1', [0, 0]))
  assert.deepEqual(termsOf(cluster.raft('a')), [1, 1, 1])
  assert.equal(cluster.node('a').disk.jobs.filter((job) => job.type === 'persist' && job.persist.truncateFrom !== null).length, 0)
})

test('pitfall 6: a conflict truncates from the first entry that differs, and no other', () => {
  const cluster = follower([1, 1, 2, 2], 2)
  const effects = cluster.receive(append('b>a@3', [0, 0], [1, 1, 3]))
  assert.equal(effects?.persist?.truncateFrom, 3)
  assert.deepEqual(termsOf(cluster.raft('a')), [1, 1, 3])
})

test('pitfall 7: a heartbeat commits only as far as the log is known to agree with the leader', () => {
  const cluster = follower([1, 1, 2, 2, 2], 2)
  cluster.receive(heartbeat('b>a@3', 5))
  assert.equal(cluster.raft('a').commit, 0, 'a longer tail of another leader is not committed')
  cluster.receive(append('b>a@3', [2, 1], [], 5))
  assert.equal(cluster.raft('a').commit, 2, 'an empty append vouches for what it follows')
  cluster.receive(append('b>a@3', [2, 1], [3], 5))
  assert.equal(cluster.raft('a').commit, 3)
  cluster.receive(heartbeat('b>a@4', 3))
  cluster.receive(append('b>a@4', [9, 4], [4], 9))
  assert.equal(cluster.raft('a').commit, 3, 'an append that does not fit vouches for nothing')
})

test('pitfall 19: the end of an old write does not vouch for other entries at the same indexes', () => {
  const cluster = follower()
  cluster.receive(append('b>a@1', [0, 0], [1, 1]))
  cluster.receive(append('c>a@2', [0, 0], [2, 2]))
  cluster.receive(append('b>a@3', [0, 0], [3, 3]))
  cluster.take()
  cluster.finishWrite('a')
  cluster.finishWrite('a')
  assert.deepEqual(
    cluster.take(ofType('append-ack')).filter((ack) => ack.type === 'append-ack' && ack.match > 0),
    [],
  )
  cluster.finishWrite('a')
  assert.deepEqual(cluster.take(ofType('append-ack')).at(-1), appendAck('a>b@3', 2))
})

test('pitfall 21: late rejections do not move the leader back behind what is known to agree', () => {
  const progress = new Progress(replicaId('b'), logIndex(10), millis(0))
  assert.equal(progress.backOff(logIndex(9), logIndex(4)), true)
  assert.equal(progress.next, 5)
  assert.equal(progress.backOff(logIndex(9), logIndex(4)), false, 'the same rejection once more')
  progress.acknowledge(logIndex(7))
  assert.equal(progress.backOff(logIndex(4), logIndex(2)), false, 'of a place that is known to agree')
  assert.equal(progress.backOff(logIndex(9), logIndex(2)), true, 'of something sent after it')
  assert.ok(progress.next > progress.match)
  assert.equal(progress.next, 8)
})

test('pitfall 21: a conflict over many entries is passed in one step per term, not one per entry', () => {
  const own = [...Array.from({ length: 200 }, () => 1), ...Array.from({ length: 200 }, () => 4)]
  const other = [...Array.from({ length: 200 }, () => 1), ...Array.from({ length: 300 }, () => 2), ...Array.from({ length: 300 }, () => 3)]
  const cluster = new Cluster({ voters, logs: { a: own, b: own, c: other } })
  let rejections = 0
  cluster.onEvent = (event) => {
    if (event.type === 'deliver' && event.message.type === 'append-reject') rejections++
  }
  cluster.elect('a')
  assert.deepEqual(termsOf(cluster.raft('c')), [...own, 5])
  assert.ok(rejections <= 3, `rejections: ${rejections}`)
})

test('pitfall 22: a lost acknowledgement on an idle group is healed by the answers to heartbeats', () => {
  const cluster = new Cluster({ voters })
  cluster.elect('a')
  cluster.run(200)
  cluster.propose('a', 3)
  cluster.deliver(ofType('append'))
  for (const name of voters) cluster.finishWrites(name)
  assert.equal(cluster.take(ofType('append-ack')).length, 2)
  cluster.run(testTiming.heartbeatMs)
  assert.equal(cluster.raft('a').commit, 4)
})

test('pitfall 22: a lost probe or a lost append is sent again on an idle group, and a full window opens again', () => {
  const cluster = new Cluster({ voters })
  cluster.elect('a')
  cluster.run(200)
  for (let count = 0; count < limits.inflightAppendsMax + 20; count++) cluster.propose('a')
  const lost = cluster.take(ofType('append')).filter(({ to }) => to === 'c')
  assert.equal(lost.length, limits.inflightAppendsMax, 'the window is full')
  cluster.run(6 * testTiming.heartbeatMs)
  assert.equal(cluster.raft('c').commit, cluster.raft('a').lastIndex)
})

test('pitfall 22: a repeated probe stays where it was, so a follower is not sent a snapshot it does not need', () => {
  const cluster = new Cluster({ voters })
  cluster.elect('a')
  cluster.propose('a', 5)
  cluster.run(300)
  for (const name of ['a', 'b']) cluster.compact(name)
  cluster.settle()
  cluster.restart('c')
  cluster.cut('b', 'c', 'one-way')
  cluster.elect('b')
  cluster.heal()
  let chunks = 0
  cluster.onEvent = (event) => {
    if (event.type === 'deliver' && event.message.type === 'snapshot-chunk') chunks++
  }
  cluster.run(500)
  assert.equal(cluster.raft('c').commit, cluster.raft('b').lastIndex)
  assert.equal(chunks, 0)
})

test('pitfall 22: an answer that does not reach the place that is probed leaves the probe where it is', () => {
  const progress = new Progress(replicaId('b'), logIndex(10), millis(0))
  progress.acknowledge(logIndex(5))
  assert.deepEqual([progress.sending.type, progress.next], ['probe', 10])
  progress.acknowledge(logIndex(9))
  assert.deepEqual([progress.sending.type, progress.next], ['replicate', 10])
})

test('pitfall 22: a follower that restarts in an idle group learns again what is committed', () => {
  const cluster = new Cluster({ voters })
  cluster.elect('a')
  cluster.propose('a', 5)
  cluster.run(300)
  cluster.restart('c')
  assert.equal(cluster.raft('c').commit, 0)
  cluster.run(300)
  assert.equal(cluster.raft('c').commit, 6)
  assert.equal(cluster.node('c').machine.index, 6)
})

/** `c` was away while `a` and `b` compacted what it needs; the first chunk is being read. */
function lagging(): Cluster {
  const cluster = new Cluster({ voters, chunkBytes: 8 })
  cluster.elect('a')
  cluster.isolate('c')
  cluster.propose('a', 13)
  cluster.run(100)
  for (const name of ['a', 'b']) cluster.compact(name, name === 'a' ? 0 : 5)
  cluster.settle()
  cluster.heal()
  return cluster
}

test('pitfall 23: a follower that turns out to have the entries needs no snapshot any more', () => {
  const cluster = lagging()
  cluster.run(1000, () => sendingTo(cluster, 'c') === 'snapshot')
  cluster.step('a', { type: 'message', message: appendAck('c>a@1', 14) })
  assert.equal(sendingTo(cluster, 'c'), 'replicate')
})

function sendingTo(cluster: Cluster, name: string): string | undefined {
  const { role } = cluster.raft('a').inspect()
  return role.type === 'leader' ? role.progress.get(replicaId(name))?.sending.type : undefined
}

const meta = (index: number, inTerm: number, bytes: number): SnapshotMeta => {
  const last = storedEntries([inTerm], index)[0]
  assert.ok(last !== undefined)
  const membership = { voters: voters.map(replicaId), outgoing: [], learners: [] }
  return deepFreeze({ index: last.index, term: last.term, time: last.time, membership, membershipIndex: logIndex(0), bytes })
}

const chunk = (snapshot: SnapshotMeta, offset: number, size: number, from = 'b', inTerm: number = snapshot.term): Message => ({
  type: 'snapshot-chunk',
  from: replicaId(from),
  to: replicaId('a'),
  term: termOf(inTerm),
  snapshot,
  offset,
  bytes: new Uint8Array(size),
  last: offset + size >= snapshot.bytes,
})

test('pitfall 23: a snapshot that the log reaches over leaves the log alone', () => {
  const cluster = follower([1, 1, 1, 1], 1)
  const effects = cluster.receive(chunk(meta(2, 1, 8), 0, 8))
  assert.equal(effects?.snapshotWrite, null)
  assert.equal(cluster.raft('a').lastIndex, 4)
  assert.equal(cluster.raft('a').commit, 2)
  assert.deepEqual(cluster.take(ofType('append-ack')), [appendAck('a>b@1', 2)])
})

test('pitfall 23: entries that arrive while the last chunk is being written are not thrown away again', () => {
  const cluster = follower([1], 1)
  cluster.receive(chunk(meta(3, 1, 8), 0, 8))
  cluster.receive(append('b>a@1', [1, 1], [1, 1, 1]))
  cluster.finishWrites('a')
  assert.equal(cluster.raft('a').lastIndex, 4)
  assert.equal(cluster.raft('a').base, 0)
  assert.equal(cluster.raft('a').commit, 3)
  assert.equal(cluster.node('a').disk.lastIndex, 4, 'what was acknowledged is still durable')
})

test('a last chunk that comes again while it waits for what belongs to it is not asked for again, and nothing is counted', () => {
  const cluster = follower([1], 1)
  const last = chunk(meta(3, 1, 8), 0, 8)
  cluster.receive(last)
  const again = cluster.receive(last)
  assert.equal(again?.snapshotWrite, null)
  assert.deepEqual(
    again?.send.map((message) => (message.type === 'snapshot-ack' ? message.offset : message.type)),
    [8],
    'an empty one is what follows it',
  )
  const empty = cluster.receive(chunk(meta(3, 1, 8), 8, 0))
  assert.deepEqual([empty?.snapshotWrite, empty?.send, cluster.raft('a').commit], [null, [], 0])
  cluster.finishWrites('a')
  assert.equal(cluster.raft('a').commit, 3)
})

test('pitfall 24: a snapshot holds the membership, which outlives two compactions and a restart', () => {
  const cluster = new Cluster({ voters, learners: ['d'] })
  cluster.elect('a')
  cluster.propose('a')
  cluster.run(300)
  cluster.change('a', ['a', 'b', 'd'], ['c'])
  cluster.run(300)
  for (let time = 0; time < 2; time++) {
    cluster.propose('a', 3)
    cluster.run(300)
    for (const name of ['a', 'b', 'c', 'd']) cluster.compact(name)
    cluster.settle()
  }
  const { membership, membershipIndex } = cluster.raft('a')
  for (const name of ['a', 'b', 'c', 'd']) {
    cluster.restart(name)
    assert.deepEqual(cluster.raft(name).membership, membership)
    assert.equal(cluster.raft(name).membershipIndex, membershipIndex)
  }
  cluster.add('e')
  cluster.elect('b')
  cluster.propose('b')
  cluster.change('b', ['a', 'b', 'd'], ['c', 'e'])
  cluster.run(1000)
  assert.ok(cluster.witness.counts.installs > 0)
  assert.deepEqual(cluster.raft('e').membership.voters, ['a', 'b', 'd'])
})

test('pitfall 25: a received snapshot and the empty log behind it are one write, and a crash at any point leaves a usable log', () => {
  for (let flushed = 0; flushed < 8; flushed++) {
    const cluster = lagging()
    cluster.node('c').diskPaused = true
    cluster.run(600)
    for (let jobs = 0; jobs < flushed && cluster.node('c').disk.jobs.length > 0; jobs++) {
      cluster.finishWrite('c')
      cluster.settle()
    }
    cluster.node('c').diskPaused = false
    cluster.restart('c', flushed % 2)
    const { base, snapshot } = cluster.node('c').disk
    assert.equal(base.index, snapshot?.index ?? 0)
    cluster.run(3000, () => cluster.raft('c').commit === cluster.raft('a').commit)
    assert.equal(cluster.raft('c').commit, 14, `a crash after ${flushed} jobs`)
  }
})

test('pitfall 25: the machine takes a snapshot only when its install is durable, and then goes on behind it', () => {
  const cluster = follower([1], 1)
  cluster.receive(chunk(meta(3, 1, 8), 0, 8))
  cluster.finishWrite('a')
  const effects = cluster.receive(append('b>a@1', [3, 1], [1], 4))
  assert.deepEqual([effects?.restore, effects?.apply], [null, []])
  const installed = cluster.node('a').disk.jobs[0]
  assert.ok(installed?.type === 'persist' && installed.persist.install !== null)
  assert.deepEqual(installed.persist.entries, [])
  cluster.finishWrites('a')
  assert.deepEqual(cluster.node('a').machine.index, 4)
})

/** A follower that has stored 16 of 24 bytes of a snapshot that b sent in term 1, and has told it so. */
function halfway(): Cluster {
  const cluster = follower([1], 1)
  for (const offset of [0, 8]) {
    cluster.receive(chunk(meta(3, 1, 24), offset, 8))
    cluster.finishWrites('a')
  }
  assert.deepEqual(wanted(cluster), ['b 8', 'b 16'])
  return cluster
}

const wanted = (cluster: Cluster): string[] =>
  cluster.take(ofType('snapshot-ack')).map((message) => (message.type === 'snapshot-ack' ? `${message.to} ${message.offset}` : ''))

test('pitfall 44: another leader is told nothing of what its predecessor sent of a snapshot, and begins anew', () => {
  const cluster = halfway()
  cluster.receive(chunk(meta(3, 1, 20), 8, 8, 'c', 2))
  assert.deepEqual(wanted(cluster), ['c 0'])
  for (const offset of [0, 8, 16]) {
    cluster.receive(chunk(meta(3, 1, 20), offset, Math.min(8, 20 - offset), 'c', 2))
    cluster.finishWrites('a')
  }
  assert.deepEqual(wanted(cluster), ['c 8', 'c 16'])
  assert.equal(cluster.node('a').disk.snapshot?.bytes, 20)
})

test('pitfall 44: a chunk that is being written when the leader changes is not taken for one of its successor', () => {
  const cluster = halfway()
  cluster.receive(chunk(meta(3, 1, 24), 16, 4))
  cluster.receive(chunk(meta(3, 1, 30), 0, 8, 'c', 2))
  cluster.finishWrites('a')
  assert.deepEqual(wanted(cluster), [], 'what was written is not the successor’s')
  cluster.receive(chunk(meta(3, 1, 30), 0, 8, 'c', 2))
  cluster.finishWrites('a')
  assert.deepEqual(wanted(cluster), ['c 8'])
})

test('pitfall 44: after a restart a transfer goes on with who knows how far it had come, and begins anew with anybody else', () => {
  const same = halfway()
  same.restart('a')
  same.receive(chunk(meta(3, 1, 24), 8, 8))
  assert.deepEqual(wanted(same), ['b 16'], 'only who was told that 8 bytes are there goes on behind them')
  const other = halfway()
  other.restart('a')
  other.receive(chunk(meta(3, 1, 24), 0, 8, 'c', 2))
  other.finishWrites('a')
  assert.deepEqual(wanted(other), ['c 8'])
})

test('pitfall 35: a follower whose disk lost acknowledged entries neither stops the leader nor itself', () => {
  const cluster = new Cluster({ voters })
  cluster.elect('a')
  cluster.propose('a', 5)
  cluster.run(300)
  cluster.crash('c')
  cluster.node('c').disk.entries.length = 2
  cluster.start('c')
  cluster.run(1000)
  cluster.propose('a')
  cluster.run(1000)
  assert.equal(cluster.raft('a').commit, 7)
  assert.ok(cluster.raft('c').commit <= cluster.raft('c').lastIndex)
})

test('pitfall 36: a leader without a majority refuses proposals when enough of them are open', () => {
  const cluster = leader()
  const { term } = cluster.raft('a')
  const big = new Uint8Array(limits.uncommittedBytesMax)
  const at = { now: millis(cluster.now), wall: wallMillis(0) }
  const propose = (bytes: Uint8Array): string | undefined =>
    cluster.raft('a').step({ type: 'propose', term, commands: [bytes] }, at).proposed?.type
  assert.equal(propose(big), 'accepted')
  const refused = cluster.step('a', { type: 'propose', term, commands: [command(1)] })
  assert.deepEqual(refused.proposed, { type: 'refused', reason: 'overloaded' })
  assert.equal(cluster.raft('a').lastIndex, 2)
})

test('pitfall 36: what counts as open is the same after a restart', () => {
  const cluster = follower([1, 1, 1], 1)
  assert.ok(cluster.raft('a').inspect().log.uncommittedBytes > 0)
  cluster.receive(append('b>a@1', [3, 1], [], 3))
  assert.equal(cluster.raft('a').inspect().log.uncommittedBytes, 0)
})

test('pitfall 37: a proposal that loses its leader may be committed or not, and the core promises neither', () => {
  const outcomes = new Set<boolean>()
  for (const reaches of [true, false]) {
    const cluster = new Cluster({ voters })
    cluster.elect('a')
    cluster.run(200)
    const { proposed } = cluster.propose('a')
    assert.equal(proposed?.type, 'accepted')
    if (reaches) cluster.deliver(ofType('append'))
    else cluster.take()
    cluster.crash('a')
    cluster.elect('b')
    const entry = entriesOf(cluster.raft('b'))[1]
    outcomes.add(entry?.payload.type === 'command')
  }
  assert.deepEqual(outcomes, new Set([true, false]))
})

test('pitfall 40: entries in memory and on disk stay equal, and what the core hands out is never changed later', () => {
  const cluster = new Cluster({ voters })
  cluster.elect('a')
  cluster.propose('a', 3)
  cluster.isolate('a')
  cluster.propose('a', 2)
  cluster.elect('b')
  cluster.propose('b', 4)
  cluster.settle()
  cluster.heal()
  cluster.run(2000)
  for (const name of voters) assert.deepEqual(cluster.node(name).disk.entries, entriesOf(cluster.raft(name)))
  assert.ok(cluster.witness.counts.truncations > 0)
  assert.ok(
    entriesOf(cluster.raft('a')).every((entry) => Object.isFrozen(entry)),
    'a change would have thrown',
  )
})

test('a rejection names where the logs can agree, and the leader jumps there', () => {
  const cluster = follower([1, 1, 2, 2, 3, 3], 3)
  cluster.receive(append('b>a@5', [6, 2], [5]))
  assert.deepEqual(cluster.take(ofType('append-reject')), [appendReject('a>b@5', 6, [4, 2])])
})
