import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { CacheSdkWorld } from '#test/harness/cache-sdk-world.ts'
import type { Entry } from './cache.ts'

/** Two applications, each an agent of its own. */
async function pair<T = unknown>() {
  const world = await CacheSdkWorld.start()
  const [one, two] = [await world.client('one'), await world.client('two')]
  const [a, b] = [await world.cache<T>(one), await world.cache<T>(two)]
  return { world, one, two, a, b, answer: <R>(promise: Promise<R>) => world.world.answer(promise) }
}

test('what one application writes another reads, and a hit asks nobody', { timeout: 60_000 }, async () => {
  const { two, a, b, answer } = await pair()
  equal(await answer(a.get('k')), undefined)
  await answer(a.set('k', { n: 1 }))
  deepEqual(await answer(b.get('k')), { n: 1 })
  const sent = two.sent.length
  deepEqual(b.getSync('k'), { n: 1 })
  deepEqual(await b.get('k'), { n: 1 })
  equal(two.sent.length, sent)
  await answer(b.set('k', { n: 2 }))
  equal(a.getSync('k'), undefined)
  equal(a.peek('k'), undefined)
  deepEqual(await answer(a.get('k')), { n: 2 })
  ok(a.statistics().snoops > 0)
})

test(
  'a value is read byte for byte as it was sent, is frozen, and does not follow what its writer does with it later',
  { timeout: 60_000 },
  async () => {
    const { world, a, b, answer } = await pair()
    const sent = '{"b": 1.0, "a":[{"c":"\u00e9"}]}'
    await answer(world.world.get('n1').server.cache.write({ key: 'k', value: Buffer.from(sent) as never }))
    const entry = await answer(a.read('k'))
    equal(Buffer.from(entry.body ?? []).toString(), sent)
    deepEqual(entry.value, { b: 1, a: [{ c: 'é' }] })
    throws(() => (((entry.value as { a: { c: string }[] }).a[0] as { c: string }).c = 'x'), TypeError)
    equal(a.getSync('k'), entry.value)
    const given = { n: 1 }
    await answer(a.set('own', given))
    ok(a.setSync('own', given))
    given.n = 2
    deepEqual([a.getSync('own'), await answer(b.get('own'))], [{ n: 1 }, { n: 1 }])
    await answer(a.set('own', { n: 3 }))
    ok(a.setSync('own', { n: 4 }))
    deepEqual([a.getSync('own'), await answer(b.get('own'))], [{ n: 4 }, { n: 4 }])
    await answer(a.set('null', null))
    deepEqual([await answer(b.get('null')), b.peek('null')?.found], [null, true])
  },
)

test('what is known to be absent is told from what is not known', { timeout: 60_000 }, async () => {
  const { a, answer } = await pair()
  deepEqual([a.getSync('k'), a.peek('k')], [undefined, undefined])
  equal(await answer(a.get('k')), undefined)
  deepEqual([a.peek('k')?.found, a.peek('k')?.state], [false, 'E'])
  await answer(a.set('k', 1))
  await answer(a.delete('k'))
  equal((await answer(a.read('k'))).found, false)
})

test('increment and compareAndSet see every change once, by whichever application', { timeout: 60_000 }, async () => {
  const { world, a, b, answer } = await pair<number>()
  const sums = await answer(Promise.all(Array.from({ length: 40 }, (_, at) => (at % 2 === 0 ? a : b).increment('n'))))
  deepEqual(
    sums.toSorted((left, right) => left - right),
    Array.from({ length: 40 }, (_, at) => at + 1),
  )
  const { version } = await answer(a.read('n'))
  deepEqual(
    [(await answer(b.compareAndSet('n', version, 100))).swapped, (await answer(a.compareAndSet('n', version, 200))).swapped],
    [true, false],
  )
  deepEqual(
    [(await answer(a.compareAndSet('new', null, 1))).swapped, (await answer(b.compareAndSet('new', null, 2))).swapped],
    [true, false],
  )
  deepEqual([await answer(b.get('n')), await answer(b.get('new'))], [100, 1])
  await answer(a.set('text', 'x' as never))
  equal(await world.refusal(a.increment('text')), 'not_a_number')
})

