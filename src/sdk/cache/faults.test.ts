import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { isApplicationAgent } from '#core/cache/application.ts'
import { cacheLimits } from '#core/cache/limits.ts'
import { slotOf } from '#core/ring/partition.ts'
import type { WorldClient } from '#test/harness/cache-sdk-world.ts'
import { CacheSdkWorld } from '#test/harness/cache-sdk-world.ts'
import type { Cache } from './cache.ts'

const { leaseMs, lingerMs, marginMs } = cacheLimits

interface Pair {
  readonly world: CacheSdkWorld
  readonly one: WorldClient
  readonly two: WorldClient
  readonly a: Cache<number>
  readonly b: Cache<number>
  readonly answer: <R>(promise: Promise<R>) => Promise<R>
  /** How long a call takes. */
  readonly takes: (promise: Promise<unknown>) => Promise<number>
}

async function pair(): Promise<Pair> {
  const world = await CacheSdkWorld.start()
  const [one, two] = [await world.client('one'), await world.client('two')]
  const [a, b] = [await world.cache<number>(one), await world.cache<number>(two)]
  const answer = <R>(promise: Promise<R>): Promise<R> => world.world.answer(promise)
  const takes = async (promise: Promise<unknown>): Promise<number> => {
    const before = world.world.scheduler.now
    await answer(promise)
    return world.world.scheduler.now - before
  }
  return { world, one, two, a, b, answer, takes }
}

test(
  'an application that is stopped holds up a writer for one lease, and tells nothing stale when it wakes',
  { timeout: 60_000 },
  async () => {
    const { one, a, b, answer, takes } = await pair()
    await answer(a.set('k', 1))
    await answer(b.set('k', 2))
    await answer(a.get('k'))
    one.machine.pause()
    const waited = await takes(b.set('k', 3))
    ok(waited > 300 && waited <= leaseMs + 2 * marginMs, `${waited} ms`)
    one.machine.resume()
    equal(a.getSync('k'), undefined)
    equal(await answer(a.get('k')), 3)
  },
)

test('rule 8: every hit reads the clock, also one that follows another in the same turn', { timeout: 60_000 }, async () => {
  const { one, a, answer } = await pair()
  await answer(a.set('k', 1))
  equal(a.getSync('k'), 1)
  one.leaseClock.stoppedMs = leaseMs
  deepEqual([a.getSync('k'), a.peek('k'), a.setSync('k', 2)], [undefined, undefined, false])
})

test('what was owed by an application that was stopped for too long is lost, and counted', { timeout: 60_000 }, async () => {
  const { world, one, a, b, answer } = await pair()
  await answer(a.set('k', 1))
  ok(a.setSync('k', 2))
  one.machine.pause()
  equal(await answer(b.get('k')), 1)
  one.machine.resume()
  equal(await answer(a.get('k')), 1)
  await world.world.run(100)
  equal(a.statistics().lost, 1)
})

test('an application that is closed has told memory all, and nobody waits for its lease', { timeout: 60_000 }, async () => {
  const { world, a, b, answer, takes } = await pair()
  const keys = Array.from({ length: 30 }, (_, at) => `k${at}`)
  await answer(a.setMany(keys.map((key) => [key, 0])))
  ok(keys.every((key, at) => a.setSync(key, at)))
  await answer(a.close())
  deepEqual([a.statistics().owed, a.statistics().lost, a.getSync('k1'), a.setSync('k1', 5)], [0, 0, undefined, false])
  deepEqual(
    [...(await answer(b.getMany(keys))).values()],
    keys.map((_, at) => at),
  )
  ok((await takes(b.set('k1', 7))) < 300)
  const sessionsIn = ({ server }: (typeof world.world.nodes)[number]): number =>
    [...server.bus.homes.slots]
      .flatMap((slot) => [...(server.bus.homes.homeOf(slot)?.state.memory.sessions.values() ?? [])])
      .filter(({ agent }) => isApplicationAgent(agent)).length
  const open = world.world.nodes.reduce((sum, node) => sum + sessionsIn(node), 0)
  equal(open, world.world.slots, 'those of b')
})

test('when a link breaks the lines stay, and the next call goes another way', { timeout: 60_000 }, async () => {
  const { world, a, b, answer } = await pair()
  await answer(a.set('k', 1))
  for (const { name } of world.world.nodes) world.cut(name)
  equal(a.getSync('k'), 1)
  await answer(b.set('k', 2))
  equal(await answer(a.get('k')), 2)
})

test('a home that an application cannot reach itself is reached by way of another node', { timeout: 60_000 }, async () => {
  const { world, one, a, b, answer } = await pair()
  const home = await world.world.homeOf('k')
  world.unreachable.add(home.name)
  world.cut(home.name)
  await answer(a.set('k', 1))
  ok(one.sent.some(({ node }) => node !== home.name))
  equal(await answer(b.get('k')), 1)
  await world.world.run(2_000)
  equal(a.getSync('k'), 1, 'its lease is renewed that way too')
})

test('when the home dies what is owed goes to the next one, and nothing that was answered is lost', { timeout: 60_000 }, async () => {
  const { world, a, b, answer } = await pair()
  const home = await world.world.homeOf('k')
  const slot = slotOf('k', 0, world.world.slots)
  await answer(a.set('k', 1))
  ok(a.setSync('k', 2))
  world.crash(home.name)
  const sums = answer(Promise.all([1, 2, 3].map(() => b.increment('n'))))
  equal(await answer(b.get('k')), 2)
  deepEqual(
    (await sums).toSorted((left, right) => left - right),
    [1, 2, 3],
  )
  const next = await world.world.leaderOf(slot)
  ok(next.name !== home.name)
  equal(await answer(a.get('k')), 2)
  equal(a.statistics().lost, 0)
})

test('decision C6: a change whose answer is lost with the lease is carried out once', { timeout: 60_000 }, async () => {
  const { world, a, b, answer } = await pair()
  await answer(a.increment('n'))
  const before = a.statistics().lapses
  world.loses = ({ type }) => type === 'bus'
  const adding = a.increment('n')
  await world.world.run(leaseMs + lingerMs + 4 * marginMs)
  world.loses = () => false
  equal(await answer(adding), 2)
  ok(a.statistics().lapses > before)
  equal(await answer(b.get('n')), 2)
})

test('a watch goes on over a break and a new home', { timeout: 60_000 }, async () => {
  const { world, a, b, answer } = await pair()
  const watching = a.watch('k')
  equal((await answer(watching.next())).value?.found, false)
  world.crash((await world.world.homeOf('k')).name)
  const next = watching.next()
  await answer(b.set('k', 5))
  equal((await answer(next)).value?.value, 5)
  const over = watching.next()
  await answer(a.close())
  equal((await answer(over)).done, true)
})

test('what does not fit goes, and comes again', { timeout: 60_000 }, async () => {
  const { world, one, answer } = await pair()
  const cache = await world.cache<string>(one, { bytesMax: 65_536, linesMax: 50 })
  const keys = Array.from({ length: 80 }, (_, at) => `k${at}`)
  await answer(cache.setMany(keys.map((key) => [key, key])))
  ok(cache.statistics().lines <= 50 && cache.statistics().evictions >= 30)
  deepEqual([...(await answer(cache.getMany(keys))).keys()], keys)
})
