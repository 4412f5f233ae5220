import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import type { SnoopPolicy } from '#core/cache/home-state.ts'
import { CacheWorld } from '#test/harness/cache-world.ts'

const told: readonly { readonly snoops: SnoopPolicy; readonly what: string; readonly writes: readonly string[] }[] = [
  { snoops: 'filter', what: 'who may have the key', writes: ['M 0', 'M 2'] },
  { snoops: 'broadcast', what: 'everybody with a session', writes: ['M 2', 'M 2'] },
]

for (const { snoops, what, writes } of told) {
  test(`with the policy ${snoops} a write asks ${what}`, async () => {
    const world = await CacheWorld.start({ slots: 1, snoops })
    const [first, second, third] = ['n1', 'n2', 'n3'].map((name) => world.client(name))
    if (first === undefined || second === undefined || third === undefined) throw new Error('three nodes have three clients')
    for (const client of [first, second, third]) await client.read('another')
    const alone = await first.write('key', 1)
    for (const client of [second, third]) await client.read('key')
    deepEqual([alone, await first.write('key', 2)], writes)
    deepEqual(await second.read('key'), '2 S')
  })
}
