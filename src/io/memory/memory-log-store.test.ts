import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { OpenStore, batchOf, entriesOf } from '#test/conformance/log-store-kit.ts'
import { conformLogStore } from '#test/conformance/log-store.ts'
import { MemoryDisk } from './memory-disk.ts'
import { MemoryLogStore } from './memory-log-store.ts'

conformLogStore('memory', () => {
  const disk = new MemoryDisk()
  return { open: () => new MemoryLogStore(disk), dispose: () => {} }
})

test('a failure of a memory store stays, and is gone with the store', async () => {
  const disk = new MemoryDisk()
  const first = new OpenStore(new MemoryLogStore(disk))
  await first.loaded()
  await first.commit({ group: 1, entries: entriesOf(1, 1) })
  disk.failure = { type: 'failed', code: 'disk-full', detail: 'told to' }
  const failures = [await first.tryCommit(batchOf({ group: 1, entries: entriesOf(2, 2) }))]
  disk.failure = null
  failures.push(await first.tryCommit(batchOf({ group: 2 })))
  deepEqual(
    failures.map((failure) => failure?.code),
    ['disk-full', 'disk-full'],
  )
  await first.close()
  const second = new OpenStore(new MemoryLogStore(disk))
  deepEqual((await second.loaded()).groups[0]?.entries, entriesOf(1, 1))
  await second.close()
})
