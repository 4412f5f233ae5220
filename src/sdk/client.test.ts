import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorRegistry } from '#api/errors.ts'
import { decodeCommand } from '#core/lock/command-codec.ts'
import { SdkWorld } from '#test/harness/sdk-world.ts'
import { retryable } from './errors.ts'
import type { Lock } from './lock.ts'

const acquires = (world: SdkWorld): number => world.log.filter(({ type }) => type === 'acquire').length

test('the first lock takes one round trip: its session is opened on the way', async () => {
  const world = new SdkWorld()
  const { sdk } = await world.client()
  await world.run(10)
  const before = world.scheduler.now
  const lock = await world.answer(sdk.lock('r'))
  assert.ok(world.scheduler.now - before <= 3, `${world.scheduler.now - before} ms`)
  assert.deepEqual([lock.name, lock.mode, lock.fencingToken, lock.isHeld(), lock.lost], ['r', 'exclusive', 1, true, null])
  assert.equal(world.at('r'), 'client/1:exclusive:1 |')
  await world.answer(lock.release())
  assert.equal(lock.isHeld(), false)
  assert.equal(lock.lost, null)
  assert.equal(world.at('r'), '|')
})

test('tasks of one client exclude each other, in the order in which they asked, and use sessions again', async () => {
  const world = new SdkWorld()
  const { sdk } = await world.client()
  const order: number[] = []
  let inside = 0
  const task = async (number: number): Promise<void> => {
    await sdk.withLock('r', async () => {
      assert.equal(++inside, 1)
      await Promise.resolve()
      order.push(number)
      inside--
    })
  }
  await world.answer(Promise.all([1, 2, 3, 4].map(task)))
  assert.deepEqual(order, [1, 2, 3, 4])
  await world.answer(Promise.all([5, 6, 7, 8].map(task)))
  assert.equal(world.sessions, 4)
})

test('not available now is null, and a wait that is over says who was in the way', async () => {
  const world = new SdkWorld()
  const { sdk } = await world.client()
  await world.answer(sdk.lock('r'))
  assert.equal(await world.answer(sdk.lock('r', { ifAvailable: true })), null)
  await assert.rejects(
    world.answer(sdk.lock('r', { waitMs: 100 })),
    (error: Error & { readonly code: string; readonly details: unknown }) => {
      assert.equal(error.code, 'lock_timeout')
      assert.deepEqual(error.details, { holders: [{ client: 'client/1', mode: 'exclusive', fencingToken: 1 }] })
      return true
    },
  )
  assert.equal(world.at('r'), 'client/1:exclusive:1 |')
})

test('a wait that is longer than a command may say is ended by the client', async () => {
  const world = new SdkWorld()
  const { sdk } = await world.client()
  await world.answer(sdk.lock('r'))
  const before = world.scheduler.now
  assert.equal(await world.refusal(sdk.lock('r', { waitMs: 120_000 }), 130_000), 'lock_timeout')
  assert.ok(world.scheduler.now - before >= 120_000 && world.scheduler.now - before < 120_100)
  assert.equal(world.at('r'), 'client/1:exclusive:1 |')
})

test('decision L2: an owner takes a lock again and again, over one at the service, which goes with the last', async () => {
  const world = new SdkWorld()
  const { sdk } = await world.client()
  const owner = sdk.owner()
  const first = await world.answer(owner.lock('r'))
  const second = await world.answer(owner.lock('r'))
  assert.equal(acquires(world), 1)
  assert.equal(first.fencingToken, second.fencingToken)
  await world.answer(first.release())
  await world.answer(first.release())
  assert.deepEqual([first.isHeld(), second.isHeld()], [false, true])
  assert.equal(world.at('r'), 'client/1:exclusive:1 |')
  await world.answer(second.release())
  assert.equal(world.at('r'), '|')
})

test('inside of withLock everything belongs to one owner, and after it nothing does', async () => {
  const world = new SdkWorld()
  const { sdk } = await world.client()
  let stray: Promise<Lock | null> = Promise.resolve(null)
  const over = Promise.withResolvers<void>()
  await world.answer(
    sdk.withLock('a', async () => {
      await sdk.withLock('a', async (inner) => {
        assert.equal(inner.fencingToken, 1)
        await sdk.withLock('b', () => assert.equal(world.at('b'), 'client/1:exclusive:2 |'))
      })
      assert.equal(world.at('a'), 'client/1:exclusive:1 |')
      stray = over.promise.then(() => sdk.lock('a', { ifAvailable: true }))
    }),
  )
  assert.equal(world.at('a'), '|')
  const other = await world.answer(sdk.lock('a'))
  over.resolve()
  assert.equal(await world.answer(stray), null, 'a task that outlives its scope is an owner of its own')
  await world.answer(other.release())
})

