import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { LockWorld, TestCall } from '#test/harness/lock-world.ts'
import { lockGroup } from './limits.ts'

/** The end of a wait is decided in the log (decision L3), and not by a replica that has less of the log than the wait. */

type Server = Awaited<ReturnType<LockWorld['leader']>>['server']

const acquire = (client: string, waitMs: number) => ({ resource_id: 'r', client_id: client, ttl_ms: 0, wait_ms: waitMs })

/** What a wait of B came to, as soon as it is over. */
function waiting({ locks }: Server): string[] {
  const told: string[] = []
  void locks.acquire(acquire('B', 50_000), new TestCall()).then((answer) => told.push(answer.ok ? 'granted' : answer.error.code))
  return told
}

async function releasedByA(world: LockWorld): Promise<void> {
  const { server } = await world.leader()
  await world.answer(server.locks.release({ resource_id: 'r', client_id: 'A' }, new TestCall()))
  await world.run(3_000)
}

test('decision L3: a node without a replica hears of the end of a wait from one that has it, and not from one that is behind', async () => {
  const world = await LockWorld.start({ spares: 1 })
  const follower = await world.follower()
  await world.answer((await world.leader()).server.locks.acquire(acquire('A', 0), new TestCall()))
  const told = waiting(world.get('n4').server)
  await world.run(500)
  world.crash(follower)
  for (const { name } of world.nodes) {
    world.network.cutGroup(name, follower.name, lockGroup)
    world.network.cutGroup(follower.name, name, lockGroup)
  }
  world.restart(follower)
  await world.run(35_000)
  equal(told.length, 0)
  world.network.heal()
  await releasedByA(world)
  deepEqual(told, ['granted'])
})

test('decision L3: a wait goes on when the replica of its node gets a state from before it began', async () => {
  const world = await LockWorld.start({ compaction: { bytes: 1e9, entries: 60, keepEntries: 1 } })
  const [leader, at] = [await world.leader(), await world.follower()]
  await world.answer(leader.server.locks.acquire(acquire('A', 0), new TestCall()))
  world.crash(at)
  for (let other = 0; other < 90; other++) {
    await world.answer(leader.server.locks.acquire({ resource_id: `other${other}`, client_id: 'C' }, new TestCall()))
  }
  for (const { name } of world.nodes) world.network.cutGroup(name, at.name, lockGroup)
  world.restart(at)
  await world.until('it has its session', () => at.server.session.id !== null)
  const told = waiting(at.server)
  await world.run(1_000)
  world.network.heal()
  await world.run(5_000)
  equal(told.length, 0)
  await releasedByA(world)
  deepEqual(told, ['granted'])
})
