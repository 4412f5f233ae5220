import { deepEqual, ok } from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonBytes } from '#api/schemas.ts'
import { CacheWorld } from '#test/harness/cache-world.ts'
import { Overloading } from '#test/harness/overloading.ts'

const value = new TextEncoder().encode('1') as Uint8Array as JsonBytes

test('twice the writes that are carried are shed early, and all is as before at once', async (t) => {
  const world = await CacheWorld.start()
  const load = new Overloading(world, (node, number, hear) =>
    hear(() => world.get(node).server.cache.write({ key: `k${number % 5000}`, value }), 'new'),
  )
  const carried = await load.carried(96, 5_000)
  const under = await load.pace(2 * carried, 20_000)
  t.diagnostic(
    `${carried} a second; under twice that ${under.done} done, the longest in ${under.longestMs} ms, ${[...under.codes].join(' ')}`,
  )
  // One is unknown when its agent lost its lease meanwhile, as it may where turns come late, and what it asked again was not answered in time either.
  const { unknown = 0, overloaded = 0, ...others } = Object.fromEntries(under.codes)
  deepEqual(others, {})
  ok(overloaded > 0 && unknown < under.done / 50, `${overloaded} were shed, of ${unknown} nothing is known`)
  ok(under.done >= carried * 20, `${under.done} were done`)
  const after = await load.pace(carried / 2, 5_000)
  deepEqual([...after.codes], [])
})