test('two owners that wait for each other: one of them is told the cycle', async () => {
  const world = new SdkWorld()
  const { sdk } = await world.client()
  const [one, two] = [sdk.owner(), sdk.owner()]
  await world.answer(one.lock('a'))
  const kept = await world.answer(two.lock('b'))
  const waiting = one.lock('b')
  await world.run(10)
  await assert.rejects(world.answer(two.lock('a')), (error: Error & { readonly code: string; readonly details: unknown }) => {
    assert.equal(error.code, 'deadlock')
    assert.deepEqual(error.details, {
      cycle: ['client/2', 'client/1'],
      waits: [
        { client: 'client/2', resource: 'a', behind: 'holder' },
        { client: 'client/1', resource: 'b', behind: 'holder' },
      ],
    })
    return true
  })
  await world.answer(kept.release())
  assert.ok((await world.answer(waiting)).isHeld())
})

test('several locks come together or not at all', async () => {
  const world = new SdkWorld()
  const { sdk } = await world.client()
  const held = await world.answer(sdk.lock('b'))
  const items = [{ name: 'b' }, { name: 'a', mode: 'shared' as const }]
  assert.equal(await world.answer(sdk.acquireMany(items, { ifAvailable: true })), null)
  const waiting = sdk.acquireMany(items)
  await world.run(10)
  assert.deepEqual(sdk.query().pending, [
    { name: 'b', mode: 'exclusive', clientId: 'client/2' },
    { name: 'a', mode: 'shared', clientId: 'client/2' },
  ])
  await world.answer(held.release())
  const set = await world.answer(waiting)
  assert.deepEqual(
    set.locks.map(({ name, mode }) => `${name} ${mode}`),
    ['b exclusive', 'a shared'],
  )
  assert.equal(sdk.query().held.length, 2)
  assert.equal(set.signal.aborted, false)
  await world.answer(set.release())
  assert.deepEqual([world.at('a'), world.at('b')], ['|', '|'])
  const owner = sdk.owner()
  await world.answer(owner.lock('a'))
  assert.equal(await world.refusal(owner.acquireMany(items)), 'conflicting_request')
})

test('a shared lock becomes exclusive with a new token, and shared again with the same', async () => {
  const world = new SdkWorld()
  const { sdk } = await world.client()
  const [one, two] = await world.answer(Promise.all([sdk.lock('r', { mode: 'shared' }), sdk.lock('r', { mode: 'shared' })]))
  assert.equal(await world.answer(one.upgrade({ ifAvailable: true })), false)
  assert.equal(one.mode, 'shared')
  await world.answer(two.release())
  assert.equal(await world.answer(one.upgrade()), true)
  assert.deepEqual([one.mode, one.fencingToken], ['exclusive', 3])
  await world.answer(one.downgrade())
  assert.equal(world.at('r'), 'client/1:shared:3 |')
  await world.answer(one.release())
  assert.equal(world.at('r'), '|')
})

test('an upgrade that is given up keeps the shared lock', async () => {
  const world = new SdkWorld()
  const { sdk } = await world.client()
  const [one] = await world.answer(Promise.all([sdk.lock('r', { mode: 'shared' }), sdk.lock('r', { mode: 'shared' })]))
  const ending = new AbortController()
  const upgrading = sdk.query().held.length === 2 ? one.upgrade({ signal: ending.signal }) : Promise.reject(new Error('both hold it'))
  await world.run(10)
  ending.abort()
  assert.equal(await world.refusal(upgrading), 'aborted')
  await world.run(10)
  assert.equal(one.isHeld(), true)
  assert.match(world.at('r'), /^client\/1:shared:1 client\/2:shared:2 \|$/)
})

test('a client without a node says where it looked and why that failed', async () => {
  const world = new SdkWorld()
  for (const node of world.nodes) world.crash(node)
  await assert.rejects(
    world.client('client', ['http://n1:1', 'n2:1']),
    (error: Error & { readonly code: string; readonly details: unknown }) => {
      assert.equal(error.code, 'connection_failed')
      assert.deepEqual(error.details, {
        tried: [
          { address: 'n1:1', reason: 'ECONNREFUSED' },
          { address: 'n2:1', reason: 'ECONNREFUSED' },
        ],
      })
      return true
    },
  )
  assert.equal(await world.refusal(world.client('client', ['ftp://n1:1'])), 'invalid_request')
})

