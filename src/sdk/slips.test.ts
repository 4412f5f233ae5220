import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from '#index.ts'
import { SdkWorld } from '#test/harness/sdk-world.ts'

const invalidRequest = { name: 'LockstepError', code: 'invalid_request' }
/** As a program without types may call anything. */
const wrong = (value: unknown): never => value as never

test('a signal that aborts in the turn of the call ends it, and nothing is held or waited for', async () => {
  const world = new SdkWorld()
  const { sdk } = await world.client()
  const held = await world.answer(sdk.lock('busy'))
  const calls: readonly ((signal: AbortSignal) => Promise<unknown>)[] = [
    (signal: AbortSignal) => sdk.lock('busy', { signal }),
    (signal: AbortSignal) => sdk.lock('free', { signal }),
    (signal: AbortSignal) => sdk.lock('busy', { signal, waitMs: 1_000 }),
    (signal: AbortSignal) => sdk.withLock('busy', { signal }, () => {}),
    (signal: AbortSignal) => sdk.acquireMany([{ name: 'busy' }, { name: 'free' }], { signal }),
    (signal: AbortSignal) => sdk.owner().lock('busy', { signal }),
  ]
  for (const call of calls) {
    const aborting = new AbortController()
    const result = call(aborting.signal)
    aborting.abort()
    await assert.rejects(world.answer(result), { code: 'aborted' })
  }
  await world.answer(held.release())
  await world.run(1_000)
  assert.deepEqual([world.at('busy'), world.at('free')], ['|', '|'])
  assert.deepEqual(sdk.query(), { held: [], pending: [] })
  await world.answer(sdk.lock('busy'))
})

test('what the types forbid is an invalid request, and the next call goes on as if it had not been', async () => {
  const world = new SdkWorld()
  const { sdk } = await world.client()
  const slips = [
    () => sdk.check('r', Number.NaN),
    () => sdk.check('r', -1),
    () => sdk.check('r', 1.5),
    () => sdk.check(wrong(5), 1),
    () => sdk.inspect(wrong(5)),
    () => sdk.locks({ limit: -1 }),
    () => sdk.locks({ prefix: wrong(5) }),
    () => sdk.lock('r', wrong(null)),
    () => sdk.lock('\ud800'),
    () => sdk.lock('r', { signal: wrong(new AbortController()) }),
    () => sdk.withLock('r', wrong(undefined)),
    () => sdk.acquireMany(wrong(undefined)),
    () => sdk.acquireMany([wrong(null)]),
    async () => sdk.elect('r', wrong({})),
  ]
  for (const slip of slips) await assert.rejects(world.answer(slip()), invalidRequest, slip.toString())
  await world.answer(sdk.lock('r'))
  await world.answer(sdk.check('r', 1))
  await world.answer(sdk.close())
})

test('connect says what it must be given', async () => {
  for (const options of [
    undefined,
    null,
    {},
    { lock: 5 },
    { lock: ['127.0.0.1:1', 5] },
    { queue: 'nowhere' },
    { lock: '127.0.0.1:1', clientId: 5 },
  ])
    await assert.rejects(connect(wrong(options)), invalidRequest, JSON.stringify(options))
})
