import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Cluster, testTiming } from './testkit.ts'

const voters = ['a', 'b', 'c']
const { heartbeatMs } = testTiming

/** When rounds of heartbeats reached b, within so many milliseconds. */
function roundsOf(cluster: Cluster, forMs: number): number[] {
  const at: number[] = []
  cluster.onEvent = (event) => {
    if (event.type === 'deliver' && event.message.type === 'heartbeat' && event.message.to === 'b') at.push(cluster.now)
  }
  cluster.run(forMs)
  return at
}

function led(options: Partial<ConstructorParameters<typeof Cluster>[0]> = {}): Cluster {
  const cluster = new Cluster({ voters, ...options })
  cluster.elect('a')
  cluster.run(4 * heartbeatMs)
  return cluster
}

test('a group at rest makes a quarter of the rounds; one with a silent follower does not rest', () => {
  const resting = roundsOf(led(), 40 * heartbeatMs)
  assert.ok(resting.length >= 9 && resting.length <= 11, `${resting.length} rounds`)
  const cluster = led()
  cluster.isolate('c')
  cluster.propose('a')
  const busy = roundsOf(cluster, 20 * heartbeatMs)
  assert.ok(busy.length >= 19 && busy.length <= 21, `${busy.length} rounds`)
})

test('a command wakes a group at rest: its followers learn of the commit within one interval', () => {
  for (let offset = 10; offset < 4 * heartbeatMs; offset += 30) {
    const cluster = led()
    cluster.run(offset)
    cluster.propose('a')
    cluster.run(heartbeatMs)
    assert.equal(cluster.raft('b').commit, cluster.raft('a').lastIndex, `proposed ${offset} ms later`)
  }
})

test('a group at rest keeps its lease from round to round; where it could not, groups do not rest', () => {
  const cluster = led()
  for (let step = 0; step < 100; step++) {
    assert.ok(cluster.raft('a').leaseUntil > cluster.now, `${step * 10} ms later`)
    cluster.run(heartbeatMs / 10)
  }
  const brisk = led({ timing: { heartbeatMs: 110 } })
  const rounds = roundsOf(brisk, 20 * 110)
  assert.ok(rounds.length >= 19, `${rounds.length} rounds`)
})

test('followers of a group at rest wait as much longer as its rounds are rarer, and no longer once it has work', () => {
  const { electionMinMs, electionMaxMs } = testTiming
  const restMs = 3 * heartbeatMs
  const waits = (cluster: Cluster): number[] => ['b', 'c'].map((name) => cluster.raft(name).deadline - cluster.raft(name).inspect().heardAt)
  const resting: number[] = []
  for (let attempt = 0; attempt < 10; attempt++) {
    const cluster = led({ seed: attempt })
    resting.push(...waits(cluster))
    cluster.isolate('c')
    cluster.propose('a')
    cluster.run(2 * heartbeatMs)
    assert.ok((waits(cluster)[0] as number) <= electionMaxMs)
  }
  assert.ok(Math.min(...resting) >= electionMinMs + restMs && Math.max(...resting) <= electionMaxMs + restMs, resting.join(' '))
  assert.ok(Math.max(...resting) > electionMaxMs)
})

test('a read that finds the lease over, as a round at rest was lost, is answered by a round of its own', () => {
  const cluster = led()
  const heardAt = roundsOf(cluster, 4 * heartbeatMs).at(-1) as number
  cluster.isolate('a')
  cluster.run(heardAt + 5 * heartbeatMs - cluster.now)
  cluster.heal()
  assert.ok(cluster.raft('a').leaseUntil <= cluster.now)
  const askedAt = cluster.now
  const before = cluster.witness.counts.reads
  const { effects } = cluster.read('a')
  assert.deepEqual(effects.readStates, [])
  cluster.run(heartbeatMs, () => cluster.witness.counts.reads > before)
  assert.ok(cluster.now - askedAt < heartbeatMs / 2, `${cluster.now - askedAt} ms`)
})
