import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { LockWorld, TestCall } from '#test/harness/lock-world.ts'
import type { LockWorldNode } from '#test/harness/lock-world.ts'

type Answer = Awaited<ReturnType<LockWorldNode['server']['locks']['acquire']>>

/** `granted 1`, `queued`, or the code of the error. */
function brief(answer: Answer): string {
  if (!answer.ok) return answer.error.code
  return answer.value.status === 'granted' ? `granted ${answer.value.fencing_token}` : answer.value.status
}

const acquire = (at: LockWorldNode, client: string, more: object = {}): Promise<string> =>
  at.server.locks.acquire({ resource_id: 'r', client_id: client, ...more }, new TestCall()).then(brief)

/** Holders with their tokens and, behind a bar, waiters. */
async function lockOf(world: LockWorld, at: LockWorldNode): Promise<string> {
  const view = await world.answer(at.server.locks.lock({ resource_id: 'r' }, new TestCall()))
  if (!view.ok) return view.error.code
  const held = view.value.holders.map(({ client_id: client, fencing_token: token }) => `${client}=${token}`)
  return [...held, '|', ...view.value.waiters.map(({ client_id: client }) => client)].join(' ')
}

test('defect 1: the leader dies, and what it granted is held and waited for as before', async () => {
  const world = await LockWorld.start()
  const leader = await world.leader()
  equal(await world.answer(acquire(leader, 'A', { ttl_ms: 0, wait_ms: 0 })), 'granted 1')
  for (const client of ['B', 'C']) equal(await world.answer(acquire(leader, client)), 'queued')
  world.crash(leader)
  const next = await world.leader()
  equal(await world.answer(acquire(next, 'D', { wait_ms: 0 })), 'lock_timeout')
  equal(await lockOf(world, next), 'A=1 | B C')
})

test('defect 1: every node dies, and what was granted is held and waited for as before', async () => {
  const world = await LockWorld.start()
  const at = await world.follower()
  equal(await world.answer(acquire(at, 'A', { ttl_ms: 0, wait_ms: 0 })), 'granted 1')
  for (const client of ['B', 'C']) equal(await world.answer(acquire(at, client)), 'queued')
  for (const node of world.nodes) world.crash(node)
  for (const node of world.nodes) world.restart(node)
  const next = await world.leader()
  equal(await lockOf(world, next), 'A=1 | B C')
  await world.answer(next.server.locks.release({ resource_id: 'r', client_id: 'A', fencing_token: 1 }, new TestCall()))
  equal(await lockOf(world, next), 'B=2 | C')
})

test('defect 6: a leader that is cut off grants nothing, while the others elect one that does', async () => {
  const world = await LockWorld.start()
  const old = await world.leader()
  world.cutOff(old)
  // Those that its clients ask for before it knows, and later.
  const answers: Promise<string>[] = []
  for (let round = 0; round < 20; round++) {
    answers.push(acquire(old, `old${round}`, { wait_ms: 0 }))
    await world.run(100)
  }
  await world.until('another leads', () => world.nodes.some((node) => node !== old && node.node.leadership(1) !== null))
  const other = world.nodes.find((node) => node !== old && node.node.leadership(1) !== null)
  ok(other !== undefined)
  equal(await world.answer(acquire(other, 'B', { ttl_ms: 0, wait_ms: 0 })), 'granted 1')
  await world.run(8_000)
  world.network.heal()
  const told = await world.answer(Promise.all(answers))
  deepEqual(
    told.filter((answer) => answer.startsWith('granted')),
    [],
  )
  equal(await lockOf(world, old), 'B=1 |')
})
