import { deepEqual, equal, match, notEqual, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { LockWorld, TestCall } from '#test/harness/lock-world.ts'
import type { LockWorldNode } from '#test/harness/lock-world.ts'
import { lockGroup } from './limits.ts'

type Answer = Awaited<ReturnType<LockWorldNode['server']['locks']['acquire']>>

const brief = (answer: Answer): string => {
  if (!answer.ok) return answer.error.code
  return answer.value.status === 'granted' ? `granted ${answer.value.fencing_token}` : `queued ${answer.value.position}`
}

const request = (client: string, more: object = {}) => ({ resource_id: 'r', client_id: client, ...more })

async function acquire(world: LockWorld, at: LockWorldNode, client: string, more: object = {}): Promise<string> {
  return brief(await world.answer(at.server.locks.acquire(request(client, more), new TestCall())))
}

async function holders(world: LockWorld, at: LockWorldNode): Promise<string> {
  const view = await world.answer(at.server.locks.lock({ resource_id: 'r' }, new TestCall()))
  return view.ok
    ? [...view.value.holders, '|', ...view.value.waiters].map((each) => (typeof each === 'string' ? each : each.client_id)).join(' ')
    : view.error.code
}

/** A call that is under way, and what it came to. */
function waiting(
  at: LockWorldNode,
  client: string,
  more: object,
): { readonly call: TestCall; answer: string | null; readonly done: Promise<unknown> } {
  const call = new TestCall()
  const done = at.server.locks.acquire(request(client, more), call).then((answer) => (state.answer = brief(answer)))
  const state: ReturnType<typeof waiting> = { call, answer: null, done }
  return state
}

async function openSession(world: LockWorld, at: LockWorldNode, client: string, ttl = 4_000): Promise<string> {
  const opened = await world.answer(at.server.locks.openSession({ client_id: client, ttl_ms: ttl }, new TestCall()))
  ok(opened.ok)
  return opened.value.session_id
}

async function keepAlive(world: LockWorld, at: LockWorldNode, session: string): Promise<string> {
  const kept = await world.answer(at.server.locks.keepSessionAlive({ session_id: session }, new TestCall()))
  return kept.ok ? kept.value.status : kept.error.code
}

test('a lock is handed over to a client that waits at another node without waiting for a heartbeat', async () => {
  const world = await LockWorld.start()
  const [leader, follower] = [await world.leader(), await world.follower()]
  for (let round = 0; round < 20; round++) {
    const [holds, waits] = [`holder-${round}`, `waiter-${round}`]
    await acquire(world, leader, holds)
    const next = waiting(follower, waits, { wait_ms: 20_000 })
    // Not in step with the heartbeats.
    await world.run(437)
    const askedAt = world.scheduler.now
    await world.answer(leader.server.locks.release(request(holds), new TestCall()))
    await world.answer(next.done)
    ok(world.scheduler.now - askedAt <= 15, `${world.scheduler.now - askedAt} ms`)
    await world.answer(leader.server.locks.release(request(waits), new TestCall()))
  }
})

test('decision L1: a session lives while it is kept alive at any node, and its locks are lost once it is not', async () => {
  const world = await LockWorld.start()
  const at = await world.follower()
  const session = await openSession(world, at, 'A')
  equal(await acquire(world, at, 'A', { session_id: session }), 'granted 1')
  for (let second = 0; second < 8; second++) {
    await world.run(1_000)
    equal(await keepAlive(world, world.get(`n${(second % 3) + 1}`), session), 'kept')
  }
  const next = waiting(at, 'B', { wait_ms: 20_000 })
  await world.run(3_900)
  equal(next.answer, null, 'the session has a full lease from its last keep-alive')
  await world.until('the lock is handed over', () => next.answer !== null, 1_000)
  equal(next.answer, 'granted 2')
  equal(await keepAlive(world, at, session), 'session_lost')
})

test('decision L1: a new leader gives every session a full lease, and ends none before', async () => {
  const world = await LockWorld.start()
  const old = await world.leader()
  const at = await world.follower()
  const session = await openSession(world, at, 'A', 6_000)
  equal(await acquire(world, at, 'A', { session_id: session }), 'granted 1')
  await world.run(5_500)
  world.crash(old)
  await world.leader()
  const electedAt = world.scheduler.now
  const next = waiting(at, 'B', { wait_ms: 20_000 })
  await world.until('the session has ended', () => next.answer !== null)
  ok(world.scheduler.now - electedAt >= 5_900, `it ended ${world.scheduler.now - electedAt} ms after the election`)
  equal(next.answer, 'granted 2')
})

test('decision L1: from the moment its end is proposed a session is not kept alive, and then it is lost', async () => {
  const world = await LockWorld.start()
  const leader = await world.leader()
  const session = await openSession(world, leader, 'A')
  equal(await acquire(world, leader, 'A', { session_id: session }), 'granted 1')
  // The leader still leads and its lease still holds, but what it proposes does not get through for a while.
  await world.run(3_900)
  for (const { disk } of world.nodes) disk.hang(400)
  await world.run(150)
  const kept = leader.server.locks.keepSessionAlive({ session_id: session }, new TestCall())
  let answeredAt: number | null = null
  void kept.then(() => (answeredAt = world.scheduler.now))
  await world.run(100)
  equal(answeredAt, null, 'no answer while the end is under way')
  const answer = await world.answer(kept)
  equal(answer.ok ? answer.value.status : answer.error.code, 'session_lost')
  equal(await holders(world, leader), '|')
})

test('decision L1: a leader that cannot reach a majority keeps no session alive, and grants nothing', async () => {
  const world = await LockWorld.start()
  const leader = await world.leader()
  const session = await openSession(world, leader, 'A')
  world.cutOff(leader)
  await world.run(500)
  const [kept, granted] = [keepAlive(world, leader, session), acquire(world, leader, 'B', { wait_ms: 0 })]
  notEqual(await kept, 'kept')
  ok(['no_leader', 'unknown'].includes(await granted))
  const other = await world.leader()
  equal(await acquire(world, other, 'B'), 'granted 1')
})

test('decision L3: when a wait is over and nobody could be granted, 408 is what the log says, and the queue is empty', async () => {
  const world = await LockWorld.start()
  const at = await world.follower()
  equal(await acquire(world, at, 'A'), 'granted 1')
  equal(await acquire(world, at, 'B', { wait_ms: 500 }), 'lock_timeout')
  equal(await holders(world, at), 'A |')
})

test('decision L3: a wait goes on over the death of the leader, on the nodes that are left', async () => {
  const world = await LockWorld.start()
  const [leader, at] = [await world.leader(), await world.follower()]
  equal(await acquire(world, at, 'A'), 'granted 1')
  const waits = [waiting(at, 'B', { wait_ms: 30_000 })]
  await world.run(200)
  world.crash(leader)
  await world.leader()
  equal(waits[0]?.answer, null)
  const released = await world.answer(at.server.locks.release(request('A', { fencing_token: 1 }), new TestCall()))
  ok(released.ok)
  deepEqual(
    released.value.granted_to.map(({ client_id }) => client_id),
    ['B'],
  )
  await world.until('B is told', () => waits[0]?.answer !== null)
  equal(waits[0]?.answer, 'granted 2')
})

test('decision L3: the waits of a node that dies leave the queues, and none of them is granted', async () => {
  const world = await LockWorld.start()
  const dying = await world.follower()
  const at = await world.leader()
  equal(await acquire(world, at, 'A'), 'granted 1')
  const ghosts = Array.from({ length: 5 }, (_, ghost) => waiting(dying, `ghost${ghost}`, { wait_ms: 60_000, ttl_ms: 0 }))
  await world.run(200)
  const last = waiting(at, 'B', { wait_ms: 60_000 })
  await world.run(200)
  equal(await holders(world, at), 'A | ghost0 ghost1 ghost2 ghost3 ghost4 B')
  world.crash(dying)
  await world.run(7_000)
  equal(await holders(world, at), 'A | B')
  await world.answer(at.server.locks.release(request('A', { fencing_token: 1 }), new TestCall()))
  await world.until('B is told', () => last.answer !== null)
  equal(last.answer, 'granted 2')
  ok(ghosts.every(({ answer }) => answer === null))
})

test('decision L3: a client that goes away leaves the queue, and what it was granted meanwhile is given back', async () => {
  const world = await LockWorld.start()
  const at = await world.follower()
  equal(await acquire(world, at, 'A'), 'granted 1')
  const gone = waiting(at, 'B', { wait_ms: 60_000 })
  const next = waiting(at, 'C', { wait_ms: 60_000 })
  await world.run(200)
  gone.call.end('client-gone')
  await world.run(200)
  equal(await holders(world, at), 'A | C')
  // The release and the going away cross: whatever comes first in the log, C gets the lock and nobody keeps it for who is gone.
  const second = waiting(at, 'D', { wait_ms: 60_000 })
  await world.run(100)
  const released = at.server.locks.release(request('A', { fencing_token: 1 }), new TestCall())
  next.call.end('client-gone')
  await world.answer(released)
  await world.until('D is told', () => second.answer !== null)
  match(second.answer ?? '', /^granted/)
  equal(await holders(world, at), 'D |')
})

test('decision L3: a client that is granted at once and is gone by then does not keep the lock', async () => {
  const world = await LockWorld.start()
  const at = await world.follower()
  const gone = waiting(at, 'A', { wait_ms: 10_000, ttl_ms: 0 })
  // It is on its way.
  await world.run(0)
  gone.call.end('client-gone')
  await world.answer(gone.done)
  await world.run(200)
  equal(await holders(world, at), '|')
})

test('decision L3: what a client was told before is not given back because it asked again and went away', async () => {
  const world = await LockWorld.start()
  const at = await world.follower()
  equal(await acquire(world, at, 'A', { wait_ms: 1_000 }), 'granted 1')
  const again = waiting(at, 'A', { wait_ms: 1_000 })
  again.call.end('client-gone')
  await world.answer(again.done)
  await world.run(500)
  equal(await holders(world, at), 'A |')
})

test('decision L3: a node that stops asks the log, and tells its clients what came first', async () => {
  const world = await LockWorld.start()
  const at = await world.follower()
  equal(await acquire(world, at, 'A'), 'granted 1')
  const stopped = waiting(at, 'B', { wait_ms: 60_000 })
  await world.run(200)
  stopped.call.end('stopping')
  await world.answer(stopped.done)
  equal(stopped.answer, 'stopping')
  equal(await holders(world, at), 'A |')
})

test('decision L3: a node that was cut off loses its session and its waits, and goes on under another', async () => {
  const world = await LockWorld.start()
  const at = await world.follower()
  const leader = await world.leader()
  equal(await acquire(world, leader, 'A'), 'granted 1')
  const lost = waiting(at, 'B', { wait_ms: 60_000 })
  await world.run(200)
  const before = at.server.session.id
  world.cutOff(at)
  await world.run(8_000)
  equal(await holders(world, leader), 'A |')
  equal(lost.answer, null, 'cut off, it cannot know')
  world.network.heal()
  await world.until('B is told', () => lost.answer !== null)
  equal(lost.answer, 'unavailable')
  await world.until('there is another session', () => at.server.session.id !== null && at.server.session.id !== before)
  equal(await acquire(world, at, 'C', { wait_ms: 0 }), 'lock_timeout')
})

test('decision L3: a node that cannot reach the log does not say that a wait is over', async () => {
  const world = await LockWorld.start()
  const [leader, at] = [await world.leader(), await world.follower()]
  equal(await acquire(world, leader, 'A'), 'granted 1')
  const wait = waiting(at, 'B', { wait_ms: 1_000 })
  await world.run(200)
  world.cutOff(at)
  await world.answer(leader.server.locks.release(request('A'), new TestCall()))
  equal(await holders(world, leader), 'B |')
  await world.run(2_000)
  equal(wait.answer, null)
  world.network.heal()
  await world.until('B is told', () => wait.answer !== null)
  equal(wait.answer, 'granted 2')
})

test('decision L3: a background wait lives for its ttl since it was last sent, and then is granted to nobody', async () => {
  const world = await LockWorld.start()
  const at = await world.follower()
  equal(await acquire(world, at, 'A'), 'granted 1')
  equal(await acquire(world, at, 'B', { ttl_ms: 2_000 }), 'queued 1')
  await world.run(1_500)
  equal(await acquire(world, at, 'B', { ttl_ms: 2_000 }), 'queued 1')
  await world.run(1_500)
  equal(await holders(world, at), 'A | B')
  await world.run(1_000)
  equal(await holders(world, at), 'A |')
})

test('decision L10: a late copy of a release without a token does not meet a later grant', async () => {
  const world = await LockWorld.start()
  const [leader, at] = [await world.leader(), await world.follower()]
  equal(await acquire(world, at, 'A'), 'granted 1')
  // The first node has read its index, and its command is stuck on the way to the leader.
  const group = at.node.host?.groups.get(lockGroup)
  ok(group !== undefined)
  const late = at.server.locks.release(request('A'), new TestCall())
  await world.run(1)
  world.network.clog(at.name, leader.name, 1_000)
  await world.answer(leader.server.locks.release(request('A'), new TestCall()))
  equal(await acquire(world, leader, 'A'), 'granted 2')
  await world.answer(late)
  equal(await holders(world, leader), 'A |')
})

async function release(world: LockWorld, at: LockWorldNode, client: string): Promise<string> {
  const released = await world.answer(at.server.locks.release(request(client), new TestCall()))
  return released.ok ? released.value.status : released.error.code
}

test('decision L10: a release without a token whose node learns too late which grant it means frees nothing newer', async () => {
  const world = await LockWorld.start()
  const [leader, at] = [await world.leader(), await world.follower()]
  equal(await acquire(world, leader, 'A'), 'granted 1')
  await world.run(500)
  // Its question for the index is stuck; the client asks another node meanwhile, and acquires again.
  world.network.clog(at.name, leader.name, 700)
  const late = release(world, at, 'A')
  await world.run(10)
  equal(await release(world, leader, 'A'), 'released')
  equal(await acquire(world, leader, 'A'), 'granted 2')
  equal(await late, 'unavailable', 'nor is a client told that it holds nothing')
  equal(await holders(world, leader), 'A |')
  equal(await release(world, at, 'A'), 'released')
})

test('decision L10: a release without a token goes through an election, for what was held before', async () => {
  const world = await LockWorld.start()
  const [leader, at] = [await world.leader(), await world.follower()]
  equal(await acquire(world, leader, 'A'), 'granted 1')
  const raft = at.node.host?.groups.get(lockGroup)?.raft
  ok(raft !== undefined && raft.commit < raft.lastIndex, 'it has the grant, and does not know yet that it is committed')
  world.crash(leader)
  equal(await release(world, at, 'A'), 'released')
})

test('decision L2: acquires over HTTP are one per client and resource, whatever node they come by', async () => {
  const world = await LockWorld.start()
  for (const node of world.nodes) equal(await acquire(world, node, 'A'), 'granted 1')
  await world.answer(world.locks('n2').release(request('A'), new TestCall()))
  equal(await holders(world, world.get('n3')), '|')
})

test('decision L9: where elections may take long, a session lives for four of them at least, and says so', async () => {
  const world = await LockWorld.start({ timing: { heartbeatMs: 500, electionMinMs: 3_000, electionMaxMs: 6_000, leaseMs: 2_700 } })
  const at = await world.follower()
  const ttlOf = async (terms: object): Promise<number> => {
    const opened = await world.answer(at.server.locks.openSession({ client_id: 'B', ...terms }, new TestCall()))
    ok(opened.ok)
    return opened.value.ttl_ms
  }
  deepEqual([await ttlOf({ ttl_ms: 4_000 }), await ttlOf({}), await ttlOf({ ttl_ms: 30_000 })], [24_000, 24_000, 30_000])
  const session = await openSession(world, at, 'A')
  match(await acquire(world, at, 'A', { session_id: session }), /^granted/)
  await world.run(23_000)
  equal(await holders(world, at), 'A |')
  await world.run(2_000)
  equal(await holders(world, at), '|')
})

test('decision L11: what a session has lost is granted only when its lock delay is over too, and what is given back at once', async () => {
  const world = await LockWorld.start()
  const at = await world.follower()
  const opened = await world.answer(at.server.locks.openSession({ client_id: 'A', ttl_ms: 4_000, lock_delay_ms: 6_000 }, new TestCall()))
  ok(opened.ok)
  const openedAt = world.scheduler.now
  match(await acquire(world, at, 'A', { session_id: opened.value.session_id }), /^granted/)
  const next = waiting(at, 'B', { wait_ms: 60_000 })
  const view = async (): Promise<{ readonly held: number; readonly closed: boolean }> => {
    const told = await world.answer(at.server.locks.lock({ resource_id: 'r' }, new TestCall()))
    ok(told.ok)
    return { held: told.value.holder_count, closed: told.value.closed_until !== null }
  }
  deepEqual(await view(), { held: 1, closed: false })
  await world.run(5_000)
  deepEqual(await view(), { held: 0, closed: true }, 'the session has ended')
  await world.answer(next.done)
  match(next.answer ?? '', /^granted/)
  const tookMs = world.scheduler.now - openedAt
  ok(tookMs >= 10_000 && tookMs < 11_000, `${tookMs} ms`)
  const last = waiting(at, 'C', { wait_ms: 20_000 })
  await world.run(100)
  const givenAt = world.scheduler.now
  await world.answer(at.server.locks.release(request('B'), new TestCall()))
  await world.answer(last.done)
  ok(world.scheduler.now - givenAt < 100)
})

test('decision L11: what was lost with the lease of an acquire is granted only when the delay of that is over too', async () => {
  const world = await LockWorld.start()
  const at = await world.leader()
  await acquire(world, at, 'A', { ttl_ms: 1_000, lock_delay_ms: 3_000 })
  const heldAt = world.scheduler.now
  const next = waiting(at, 'B', { wait_ms: 20_000 })
  await world.answer(next.done)
  match(next.answer ?? '', /^granted/)
  const tookMs = world.scheduler.now - heldAt
  ok(tookMs >= 3_990 && tookMs < 4_500, `${tookMs} ms`)
})
