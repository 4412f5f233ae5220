import { equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { lockGroup } from './limits.ts'
import { LockWorld, TestCall } from '#test/harness/lock-world.ts'

const acquire = (client: string, more: object = {}) => ({ resource_id: 'r', client_id: client, ...more })

test('a node without a replica answers every call as the others do, and its waits are its own', async () => {
  const world = await LockWorld.start({ spares: 1 })
  const spare = world.get('n4')
  equal(spare.node.host?.groups.has(lockGroup), false)
  const { locks } = spare.server
  const granted = await world.answer(locks.acquire(acquire('A', { wait_ms: 1_000 }), new TestCall()))
  ok(granted.ok && granted.value.status === 'granted')
  const waiting = locks.acquire(acquire('B', { wait_ms: 30_000 }), new TestCall())
  await world.run(12_000)
  const seen = await world.answer(locks.lock({ resource_id: 'r' }, new TestCall()))
  equal(seen.ok && seen.value.waiters[0]?.client_id, 'B')
  equal(seen.ok && seen.value.role, 'none')
  const local = await world.answer(locks.locks({ consistency: 'local' }, new TestCall()))
  equal(local.ok && local.value.locks.length, 1)
  await world.answer(world.locks('n1').release(acquire('A'), new TestCall()))
  const next = await world.answer(waiting)
  ok(next.ok && next.value.status === 'granted')
  const opened = await world.answer(locks.openSession({ client_id: 'A' }, new TestCall()))
  ok(opened.ok)
  const kept = await world.answer(locks.keepSessionAlive({ session_id: opened.value.session_id }, new TestCall()))
  ok(kept.ok)
  const released = await world.answer(locks.release(acquire('B'), new TestCall()))
  ok(released.ok)
})

test('a node that is cut off vouches for no token and shows no lock, unless it is asked for what it knows itself', async () => {
  const world = await LockWorld.start()
  const [leader, at] = [await world.leader(), await world.follower()]
  const { locks } = at.server
  await world.answer(leader.server.locks.acquire(acquire('A', { wait_ms: 0 }), new TestCall()))
  await world.run(500)
  const token = { resource_id: 'r', fencing_token: 1 }
  const vouched = await world.answer(locks.check(token, new TestCall()))
  equal(vouched.ok && vouched.value.valid, true)
  world.cutOff(at)
  await world.answer(leader.server.locks.release(acquire('A'), new TestCall()))
  const checked = await world.answer(locks.check(token, new TestCall()))
  equal(checked.ok ? checked.value.reason : checked.error.code, 'no_leader')
  const seen = await world.answer(locks.lock({ resource_id: 'r' }, new TestCall()))
  equal(seen.ok ? seen.value.holder_count : seen.error.code, 'no_leader')
  const local = await world.answer(locks.lock({ resource_id: 'r', consistency: 'local' }, new TestCall()))
  equal(local.ok && local.value.holder_count, 1)
})

test('the waits of a node without a replica end with it', async () => {
  const world = await LockWorld.start({ spares: 1 })
  const spare = world.get('n4')
  await world.answer(world.locks('n1').acquire(acquire('A'), new TestCall()))
  void spare.server.locks.acquire(acquire('B', { wait_ms: 60_000 }), new TestCall())
  await world.run(500)
  world.crash(spare)
  await world.run(7_000)
  const seen = await world.answer(world.locks('n1').lock({ resource_id: 'r' }, new TestCall()))
  equal(seen.ok && seen.value.waiter_count, 0)
})

test('a wait is told its end also when the replica here has got its state as a whole', async () => {
  const world = await LockWorld.start({ compaction: { bytes: 1e9, entries: 20, keepEntries: 1 } })
  const [leader, at] = [await world.leader(), await world.follower()]
  await world.answer(leader.server.locks.acquire(acquire('A', { ttl_ms: 0, wait_ms: 0 }), new TestCall()))
  const waiting = at.server.locks.acquire(acquire('B', { wait_ms: 60_000 }), new TestCall())
  await world.run(200)
  world.cutOff(at)
  await world.answer(leader.server.locks.release(acquire('A'), new TestCall()))
  for (let other = 0; other < 60; other++) {
    await world.answer(leader.server.locks.acquire({ resource_id: `other${other}`, client_id: 'C' }, new TestCall()))
  }
  world.network.heal()
  equal(at.node.host?.groups.get(lockGroup)?.raft.base, 0)
  // Long before the wait is overdue, when the log would be asked.
  const granted = await world.answer(waiting, 20_000)
  ok(granted.ok && granted.value.status === 'granted', JSON.stringify(granted))
  ok((at.node.host?.groups.get(lockGroup)?.raft.base ?? 0) > 0, 'it was sent a snapshot')
})