test('what is asked in the wrong form is refused before anything is sent', async () => {
  const world = new SdkWorld()
  const { sdk, sent } = await world.client()
  for (const call of [
    () => sdk.lock(''),
    () => sdk.lock('x'.repeat(257)),
    () => sdk.lock('é'.repeat(129)),
    () => sdk.lock('r', { waitMs: -1 }),
    () => sdk.lock('r', { waitMs: NaN }),
    () => sdk.lock('r', { lockDelayMs: 60_001 }),
    () => sdk.acquireMany([]),
    () => sdk.acquireMany([{ name: 'r' }, { name: 'r' }]),
  ]) {
    assert.equal(await world.refusal(call()), 'invalid_request')
  }
  assert.deepEqual(sent, [])
})

test('a client that is closed releases all, refuses what waits and what comes, and leaves no timer', async () => {
  const world = new SdkWorld()
  const { sdk, sent } = await world.client()
  const lock = await world.answer(sdk.lock('r'))
  const { signal } = lock
  const waiting = world.refusal(sdk.lock('r'))
  await world.run(10)
  const closed = sdk.close()
  assert.equal(await waiting, 'closed')
  await world.answer(closed)
  assert.deepEqual([lock.isHeld(), lock.lost, signal.aborted], [false, 'closed', true])
  assert.equal(world.at('r'), '|')
  assert.equal(world.sessions, 0)
  assert.equal(await world.refusal(sdk.lock('r')), 'closed')
  assert.throws(() => sdk.owner(), { code: 'closed' })
  const before = sent.length
  await world.run(60_000)
  assert.equal(sent.length, before)
})

test('tasks that are still at it when their client is closed get nothing any more, and leave no session and no timer', async () => {
  const world = new SdkWorld()
  const { sdk, sent, clock } = await world.client()
  const goOn = Promise.withResolvers<void>()
  const owner = sdk.owner()
  const within = sdk.withLock('r', async () => {
    await goOn.promise
    await sdk.lock('s')
  })
  await world.run(10)
  await world.answer(sdk.close())
  goOn.resolve()
  assert.equal(await world.refusal(within), 'closed')
  assert.equal(await world.refusal(owner.lock('t')), 'closed')
  assert.deepEqual([world.sessions, clock.owed], [0, 0])
  const before = sent.length
  await world.run(60_000)
  assert.equal(sent.length, before)
})

test('idle sessions are closed after a while', async () => {
  const world = new SdkWorld()
  const { sdk } = await world.client()
  await world.answer(Promise.all(Array.from({ length: 20 }, (_, at) => sdk.withLock(`r${at}`, () => {}))))
  assert.equal(world.sessions, 20)
  await world.run(70_000)
  assert.equal(world.sessions, 0)
})

test('an error may be retried exactly when the API says so', () => {
  for (const [code, { retryable: isRetryable }] of Object.entries(errorRegistry)) {
    const own = retryable.get(code as keyof typeof errorRegistry)
    if (own !== undefined) assert.equal(own, isRetryable, code)
  }
})

test('decision L10: whatever gives a lock back names its token, the newest, on every link that it goes over', async () => {
  const world = new SdkWorld()
  const { sdk, sent } = await world.client()
  const tokens: number[] = []
  const single = await world.answer(sdk.lock('single'))
  await world.answer(sdk.withLock('within', ({ fencingToken }) => void tokens.push(fencingToken)))
  const set = await world.answer(sdk.acquireMany([{ name: 'left' }, { name: 'right', mode: 'shared' }]))
  const upgraded = await world.answer(sdk.lock('upgraded', { mode: 'shared' }))
  const before = upgraded.fencingToken
  assert.equal(await world.answer(upgraded.upgrade()), true)
  assert.ok(upgraded.fencingToken > before)
  tokens.push(upgraded.fencingToken)
  await world.answer(upgraded.downgrade())
  tokens.push(single.fencingToken, ...set.locks.map(({ fencingToken }) => fencingToken), upgraded.fencingToken)
  // One answer is lost with its link, so the release goes over another one too.
  world.loses = (message) => message.type === 'answered'
  const released = single.release()
  await world.run(10)
  world.loses = () => false
  world.cut(world.node(world.leader))
  await world.answer(released)
  await world.answer(Promise.all([set.release(), upgraded.release()]))
  const proofs = sent.flatMap((message) => {
    const decoded = message.type === 'command' ? decodeCommand(message.command) : null
    return decoded?.ok === true && (decoded.value.type === 'release' || decoded.value.type === 'downgrade') ? [decoded.value.proof] : []
  })
  assert.deepEqual(
    proofs.map(({ type }) => type),
    proofs.map(() => 'token'),
  )
  const named = proofs.map((proof) => (proof.type === 'token' ? proof.token : null))
  assert.deepEqual(new Set(named), new Set(tokens))
  assert.ok(named.filter((token) => token === single.fencingToken).length > 1, 'it went over two links')
})
