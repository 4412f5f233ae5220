import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { present } from '#base/assert.ts'
import { Memory } from '#core/cache/memory.ts'
import { cacheKey, handle, slotId } from '#core/cache/types.ts'
import { slotOf } from '#core/ring/partition.ts'
import type { CacheClient } from '#test/harness/cache-world.ts'
import { CacheWorld } from '#test/harness/cache-world.ts'
import { TestCall } from '#test/harness/service-world.ts'
import { faultless } from '#test/harness/runtime-world.ts'

/** Keys of one slot, so that one home is concerned. */
const key = 'k'

/** What a node answers without asking anybody; undefined is nothing. */
const hitAt = ({ server }: CacheClient, slot: number) =>
  server.bus.agent.getSync({ slot: slotId(slot), key: cacheKey(key), handle: handle(0) })

interface Cast {
  readonly world: CacheWorld
  readonly slot: number
  readonly home: CacheClient
  readonly others: readonly [CacheClient, CacheClient]
}

async function cast(): Promise<Cast> {
  const world = await CacheWorld.start()
  const slot = slotOf(key, 0, world.slots)
  const { name } = await world.leaderOf(slot)
  const [one, two] = world.nodes.map((node) => node.name).filter((other) => other !== name)
  return { world, slot, home: world.client(name), others: [world.client(one ?? ''), world.client(two ?? '')] }
}

/** The home hands its leadership over, and it is told who is to have it. */
function handOver({ world, slot, home }: Cast, to: CacheClient): void {
  const group = present(world.get(home.name).node.host?.groups.get(slot), 'the home has a replica')
  const replica = group.raft.membership.voters.find((voter) => voter.startsWith(`${to.name}/`))
  group.step({ type: 'transfer', to: present(replica, 'who is to have it votes') })
  equal(group.raft.leaseUntil, -Infinity, 'the lease is forfeited')
}

test('decision C2: hosted: what a node has written at the level owner goes to the next home before that opens', async () => {
  const all = await cast()
  const { world, slot, others } = all
  const [owner, heir] = others
  equal(await owner.write(key, 1), 'M 0')
  equal(await owner.write(key, 2, { ack: 'owner' }), 'M 0')
  handOver(all, heir)
  await world.until('the other leads', () => world.get(heir.name).node.leadership(slot) !== null)
  equal((await heir.read(key)).slice(0, 1), '2')
  deepEqual([owner.server.report().counters.write_backs, owner.server.report().counters.lost], [0, 0])
})

test('what a node has written at the level owner is in memory when it has settled, and it settles though nobody listens', async () => {
  const { world, home, others } = await cast()
  const [owner, reader] = others
  const { server } = owner
  const owedWhenSettled = (): Promise<number> =>
    world.answer(
      server.settle().then(() => server.bus.agent.owed),
      600,
    )
  equal(await owner.write(key, 1), 'M 0')
  equal(await owner.write(key, 2, { ack: 'owner' }), 'M 0')
  // No answer comes in the step in which it is asked for.
  world.network.setOptions({ ...faultless, delayMinMs: 10, delayMeanMs: 10 })
  deepEqual([server.bus.agent.owed, await owedWhenSettled()], [1, 0])
  equal(await owner.write(key, 3, { ack: 'owner' }), 'M 0')
  world.network.cut(owner.name, home.name)
  equal(await owedWhenSettled(), 1)
  world.crash(world.get(owner.name))
  equal((await reader.read(key)).slice(0, 1), '2')
})

test('decision C3: hosted: a new home opens at once though the agent of the node that was home before is silent', async () => {
  const { world, slot, home, others } = await cast()
  const [writer] = others
  equal(await home.write(key, 1), 'M 0')
  equal((await writer.read(key)).slice(0, 1), '1')
  world.crash(world.get(home.name))
  const next = await world.leaderOf(slot)
  await world.run(100)
  const opened = present(next.server.bus.homes.homeOf(slotId(slot)), 'who leads is home')
  equal(opened.state.phase, 'open')
  deepEqual(
    [...opened.state.sessions.values()].filter(({ agent, standing }) => agent.startsWith(`${home.name}/`) && standing !== 'closing'),
    [],
  )
  equal((await writer.read(key)).slice(0, 1), '1')
})

test('decision C3: hosted: who hands leadership over has no line of its own any more at that very moment', async () => {
  const all = await cast()
  const { world, slot, home, others } = all
  equal(await home.write(key, 1), 'M 0')
  equal(await home.read(key), '1 M hit')
  handOver(all, others[0])
  const asked = hitAt(home, slot)
  equal(asked, undefined, 'the line is of no use')
  await world.until('the other leads', () => world.get(others[0].name).node.leadership(slot) !== null)
  equal((await others[1].write(key, 2)).slice(0, 1), 'M')
  equal((await home.read(key)).slice(0, 1), '2')
})

