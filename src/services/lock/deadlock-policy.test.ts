import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import type { DeadlockMode } from '#core/lock/types.ts'
import { LockWorld, TestCall } from '#test/harness/lock-world.ts'
import type { LockWorldNode } from '#test/harness/lock-world.ts'

type Acquiring = ReturnType<LockWorldNode['server']['locks']['acquire']>

const acquire = (at: LockWorldNode, client: string, resource: string, more: object = {}): Acquiring =>
  at.server.locks.acquire({ resource_id: resource, client_id: client, ...more }, new TestCall())

async function code(world: LockWorld, acquiring: Acquiring): Promise<string> {
  const answer = await world.answer(acquiring)
  return answer.ok ? answer.value.status : answer.error.code
}

async function policyAt(world: LockWorld, at: LockWorldNode): Promise<string> {
  const view = await world.answer(at.server.locks.deadlocks({}, new TestCall()))
  return view.ok ? view.value.mode : view.error.code
}

async function openSession(world: LockWorld, at: LockWorldNode, client: string): Promise<string> {
  const opened = await world.answer(at.server.locks.openSession({ client_id: client, ttl_ms: 60_000 }, new TestCall()))
  ok(opened.ok)
  return opened.value.session_id
}

test('decision L5: the policy that nodes are told is the cluster’s, and whose wait ends is chosen by it', async () => {
  const world = await LockWorld.start({ policyOf: () => 'youngest' })
  const at = await world.follower()
  for (const node of world.nodes) equal(await policyAt(world, node), 'youngest')
  equal(await code(world, acquire(at, 'older', 'a')), 'granted')
  equal(await code(world, acquire(at, 'younger', 'b')), 'granted')
  const victim = acquire(at, 'younger', 'a', { wait_ms: 20_000 })
  await world.run(500)
  const closes = acquire(at, 'older', 'b', { wait_ms: 20_000 })
  equal(await code(world, victim), 'deadlock', 'not the request that closed the cycle')
  await world.answer(at.server.locks.release({ resource_id: 'b', client_id: 'younger' }, new TestCall()))
  equal(await code(world, closes), 'granted')
  const view = await world.answer(at.server.locks.deadlocks({}, new TestCall()))
  ok(view.ok)
  deepEqual(
    view.value.recent.map(({ mode, victim: who }) => [mode, who]),
    [['youngest', 'younger']],
  )
})

test('decision L5: while nodes are told another policy one after the other, that of the leader counts', async () => {
  const told = new Map<string, DeadlockMode>()
  const world = await LockWorld.start({ policyOf: (node) => told.get(node) ?? 'requester' })
  const leader = await world.leader()
  equal(await policyAt(world, leader), 'requester')
  for (const { name } of world.nodes) told.set(name, 'fewest-locks')
  const follower = await world.follower()
  world.crash(follower)
  world.restart(follower)
  await world.run(3_000)
  equal(await policyAt(world, await world.leader()), 'requester')
  world.crash(leader)
  world.restart(leader)
  const other = world.nodes.filter((node) => node !== leader && node !== follower)
  for (const node of other) {
    world.crash(node)
    world.restart(node)
  }
  await world.run(3_000)
  await world.leader()
  for (const node of world.nodes) equal(await policyAt(world, node), 'fewest-locks')
})

test('decision L5: under wound-wait a younger holder keeps its lock, is told, and gets nothing more until it has released all', async () => {
  const world = await LockWorld.start({ policyOf: () => 'wound-wait' })
  const at = await world.follower()
  const [older, younger] = [await openSession(world, at, 'older'), await openSession(world, at, 'younger')]
  const wounded = async (session: string): Promise<unknown> => {
    const kept = await world.answer(at.server.locks.keepSessionAlive({ session_id: session }, new TestCall()))
    return kept.ok ? kept.value.wounded : kept.error.code
  }
  equal(await code(world, acquire(at, 'younger', 'r', { session_id: younger })), 'granted')
  equal(await wounded(younger), false)
  let settled = false
  const waits = acquire(at, 'older', 'r', { session_id: older, wait_ms: 30_000 }).finally(() => (settled = true))
  await world.run(1_000)
  deepEqual([await wounded(younger), await wounded(older), settled], [true, false, false])
  equal(await code(world, acquire(at, 'younger', 'free', { session_id: younger })), 'wounded')
  const released = await world.answer(at.server.locks.release({ resource_id: 'r', client_id: 'younger' }, new TestCall()))
  ok(released.ok)
  equal(await code(world, waits), 'granted')
  equal(await code(world, acquire(at, 'younger', 'free', { session_id: younger })), 'granted')
})

test('under wait-die the younger is refused instead of queued', async () => {
  const world = await LockWorld.start({ policyOf: () => 'wait-die' })
  const at = await world.leader()
  const [older, younger] = [await openSession(world, at, 'older'), await openSession(world, at, 'younger')]
  equal(await code(world, acquire(at, 'older', 'r', { session_id: older })), 'granted')
  equal(await code(world, acquire(at, 'younger', 's', { session_id: younger })), 'granted')
  equal(await code(world, acquire(at, 'younger', 'r', { session_id: younger, wait_ms: 5_000 })), 'wait_die')
  equal(await code(world, acquire(at, 'older', 's', { session_id: older })), 'queued')
})
