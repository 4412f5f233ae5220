import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { CacheWorld } from '#test/harness/cache-world.ts'
import { LockWorld, TestCall } from '#test/harness/lock-world.ts'

/** A node whose disk is low takes nothing that only grows. Of queues: `scenario faults` in src/services/queue. */

test('on a full disk nobody is granted a lock, and who holds one extends it and gives it back', async () => {
  const world = await LockWorld.start()
  const locks = world.locks('n1')
  const held = { resource_id: 'r', client_id: 'A' }
  const told = async (answer: Promise<{ ok: boolean; value?: { status: string }; error?: { code: string } }>): Promise<string> => {
    const { value, error } = await world.answer(answer)
    return value?.status ?? error?.code ?? ''
  }
  equal(await told(locks.acquire(held, new TestCall())), 'granted')
  for (const node of world.nodes) node.low = true
  deepEqual(
    [
      await told(locks.acquire({ resource_id: 's', client_id: 'B' }, new TestCall())),
      await told(locks.extend({ ...held, ttl_ms: 5_000 }, new TestCall())),
      await told(locks.release(held, new TestCall())),
    ],
    ['disk_full', 'extended', 'released'],
  )
  for (const node of world.nodes) node.low = false
  equal(await told(locks.acquire({ resource_id: 's', client_id: 'B' }, new TestCall())), 'granted')
})

test('on a full disk nothing is written to the cache, and what is there is read and deleted', async () => {
  const world = await CacheWorld.start()
  const client = world.client('n1')
  equal(await client.write('k', 1), 'M 0')
  for (const node of world.nodes) node.low = true
  deepEqual([await client.write('k', 2), await client.write('k', 2, { ack: 'owner' })], ['disk_full', 'disk_full'])
  equal(await client.read('k'), '1 M hit')
  equal(await client.delete('k'), 'gone 0')
})
