import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Cluster, testTiming } from './testkit.ts'

const voters = ['a', 'b', 'c']
const { heartbeatMs, leaseMs } = testTiming

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

test('a group at rest makes half as many rounds; one with a silent follower does not rest', () => {
  const resting = roundsOf(led(), 20 * heartbeatMs)
  assert.ok(resting.length >= 9 && resting.length <= 11, `${resting.length} rounds`)
  const cluster = led()
  cluster.isolate('c')
  cluster.propose('a')
  const busy = roundsOf(cluster, 20 * heartbeatMs)
  assert.ok(busy.length >= 19 && busy.length <= 21, `${busy.length} rounds`)
})

test('a command wakes a group at rest: its followers learn of the commit within one interval', () => {
  for (let offset = 10; offset < 2 * heartbeatMs; offset += 30) {
    const cluster = led()
    cluster.run(offset)
    cluster.propose('a')
    cluster.run(heartbeatMs)
    assert.equal(cluster.raft('b').commit, cluster.raft('a').lastIndex, `proposed ${offset} ms later`)
  }
})

test('a round that is lost at rest does not end the lease; where it would, groups do not rest', () => {
  const cluster = led()
  const heardAt = roundsOf(cluster, 2 * heartbeatMs).at(-1) as number
  cluster.isolate('a')
  cluster.run(heardAt + 3 * heartbeatMs - cluster.now)
  cluster.heal()
  for (let step = 0; step < 10; step++) {
    assert.ok(cluster.raft('a').leaseUntil > cluster.now, `${cluster.now - heardAt} ms after the last round that was answered`)
    cluster.run(heartbeatMs / 10)
  }
  cluster.run(1)
  assert.ok(cluster.raft('a').leaseUntil >= heardAt + 4 * heartbeatMs + leaseMs)
  const brisk = led({ timing: { heartbeatMs: 120 } })
  const rounds = roundsOf(brisk, 20 * 120)
  assert.ok(rounds.length >= 19, `${rounds.length} rounds`)
})
