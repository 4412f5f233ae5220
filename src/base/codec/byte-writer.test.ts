import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { ByteWriter } from './byte-writer.ts'

test('what was taken never changes, and records may be larger than a slab', () => {
  const writer = new ByteWriter(16)
  const taken: { readonly bytes: Uint8Array; readonly first: number; readonly length: number }[] = []
  for (let record = 0; record < 60; record++) {
    for (let count = 0; count < record; count++) writer.byte((record + count) & 0xff)
    taken.push({ bytes: writer.take(), first: record & 0xff, length: record })
  }
  for (const { bytes, first, length } of taken) {
    deepEqual(
      [...bytes],
      Array.from({ length }, (_, count) => (first + count) & 0xff),
    )
  }
})

test('what an encoder left behind that threw is forgotten', () => {
  const writer = new ByteWriter(16)
  writer.byte(1)
  const before = writer.take()
  writer.byte(2)
  writer.restart()
  writer.byte(3)
  deepEqual([[...before], [...writer.take()]], [[1], [3]])
})