test('decision C3: hosted: what the agent beside a home has written at the level owner is in memory before leadership is handed over as the table says', async () => {
  const { world, slot, home, others } = await cast()
  const [heir, reader] = others
  equal(await home.write(key, 1), 'M 0')
  const { operators } = world.get(home.name).server.nodeApi
  ok((await world.answer(operators.transfer({ slot, to: heir.name }, new TestCall()))).ok)
  let written = 1
  const leads = (): boolean => world.get(heir.name).node.leadership(slot) !== null
  for (let next = 2; !leads(); next++) {
    if ((await home.write(key, next, { ack: 'owner' })).startsWith('M')) written = next
    await world.run(2)
  }
  ok(written > 2, 'something was written meanwhile')
  // The last one may have been carried out with its answer lost.
  ok(Number.parseInt(await reader.read(key), 10) >= written)
  equal(home.server.report().counters.lost, 0)
})

test('decision C4: hosted: who cannot reach the home uses no line of its slot beyond the lease, whatever else it can reach', async () => {
  const { world, slot, home, others } = await cast()
  const [alone, writer] = others
  equal(await home.write(key, 1), 'M 0')
  equal((await alone.read(key)).slice(0, 1), '1')
  // It still reaches the other node, which leads other slots.
  world.network.cut(alone.name, home.name)
  world.network.cut(home.name, alone.name)
  const before = world.scheduler.now
  const written = writer.writing(key, 2)
  let stale = 0
  let isWritten = false
  void written.then(() => (isWritten = true))
  await world.until('the write is answered', () => {
    if (isWritten && hitAt(alone, slot) !== undefined) stale++
    return isWritten
  })
  equal((await written).slice(0, 1), 'M')
  ok(world.scheduler.now - before > 500, 'it had to wait for the lease')
  await world.run(50)
  equal(hitAt(alone, slot), undefined)
  equal(stale, 0)
})

test('decision C6: hosted: a change that is sent again under its id is carried out once, though its home died', async () => {
  const { world, home, others } = await cast()
  const [one, two] = others
  equal(await one.increment(key, { by: 5, operation_id: 'op' }), '5')
  world.crash(world.get(home.name))
  equal(await two.increment(key, { by: 5, operation_id: 'op' }), '5')
  equal(await one.increment(key, { by: 5, operation_id: 'other' }), '10')
  equal(await two.increment(key, { by: 5, operation_id: 'never seen', retry: true }), 'unknown')
  equal((await two.read(key)).slice(0, 2), '10')
})

test('decision C6: hosted: a change under an id whose home dies in the middle of it is done once within the same call', async () => {
  const { world, home, others } = await cast()
  const [one] = others
  equal(await one.increment(key), '1')
  const answers = Array.from({ length: 8 }, (_, at) => one.incrementing(key, { operation_id: `op${at}` }))
  await world.run(1)
  world.crash(world.get(home.name))
  const sums = await world.answer(Promise.all(answers))
  deepEqual(
    sums.toSorted((left, right) => Number(left) - Number(right)),
    ['2', '3', '4', '5', '6', '7', '8', '9'],
  )
})

test('decision C8: hosted: what a node has answered to anybody is in memory, also what was written at the level owner', async () => {
  const { world, home, others } = await cast()
  const [writer, reader] = others
  equal(await writer.write(key, 1), 'M 0')
  equal(await writer.write(key, 2, { ack: 'owner' }), 'M 0')
  equal((await writer.read(key)).slice(0, 1), '2')
  world.crash(world.get(writer.name))
  equal((await reader.read(key)).slice(0, 1), '2')
  equal((await home.read(key)).slice(0, 1), '2')
})

test('decision C13: hosted: a node that stands still blocks a writer only until its lease is over, and is told nothing stale afterwards', async () => {
  const { world, slot, home, others } = await cast()
  const [frozen, writer] = others
  equal(await writer.write(key, 1), 'M 0')
  equal((await frozen.read(key)).slice(0, 1), '1')
  const { machine } = world.get(frozen.name)
  machine.pause()
  // What it had asked for is on its way.
  await world.run(50)
  const { sessions } = present(home.server.bus.homes.homeOf(slotId(slot)), 'the home leads').state
  const session = [...sessions.values()].find(({ agent }) => agent.startsWith(`${frozen.name}/`))
  const leftMs =
    present(session, 'it has a session').until - present(world.get(home.name).node.leadership(slot), 'the home leads').machineTime
  const before = world.scheduler.now
  equal((await writer.write(key, 2)).slice(0, 1), 'M')
  const lateMs = world.scheduler.now - before - leftMs
  // The home looks every 25 ms; then the close and the write go into the log, one after the other, and this test looks every 5 ms.
  ok(leftMs > 300 && lateMs >= 0 && lateMs < 50, `${leftMs} ms and ${lateMs} ms`)
  machine.resume()
  equal((await frozen.read(key)).slice(0, 1), '2')
})