test('decision C10: of many processes one loads, and a write in between takes the token', { timeout: 60_000 }, async () => {
  const { a, b, answer } = await pair<string>()
  let loads = 0
  const load = (): Promise<string> => Promise.resolve(`loaded ${++loads}`)
  deepEqual(await answer(Promise.all([a.getOrSet('k', load), a.getOrSet('k', load), b.getOrSet('k', load)])), [
    'loaded 1',
    'loaded 1',
    'loaded 1',
  ])
  const slow = Promise.withResolvers<string>()
  const loading = a.getOrSet('other', () => slow.promise)
  await answer(b.set('other', 'written'))
  slow.resolve('older')
  equal(await answer(loading), 'older')
  deepEqual([await answer(a.get('other')), await answer(b.get('other'))], ['written', 'written'])
})

test('a loader that throws, or finds nothing, leaves the next one free to load at once', { timeout: 60_000 }, async () => {
  const { world, a, b, answer } = await pair<string>()
  const broken = a.getOrSet('k', () => Promise.reject(new Error('no database')))
  const waiting = b.getOrSet('k', () => 'second')
  equal(await answer(broken.catch((error: unknown) => String(error))), 'Error: no database')
  const before = world.world.scheduler.now
  equal(await answer(waiting), 'second')
  ok(world.world.scheduler.now - before < 1_000, 'no token has to run out')
  equal(await answer(a.getOrSet('none', () => undefined)), undefined)
  equal(await answer(b.getOrSet('none', () => 'there')), 'there')
})

test('a namespace has keys of its own, and is cleared for everybody at once', { timeout: 60_000 }, async () => {
  const { a, b, answer } = await pair<number>()
  const [ours, theirs] = [a.namespace('users'), b.namespace('users')]
  const keys = Array.from({ length: 20 }, (_, at) => `k${at}`)
  ok((await answer(ours.setMany(keys.map((key, at) => [key, at])))).every((result) => result.ok))
  await answer(a.set('k1', 7))
  equal((await answer(theirs.getMany(keys))).size, 20)
  await answer(theirs.clear())
  deepEqual([ours.getSync('k1'), await answer(ours.getMany(keys))], [undefined, new Map()])
  equal(await answer(b.get('k1')), 7)
  await answer(ours.set('k1', 9))
  equal(await answer(theirs.get('k1')), 9)
})

test('decision C8: what one handle wrote at the level owner another sees when memory has it', { timeout: 60_000 }, async () => {
  const { world, a, b, answer } = await pair<number>()
  await answer(a.set('k', 0))
  ok(a.setSync('k', 1))
  equal(a.statistics().owed, 1)
  const handle = a.namespace('')
  deepEqual([a.getSync('k'), handle.getSync('k')], [1, undefined])
  equal(await answer(handle.get('k')), 1)
  equal(a.statistics().owed, 0)
  deepEqual(await answer(a.set('k', 2, { ack: 'owner' })), { version: a.peek('k')?.version })
  equal(await answer(b.get('k')), 2)
  equal(a.setSync('k', 3), false, 'b has a copy')
  await answer(a.set('k', 4, { ack: 'owner' }))
  ok(a.setSync('k', 5))
  await world.world.run(200)
  equal(a.statistics().owed, 0)
})

test('a watch tells what there is and each change, also those of its own process', { timeout: 60_000 }, async () => {
  const { a, b, answer } = await pair<number>()
  const end = new AbortController()
  const watching = a.watch('k', { signal: end.signal })
  const next = async (): Promise<Entry<number> | undefined> => {
    const { value, done } = await answer(watching.next())
    return done === true ? undefined : value
  }
  equal((await next())?.found, false)
  await answer(b.set('k', 1))
  equal((await next())?.value, 1)
  await answer(a.set('k', 2))
  equal((await next())?.value, 2)
  await answer(b.delete('k'))
  equal((await next())?.found, false)
  end.abort()
  equal(await next(), undefined)
})

