import { equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { LockWorld, TestCall } from '#test/harness/lock-world.ts'
import type { LockWorldNode } from '#test/harness/lock-world.ts'

/** Clients that have hung up, and calls about the same lock that meet each other. */

type Locks = LockWorldNode['server']['locks']
type Told = Awaited<ReturnType<Locks['acquire']>> | Awaited<ReturnType<Locks['release']>>

const brief = (told: Told): string => (told.ok ? told.value.status : told.error.code)

async function standing(world: LockWorld, { server }: LockWorldNode, name = 'r'): Promise<string> {
  const view = await world.answer(server.locks.lock({ resource_id: name }, new TestCall()))
  ok(view.ok)
  const { holders, waiters } = view.value
  return [...holders, '|', ...waiters].map((each) => (typeof each === 'string' ? each : each.client_id)).join(' ')
}

for (const wait of [{ wait_ms: 0 }, {}, { wait_ms: 5_000 }]) {
  const how = JSON.stringify(wait)
  test(`a late copy of an acquire whose client hung up does not take the lock again, ${how}`, async () => {
    const world = await LockWorld.start()
    const leader = await world.leader()
    const cutOff = await world.follower()
    const request = { resource_id: 'r', client_id: 'A', ttl_ms: 3_600_000, ...wait }
    world.cutOff(cutOff)
    const call = new TestCall()
    void cutOff.server.locks.acquire(request, call)
    await world.run(1_000)
    call.end('client-gone')
    const again = await world.answer(leader.server.locks.acquire(request, new TestCall()))
    ok(again.ok && again.value.status === 'granted')
    const { fencing_token } = again.value
    equal(brief(await world.answer(leader.server.locks.release({ ...request, fencing_token }, new TestCall()))), 'released')
    world.network.heal()
    await world.run(20_000)
    equal(await standing(world, leader), '|')
  })
}

test('who gave up while nobody led holds nothing for ever', async () => {
  const world = await LockWorld.start()
  const leader = await world.leader()
  const at = await world.follower()
  world.crash(leader)
  const call = new TestCall()
  const asked = at.server.locks.acquire({ resource_id: 'r', client_id: 'A', ttl_ms: 0, wait_ms: 0 }, call)
  await world.run(50)
  call.end('client-gone')
  await world.answer(asked)
  await world.run(20_000)
  equal(await standing(world, at), '|')
})

test('who leaves the queue by another call is told so, and not that a node was cut off', async () => {
  const world = await LockWorld.start()
  const { locks } = (await world.follower()).server
  await world.answer(locks.acquire({ resource_id: 'r', client_id: 'A' }, new TestCall()))
  const waiting = locks.acquire({ resource_id: 'r', client_id: 'B', wait_ms: 20_000 }, new TestCall())
  await world.run(100)
  equal(brief(await world.answer(locks.release({ resource_id: 'r', client_id: 'B' }, new TestCall()))), 'released')
  equal(brief(await world.answer(waiting)), 'withdrawn')
})

test('a release that meets the grant for which its client waited gives that back', async () => {
  const world = await LockWorld.start()
  const { locks } = (await world.follower()).server
  const leader = await world.leader()
  await world.answer(locks.acquire({ resource_id: 'r', client_id: 'A' }, new TestCall()))
  for (let round = 0; round < 20; round++) {
    await world.answer(locks.acquire({ resource_id: 'r', client_id: 'B' }, new TestCall()))
    const leaving = locks.release({ resource_id: 'r', client_id: 'B' }, new TestCall())
    // The grant comes between the question for the index and the command.
    await world.run(round / 2)
    await world.answer(leader.server.locks.release({ resource_id: 'r', client_id: 'A' }, new TestCall()))
    equal(brief(await world.answer(leaving)), 'released')
    equal(brief(await world.answer(locks.acquire({ resource_id: 'r', client_id: 'A' }, new TestCall()))), 'granted', `round ${round}`)
  }
})

test('the end of a session of a client leaves the waits of others at its node alone, and raises nothing', async () => {
  const world = await LockWorld.start()
  const at = await world.follower()
  const { locks } = at.server
  const opened = await world.answer(locks.openSession({ client_id: 'A', ttl_ms: 10_000 }, new TestCall()))
  ok(opened.ok)
  const { session_id } = opened.value
  await world.answer(locks.acquire({ resource_id: 'r', client_id: 'A', lock_type: 'shared', session_id }, new TestCall()))
  await world.answer(locks.acquire({ resource_id: 'r', client_id: 'B', lock_type: 'shared' }, new TestCall()))
  await world.answer(locks.acquire({ resource_id: 'q', client_id: 'B' }, new TestCall()))
  const innocent = new TestCall()
  const waiting = locks.acquire({ resource_id: 'q', client_id: 'C', wait_ms: 60_000 }, innocent)
  const upgrade = locks.acquire({ resource_id: 'r', client_id: 'A', wait_ms: 30_000 }, new TestCall())
  await world.run(100)
  await world.answer(locks.endSession({ session_id }, new TestCall()))
  equal(brief(await world.answer(upgrade)), 'hold_ended')
  await world.run(7_000)
  equal(await standing(world, at, 'q'), 'B | C')
  await world.answer(locks.release({ resource_id: 'q', client_id: 'B' }, new TestCall()))
  equal(brief(await world.answer(waiting)), 'granted')
})
