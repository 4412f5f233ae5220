import { deepEqual, equal, match, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import type { Cache } from '#sdk/cache/cache.ts'
import { LockstepError } from '#sdk/errors.ts'
import type { Lockstep } from '#sdk/lockstep.ts'
import type { Queue } from '#sdk/queue/queue.ts'
import { cacheWork } from './cache-work.ts'
import { lockWork } from './lock-work.ts'
import { queueWork } from './queue-work.ts'

const { signal } = new AbortController()

/** Services that answer as they are told to; nothing else of them is used. */
const locksOf = (tokens: number[]): Lockstep => {
  const lock = async () => ({ fencingToken: tokens.shift() ?? 0, isHeld: () => true, release: async () => {} })
  return { lock } as unknown as Lockstep
}
const cacheOf = (values: Map<string, number>, read: (key: string) => number | undefined): Cache<number> => {
  const set = async (key: string, value: number) => void values.set(key, value)
  return { set, get: async (key: string) => read(key) } as unknown as Cache<number>
}

test('a lock that two have, and a token that does not grow, are wrong', async () => {
  const work = lockWork(locksOf([5, 6, 6]), { tag: 't', clients: 1 })
  await work.turn(0, signal)
  deepEqual(work.wrong, [])
  await work.turn(0, signal)
  match(work.wrong.join(), /^bench-t-0 was granted while another had it$/)
  await work.turn(0, signal)
  match(work.wrong.at(-1) ?? '', /was granted with token 6 after 6$/)
})

test('a message that nobody sent, and one that does not come, are wrong; one that comes twice is not', async () => {
  const deliveries = [[7], [0], [0]]
  const queue = {
    send: async () => {},
    receive: async () => (deliveries.shift() ?? []).map((payload) => ({ payload, ack: async () => {} })),
  } as unknown as Queue<number>
  const work = queueWork(queue, 1)
  const { produce, consume } = work
  await produce.turn(0, signal)
  await consume.turn(0, signal)
  deepEqual(produce.wrong, ['message 7 came and was never sent'])
  await consume.turn(0, signal)
  await consume.turn(0, signal)
  equal(await work.drained({ ms: 1_000, signal }), 1)
  deepEqual(consume.wrong, [])
  await produce.turn(0, signal)
  await work.drained({ ms: 0, signal })
  deepEqual(consume.wrong, ['message 1 was sent and did not come within 0 ms'])
})

test('a value that is older than what was written before is wrong, unless the outcome of a write is unknown', async () => {
  const values = new Map<string, number>()
  const good = cacheOf(values, (key) => values.get(key))
  const stale = cacheOf(values, () => undefined)
  const sound = cacheWork({ writer: good, reader: good, clients: 1 })
  await sound.write.turn(0, signal)
  equal(await sound.read.turn(0, signal), 100)
  deepEqual(sound.read.wrong, [])
  const broken = cacheWork({ writer: good, reader: stale, clients: 1 })
  await broken.write.turn(0, signal)
  await broken.read.turn(0, signal)
  match(broken.read.wrong[0] ?? '', /^k\d was read as 0 after 1 was written$/)
  const lost = { set: () => Promise.reject(new LockstepError('unknown', 'why')) } as unknown as Cache<number>
  const unsure = cacheWork({ writer: lost, reader: stale, clients: 1 })
  await rejects(unsure.write.turn(0, signal))
  await unsure.read.turn(0, signal)
  deepEqual(unsure.read.wrong, [])
})
