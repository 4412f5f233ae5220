import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LockstepError } from './errors.ts'
import { SdkWorld } from '#test/harness/sdk-world.ts'

/** 10 s, less a tenth, less 50 ms. */
const trustedMs = 8_950

test('decision L9: a lease is counted from when it was asked for, and its signal aborts before the service can grant the lock again', async () => {
  const world = new SdkWorld()
  const { sdk } = await world.client('a')
  const other = await world.client('b')
  const askedAt = world.scheduler.now
  const lock = await world.answer(sdk.lock('r'))
  const lost = Promise.withResolvers<number>()
  lock.signal.addEventListener('abort', () => lost.resolve(world.scheduler.now))
  const next = other.sdk.lock('r')
  world.loses = (message) => message.type === 'kept'
  const lostAt = await world.answer(lost.promise)
  assert.ok(Math.abs(lostAt - askedAt - trustedMs) <= 2, `lost ${lostAt - askedAt} ms after it was asked for`)
  assert.deepEqual([lock.isHeld(), lock.lost], [false, 'expired'])
  assert.equal(world.at('r').startsWith('a/1'), true, 'the service holds it still')
  assert.equal(await world.refusal(next), 'lease_expired')
  await world.answer(lock.release())
})

test('decision L1: the answer to a keep-alive counts from when that was sent, however late it comes', async () => {
  const world = new SdkWorld()
  const { sdk, sent } = await world.client()
  const lock = await world.answer(sdk.lock('r'))
  const keepAlives = (): number => sent.filter(({ type }) => type === 'keep-alive').length
  await world.until('a keep-alive is sent', () => keepAlives() === 1)
  const sentAt = world.scheduler.now
  world.delayMs = () => 2_000
  await world.run(3_000)
  world.loses = (message) => message.type === 'kept' && world.scheduler.now > sentAt + 2_100
  await world.until('the lease is over', () => !lock.isHeld())
  const lasted = world.scheduler.now - sentAt
  assert.ok(Math.abs(lasted - trustedMs) <= 2, `it lasted ${lasted} ms`)
})

test('one message keeps all sessions alive, every third of their time', async () => {
  const world = new SdkWorld()
  const { sdk, sent } = await world.client()
  const locks = await world.answer(Promise.all(Array.from({ length: 100 }, (_, at) => sdk.lock(`r${at}`))))
  const before = sent.length
  await world.run(60_000)
  assert.ok(locks.every((lock) => lock.isHeld()))
  assert.ok(sent.length - before >= 17 && sent.length - before <= 19, `${sent.length - before} messages in a minute`)
})

test('a process that was paused beyond its lease sees at once that it holds nothing, and its signal aborts in the first turn', async () => {
  const world = new SdkWorld()
  const { sdk, machine } = await world.client('a')
  const other = await world.client('b')
  const lock = await world.answer(sdk.lock('r'))
  const set = await world.answer(sdk.acquireMany([{ name: 's' }, { name: 't' }]))
  const { signal } = lock
  assert.equal(set.signal.aborted, false)
  machine.pause()
  const next = await world.answer(other.sdk.lock('r'))
  assert.equal(signal.aborted, false, 'it sleeps')
  assert.equal(set.signal.aborted, true, 'whoever asks looks at the clock')
  assert.equal(lock.isHeld(), false, 'whoever asks looks at the clock')
  assert.equal(signal.aborted, true)
  assert.ok(next.fencingToken > lock.fencingToken)
  machine.resume()
  assert.equal(lock.lost, 'expired')
  const again = sdk.lock('r', { ifAvailable: true })
  assert.equal(await world.answer(again), null)
})

test('a session that the service has ended is lost at once', async () => {
  const world = new SdkWorld()
  const { sdk } = await world.client()
  const lock = await world.answer(sdk.lock('r'))
  const waiting = world.refusal(sdk.lock('r'))
  await world.run(10)
  const [first, second] = world.log.flatMap((command) => (command.type === 'open-session' ? [command.session] : []))
  assert.ok(first !== undefined && second !== undefined)
  world.execute({ type: 'close-session', session: second })
  assert.equal(await waiting, 'session_lost')
  world.execute({ type: 'close-session', session: first })
  world.push({ type: 'session-ended', session: first })
  await world.run(5)
  assert.deepEqual([lock.isHeld(), lock.lost, lock.signal.aborted], [false, 'session-lost', true])
  const anew = await world.answer(sdk.lock('r'))
  assert.ok(anew.isHeld())
})

test('a lock that an operator takes away is lost, and its release does no harm', async () => {
  const world = new SdkWorld()
  const { sdk } = await world.client()
  const lock = await world.answer(sdk.lock('r'))
  const [session] = world.log.flatMap((command) => (command.type === 'open-session' ? [command.session] : []))
  assert.ok(session !== undefined)
  const [acquire] = world.log.flatMap((command) => (command.type === 'acquire' ? [command] : []))
  const resource = acquire?.items[0]?.resource
  assert.ok(resource !== undefined)
  world.execute({ type: 'force-release', resource, client: null })
  const other = await world.answer(sdk.lock('r'))
  await world.answer(lock.release())
  assert.equal(world.at('r'), `client/2:exclusive:${other.fencingToken} |`)
  world.execute({ type: 'force-release', resource, client: null })
  world.push({ type: 'forced', session: sessionOf(world, 1), resource, token: other.fencingToken as never })
  await world.run(5)
  assert.deepEqual([other.isHeld(), other.lost], [false, 'forced'])
})