test('a value ends with its life', { timeout: 60_000 }, async () => {
  const { world, a, b, answer } = await pair<number>()
  await answer(a.set('k', 1, { ttlMs: 2_000 }))
  equal(await answer(b.get('k')), 1)
  await world.world.run(2_500)
  deepEqual([a.getSync('k'), b.getSync('k')], [undefined, undefined])
  equal(await answer(b.get('k')), undefined)
})

test('a call ends with its time, its signal, or the cache', { timeout: 60_000 }, async () => {
  const { world, one, a, answer } = await pair<number>()
  for (const { name } of world.world.nodes) world.unreachable.add(name)
  equal(await world.refusal(a.get('far', { timeoutMs: 300 })), 'timeout')
  equal(await world.refusal(a.set('far', 1, { timeoutMs: 300 })), 'timeout')
  const end = new AbortController()
  const aborted = world.refusal(a.get('far', { signal: end.signal }))
  end.abort()
  equal(await aborted, 'aborted')
  equal(await world.refusal(a.get('far', { signal: end.signal })), 'aborted')
  const open = world.refusal(a.get('far'))
  await answer(a.close())
  deepEqual([await open, await world.refusal(a.get('far')), await world.refusal(a.set('far', 1))], ['closed', 'closed', 'closed'])
  await answer(one.sdk.close())
  equal(await world.refusal(one.sdk.cache()), 'closed')
})

test('a client that reaches no node says so, and one that is closed leaves nothing behind', { timeout: 60_000 }, async () => {
  const { world, one, two, a, answer } = await pair()
  const making = world.refusal(two.sdk.cache())
  await answer(two.sdk.close())
  equal(await making, 'closed')
  for (const { name } of world.world.nodes) world.unreachable.add(name)
  equal(await world.refusal(one.sdk.cache()), 'connection_failed')
  world.unreachable.clear()
  await answer(a.close())
  await answer(one.sdk.close())
  await world.world.run(2_000)
  equal(world.links, 0)
  equal(one.clock.owed + two.clock.owed, 0)
})

test('what is no JSON, no key and no option is refused', { timeout: 60_000 }, async () => {
  const { world, one, a } = await pair()
  const loop: { self?: unknown } = {}
  loop.self = loop
  const refused: readonly [string, () => Promise<unknown>][] = [
    ['invalid_request', () => a.set('k', undefined)],
    ['invalid_request', () => a.set('k', loop)],
    ['invalid_request', () => a.set('k', 1n)],
    ['value_too_large', () => a.set('k', 'x'.repeat(1_048_577))],
    ['value_too_large', () => a.set('k', 'é'.repeat(600_000))],
    ['invalid_request', () => a.set('', 1)],
    ['invalid_request', () => a.get('k'.repeat(1_025))],
    ['invalid_request', () => a.get('a\u0000b')],
    ['invalid_request', () => a.get('\u{1F600}'.slice(0, 1))],
    ['invalid_request', () => one.sdk.cache({ namespace: '\u{1F600}'.slice(1) })],
    ['invalid_request', () => a.set('k', 1, { ttlMs: 0 })],
    ['invalid_request', () => a.set('k', 1, { ack: 'all' as never })],
    ['invalid_request', () => a.increment('k', 0.5)],
    ['invalid_request', () => a.compareAndSet('k', 'yesterday', 1)],
    ['invalid_request', () => a.get('k', { timeoutMs: 0 })],
    ['invalid_request', () => one.sdk.cache({ bytesMax: 10 })],
    ['invalid_request', () => one.sdk.cache({ namespace: 'n'.repeat(300) })],
  ]
  for (const [code, call] of refused) equal(await world.refusal(call()), code)
})
