import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { CacheSdkWorld } from '#test/harness/cache-sdk-world.ts'

/** Two applications, each an agent of its own. */
async function pair() {
  const world = await CacheSdkWorld.start()
  const [one, two] = [await world.client('one'), await world.client('two')]
  const [a, b] = [await world.cache<string>(one), await world.cache<string>(two)]
  return { world, one, a, b, answer: <R>(promise: Promise<R>) => world.world.answer(promise) }
}

test('who joins a load is given nothing that is older than its call', { timeout: 60_000 }, async () => {
  const { world, a, b, answer } = await pair()
  const older = Promise.withResolvers<string>()
  const began = Promise.withResolvers<void>()
  const first = a.getOrSet('k', () => {
    began.resolve()
    return older.promise
  })
  await answer(began.promise)
  await answer(b.set('k', 'written'))
  const joined = a.getOrSet('k', () => 'never loaded')
  await world.world.run(100)
  older.resolve('older')
  equal(await answer(first), 'older')
  equal(await answer(joined), 'written')
})

test('those who waited for a load that came to nothing load once, together', { timeout: 60_000 }, async () => {
  const { a, answer } = await pair()
  const nothing = Promise.withResolvers<string | undefined>()
  const first = a.getOrSet('k', () => nothing.promise)
  let loads = 0
  const waiting = Array.from({ length: 5 }, () =>
    a.getOrSet('k', () => {
      loads++
      return undefined
    }),
  )
  nothing.resolve(undefined)
  equal(await answer(first), undefined)
  equal((await answer(Promise.all(waiting))).length, 5)
  equal(loads, 1)
})

test('who waits for the loader of another program reads and writes the key meanwhile', { timeout: 60_000 }, async () => {
  const { world, a, b, answer } = await pair()
  const slow = Promise.withResolvers<string>()
  const began = Promise.withResolvers<void>()
  const loading = a.getOrSet('k', () => {
    began.resolve()
    return slow.promise
  })
  await answer(began.promise)
  const waiting = b.getOrSet('k', () => 'never loaded')
  await world.world.run(100)
  const before = world.world.scheduler.now
  equal(await answer(b.get('k')), undefined)
  await answer(b.set('k', 'written'))
  ok(world.world.scheduler.now - before < 1_000, 'nobody waits for the loader')
  equal(await answer(waiting), 'written')
  slow.resolve('older')
  equal(await answer(loading), 'older')
  equal(await answer(a.get('k')), 'written')
})

test('a load that never ends is forgotten after the time of its token', { timeout: 60_000 }, async () => {
  const { world, one, a, answer } = await pair()
  const never = new Promise<string>(() => undefined)
  const hung = world.refusal(a.getOrSet('k', () => never, { timeoutMs: 1_000 }))
  equal(await hung, 'timeout')
  await world.world.run(5_000)
  equal(await answer(a.getOrSet('k', () => 'there')), 'there')
  const again = world.refusal(a.getOrSet('other', () => never))
  await answer(a.close())
  equal(await again, 'closed')
  await answer(one.sdk.close())
  await world.world.run(1_000)
  equal(one.clock.owed, 0)
})

test('who has loaded what could not be stored leaves the next one free to load at once', { timeout: 60_000 }, async () => {
  const { world, a, b, answer } = await pair()
  const { version } = await answer(a.set('other', 'x'))
  const slow = Promise.withResolvers<void>()
  const began = Promise.withResolvers<void>()
  let changes: Promise<{ swapped: boolean }>[] = []
  const loading = a.getOrSet('k', async () => {
    began.resolve()
    await slow.promise
    // What is to be stored travels behind the second of them, and so is not the first of its message.
    changes = [1, 2].map(() => a.compareAndSet('k', version, 'y'))
    return 'loaded'
  })
  await answer(began.promise)
  const waiting = b.getOrSet('k', () => 'second')
  await world.world.run(100)
  const before = world.world.scheduler.now
  slow.resolve()
  equal(await answer(loading), 'loaded')
  equal((await answer(Promise.all(changes))).filter(({ swapped }) => swapped).length, 0)
  equal(await answer(waiting), 'second')
  ok(world.world.scheduler.now - before < 1_000, 'no token has to run out')
})

test('who joins what another call loads waits for as long as it said, and not for as long as that call', { timeout: 60_000 }, async () => {
  const { a, b, answer } = await pair()
  const codeOf = (loading: Promise<unknown>): Promise<string> => loading.then(String, (error: { readonly code: string }) => error.code)
  const hung = codeOf(a.getOrSet('k', () => new Promise<string>(() => {}), { timeoutMs: 1_000 }))
  const first = codeOf(b.getOrSet('k', () => 'of the first', { timeoutMs: 2_000 }))
  const second = codeOf(b.getOrSet('k', () => 'of the second', { timeoutMs: 30_000 }))
  deepEqual(await answer(Promise.all([hung, first, second])), ['timeout', 'timeout', 'of the second'])
})

test('a load is waited for as long as its caller said, also where that is longer than other calls take', { timeout: 60_000 }, async () => {
  const { world, a, b, answer } = await pair()
  const slow = a.getOrSet('k', () => new Promise((resolve) => void world.world.scheduler.after(8_000, () => resolve('slow'))), {
    timeoutMs: 30_000,
  })
  const waiting = b.getOrSet('k', () => new Promise((resolve) => void world.world.scheduler.after(8_000, () => resolve('own'))), {
    timeoutMs: 30_000,
  })
  deepEqual(await answer(Promise.all([slow, waiting])), ['slow', 'own'])
})

test('loads that gave up before any home could be asked leave nothing behind', { timeout: 60_000 }, async () => {
  const { world, a, b, one, answer } = await pair()
  for (const { name } of world.world.nodes) {
    world.unreachable.add(name)
    world.cut(name)
  }
  const keys = Array.from({ length: 50 }, (_, at) => `key ${at}`)
  const codeOf = (loading: Promise<unknown>): Promise<string> => loading.then(String, (error: { readonly code: string }) => error.code)
  const given = await answer(Promise.all(keys.map((key) => codeOf(a.getOrSet(key, () => 'late', { timeoutMs: 1_000 })))))
  deepEqual(new Set(given), new Set(['timeout']))
  one.sent.length = 0
  world.unreachable.clear()
  await world.world.run(3_000)
  const before = world.world.scheduler.now
  equal(await answer(a.getOrSet('key 7', () => 'loaded')), 'loaded')
  ok(world.world.scheduler.now - before < 1_000, 'nobody has a token that is not used')
  equal(await answer(b.get('key 7')), 'loaded')
  ok(one.sent.length < keys.length, `${one.sent.length} messages`)
})
