import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bucketOf, hash53, murmur3 } from './hash.ts'

test('murmur3 agrees with the published vectors of MurmurHash3 x86_32', () => {
  const vectors: readonly (readonly [text: string, seed: number, hash: number])[] = [
    ['', 0, 0],
    ['', 1, 0x514e28b7],
    ['', 0xffffffff, 0x81f16f39],
    ['\uffff\uffff', 0, 0x76293b50],
    ['\u4321\u8765', 0, 0xf55b516b],
    ['\u4321\u8765', 0x5082edee, 0x2362f9de],
    ['\u4321', 0, 0xa0f7b07a],
    ['\0\0', 0, 0x2362f9de],
    ['\0', 0, 0x30f4c306],
  ]
  for (const [text, seed, hash] of vectors) assert.equal(murmur3(text, seed), hash, `${JSON.stringify(text)} seed ${seed}`)
})

test('the hash never changes: data would be looked for where it is not', () => {
  const values = ['', 'a', 'key-1', 'node-1#511', 'queue/7', 'größer', '🔒'].map((text) => hash53(text))
  assert.deepEqual(
    values,
    [
      1_930_968, 3_915_610_607_408_426, 2_641_494_434_216_558, 8_504_511_515_761_777, 318_548_486_742_961, 1_458_806_827_317_181,
      2_580_541_609_431_372,
    ],
  )
})

test('a bucket is in range and every bucket is used', () => {
  const counts = Array.from({ length: 7 }, () => 0)
  for (let key = 0; key < 7_000; key++) {
    const bucket = bucketOf(`key-${key}`, 7)
    counts[bucket] = (counts[bucket] ?? Number.NaN) + 1
  }
  assert.ok(
    counts.every((count) => count > 850 && count < 1_150),
    counts.join(' '),
  )
})

test('lone surrogates are told apart', () => {
  assert.notEqual(hash53('\ud800'), hash53('\ud801'))
})