test('decision C11: hosted: memory makes room by commands in the log, the same on every replica', async () => {
  const world = await CacheWorld.start({ slots: 1, limits: { memoryBytesMax: 2_000 } })
  const [a] = ['n1', 'n2', 'n3'].map((name) => world.client(name)) as [CacheClient, CacheClient, CacheClient]
  for (let at = 0; at < 30; at++) equal((await a.write(`key${at}`, 'x'.repeat(100))).slice(0, 1), 'M')
  await world.run(2_000)
  const home = await world.leaderOf(1)
  const { memory } = present(home.server.bus.homes.homeOf(slotId(1)), 'there is a home').state
  ok(memory.bytes <= 2_000, `${memory.bytes}`)
  ok(memory.records.size > 5)
  const replicas = world.nodes.map(({ node }) => {
    const { machine } = present(node.host?.groups.get(1), 'each node has a replica').applier.machine
    return Buffer.concat([...machine.snapshot()]).toString('hex')
  })
  equal(replicas.length, 3)
  for (const replica of replicas) ok(replica === replicas[0], 'every replica has the same')
  const restored = new Memory()
  equal(restored.restore(Buffer.from(replicas[0] ?? '', 'hex')), null)
  deepEqual([...restored.state.records.keys()], [...memory.records.keys()])
  equal((await a.read('key0')).slice(0, 6), 'absent')
})

test('everything that was answered is there after all nodes have died, and so it is from a snapshot', async () => {
  const world = await CacheWorld.start({ compaction: { bytes: 4_000, entries: 50, keepEntries: 5 } })
  const [a, b] = [world.client('n1'), world.client('n2')]
  for (let at = 0; at < 100; at++) equal((await a.write(`key${at}`, at)).slice(0, 1), 'M')
  equal(await b.increment('sum', { by: 7 }), '7')
  for (const node of world.nodes) world.crash(node)
  await world.run(500)
  for (const node of world.nodes) world.restart(node)
  for (let slot = 1; slot <= world.slots; slot++) await world.leaderOf(slot)
  for (let at = 0; at < 100; at += 9) equal((await world.client('n3').read(`key${at}`)).replace(/ .*/, ''), String(at))
  equal(await world.client('n1').increment('sum'), '8')
})

test('rule 12: hosted: a change without an id gets one of its node: whose answer is lost is asked for again, and carried out once', async () => {
  const { world, home, others } = await cast()
  const [one, two] = others
  equal(await two.increment(key), '1')
  equal((await one.read(key)).slice(0, 1), '1')
  // What it asks arrives, and no answer comes back before its lease is over.
  world.network.cut(home.name, one.name)
  const asked = one.incrementing(key)
  await world.run(2_000)
  world.network.healLink(home.name, one.name)
  equal(await world.answer(asked), '2')
  equal((await two.read(key)).slice(0, 1), '2')
})

test('what became of a change is waited for beyond the time in which a call is answered', async () => {
  const { world, home, others } = await cast()
  const [one, two] = others
  equal((await one.read(key)).slice(0, 1), 'a')
  world.network.cut(home.name, one.name)
  const asked = one.incrementing(key)
  await world.run(6_000)
  world.network.healLink(home.name, one.name)
  equal(await world.answer(asked), '1')
  equal((await two.read(key)).slice(0, 1), '1')
})

test('a change that was asked for again in vain may have been carried out, and is told as that', async () => {
  const { world, home, others } = await cast()
  const [one, two] = others
  equal((await one.read(key)).slice(0, 1), 'a')
  world.network.cut(home.name, one.name)
  const asked = one.incrementing(key)
  await world.run(9_000)
  equal(await world.answer(asked), 'unknown')
  equal((await two.read(key)).slice(0, 1), '1')
})

test('where no more ids are remembered, a change without one is carried out all the same', async () => {
  const world = await CacheWorld.start({ limits: { clientsMax: 1 } })
  const one = world.client('n1')
  equal(await one.increment(key, { operation_id: 'a' }), '1')
  equal(await one.increment(key, { operation_id: 'b' }), 'too_many_operations')
  equal(await one.increment(key), '2')
  equal((await one.write(key, 5)).slice(0, 1), 'M')
})