test('a lock that was taken away while nobody could be told is lost when its owner asks for something about it', async () => {
  const world = new SdkWorld()
  const { sdk } = await world.client()
  const lock = await world.answer(sdk.lock('r'))
  const { signal } = lock
  const [acquire] = world.log.flatMap((command) => (command.type === 'acquire' ? [command] : []))
  const resource = acquire?.items[0]?.resource
  assert.ok(resource !== undefined)
  world.execute({ type: 'force-release', resource, client: null })
  assert.equal(await world.refusal(lock.downgrade()), 'forced')
  assert.deepEqual([lock.isHeld(), lock.lost, signal.aborted], [false, 'forced', true])
  await world.answer(lock.release())
})

function sessionOf(world: SdkWorld, at: number): never {
  const sessions = world.log.flatMap((command) => (command.type === 'open-session' ? [command.session] : []))
  return sessions[at] as never
}

test('decision L5: the signal of a wounded holder aborts and says so, while the lock is held; then all is released, and it may begin again', async () => {
  const world = new SdkWorld()
  const { sdk } = await world.client('a')
  const elder = (await world.client('b')).sdk.owner()
  world.execute({ type: 'configure', mode: 'wound-wait' })
  const first = await world.answer(elder.lock('first'))
  const owner = sdk.owner()
  const lock = await world.answer(owner.lock('r'))
  const { signal } = lock
  const next = elder.lock('r')
  await world.until('the signal aborts', () => signal.aborted, 5_000)
  assert.equal(signal.reason instanceof LockstepError && signal.reason.code, 'wounded')
  assert.deepEqual([lock.isHeld(), lock.lost, world.at('r').startsWith('a/')], [true, null, true])
  assert.equal(first.signal.aborted, false, 'who is older is told nothing')
  assert.equal(await world.refusal(owner.lock('free')), 'wounded')
  await world.answer(lock.release())
  assert.ok((await world.answer(next)).isHeld())
  assert.ok((await world.answer(owner.lock('free'))).isHeld())
  assert.equal(lock.lost, null)
})

test('decision L9: a session to which the service gives longer than was asked for is trusted for longer, from when it was asked for', async () => {
  const world = new SdkWorld()
  world.sessionTtlMsMin = 40_000
  const { sdk } = await world.client('a')
  const askedAt = world.scheduler.now
  const lock = await world.answer(sdk.lock('r'))
  world.loses = (message) => message.type === 'kept'
  await world.until('the lock is lost', () => lock.signal.aborted, 40_000)
  const lostMs = world.scheduler.now - askedAt
  assert.ok(Math.abs(lostMs - (40_000 * 0.9 - 50)) <= 2, `${lostMs} ms`)
  assert.equal(world.at('r').startsWith('a/1'), true, 'the service holds it still')
})

for (const fault of ['silent', 'deaf'] as const) {
  test(`sessions are kept alive by another node when the one that there is is ${fault}`, async () => {
    const world = new SdkWorld()
    const { sdk, dialled } = await world.client()
    const lock = await world.answer(sdk.lock('r'))
    // It hears nobody any more, so it does not know that the others have elected another one, and cannot say so.
    world.node('n1')[fault] = true
    world.leader = 'n2'
    await world.run(30_000)
    assert.equal(lock.lost, null)
    assert.ok(lock.isHeld())
    assert.deepEqual([dialled[0], sdk.node], ['n1', 'n2'])
  })
}

test('a node that answers no keep-alive is left while most of the lease is there, for whichever other node can be reached', async () => {
  const world = new SdkWorld()
  const { sdk, sent, dialled } = await world.client()
  const lock = await world.answer(sdk.lock('r'))
  const keepAlives = (): number => sent.filter(({ type }) => type === 'keep-alive').length
  // The worst moment: one has just been answered.
  await world.until('a keep-alive is sent', () => keepAlives() === 1)
  await world.run(5)
  const silentSince = world.scheduler.now
  world.node('n1').silent = true
  world.node('n2').up = false
  world.leader = 'n3'
  await world.until('another node is found', () => sdk.node === 'n3')
  const tookMs = world.scheduler.now - silentSince
  assert.ok(tookMs <= 10_000 / 3 + 1_500 + 200, `${tookMs} ms`)
  await world.run(60_000)
  assert.deepEqual([lock.isHeld(), sdk.node], [true, 'n3'])
  assert.equal(dialled.filter((node) => node === 'n3').length, 1)
})

test('a silent node is left also while the one that is said to lead is dialled and says nothing either', async () => {
  const world = new SdkWorld()
  const { sdk, sent, dialled } = await world.client()
  const lock = await world.answer(sdk.lock('r'))
  const keepAlives = (): number => sent.filter(({ type }) => type === 'keep-alive').length
  await world.until('a keep-alive is sent', () => keepAlives() === 1)
  await world.run(3_000)
  world.push({ type: 'leader', leader: { node: 'n2', address: 'n2:1' } })
  world.node('n2').silent = true
  await world.until('the new leader is dialled', () => dialled.at(-1) === 'n2')
  world.node('n1').silent = true
  world.leader = 'n3'
  await world.until('another node is found', () => sdk.node === 'n3')
  await world.run(60_000)
  assert.ok(lock.isHeld())
})
