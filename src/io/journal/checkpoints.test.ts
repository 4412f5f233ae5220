import { deepEqual, equal, ok } from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { MemoryDisk } from '#io/memory/memory-disk.ts'
import { MemoryLogStore } from '#io/memory/memory-log-store.ts'
import type { LogStore, StoreBatch, StoreFailure } from '#ports/log-store.ts'
import { OpenStore, batchOf, entriesOf } from '#test/conformance/log-store-kit.ts'
import { decodeBearings } from './bearings.ts'
import { JournaledLogStore } from './journaled-log-store.ts'
import { limits, pageBytes } from './limits.ts'

/** A store beneath whose commits wait until they are let go. */
class HeldStore extends MemoryLogStore implements LogStore {
  readonly given: StoreBatch[] = []
  failure: StoreFailure | null = null
  #held: (() => void)[] | null = null

  override commit(batch: StoreBatch, done: (failure: StoreFailure | null) => void): void {
    this.given.push(batch)
    const commit = (): void => {
      if (this.failure === null) super.commit(batch, done)
      else done(this.failure)
    }
    if (this.#held === null) commit()
    else this.#held.push(commit)
  }

  hold(): void {
    this.#held = []
  }

  letGo(): void {
    const held = this.#held ?? []
    this.#held = null
    for (const commit of held) commit()
  }

  /** The record up to which each commit brought it. */
  get numbers(): readonly (number | undefined)[] {
    return this.given.map(({ node }) => (node === null ? undefined : decodeBearings(node)?.position.number))
  }
}

async function withStore(body: (store: OpenStore, beneath: HeldStore) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-journal-'))
  const beneath = new HeldStore(new MemoryDisk())
  const store = new OpenStore(new JournaledLogStore({ folder, beneath }))
  try {
    await store.loaded()
    await body(store, beneath)
  } finally {
    await store.close()
    rmSync(folder, { recursive: true })
  }
}

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => void setTimeout(resolve, 1))
}

const about = (length: number): Uint8Array => new Uint8Array(length)

test('commits of one turn share a record; the store beneath hears of them at the next checkpoint, in one commit', async () => {
  await withStore(async (store, beneath) => {
    const entries = entriesOf(1, 50)
    await Promise.all(entries.map(async (entry) => store.commit({ group: 1, entries: [entry] })))
    deepEqual(beneath.numbers, [0])
    await store.entry(1, 50)
    deepEqual(beneath.numbers, [0, 1])
    equal(beneath.given[1]?.groups.length, 50)
  })
})

test('a read of what the store beneath has brings no checkpoint', async () => {
  await withStore(async (store, beneath) => {
    await store.commit({ group: 1, entries: entriesOf(1, 5) })
    await store.entry(1, 5)
    await store.commit({ group: 1, entries: entriesOf(6, 6) })
    await store.entry(1, 5)
    await store.entry(2, 6)
    deepEqual(beneath.numbers, [0, 1])
    equal((await store.entry(1, 6)) === null, false)
    deepEqual(beneath.numbers, [0, 1, 2])
  })
})

test('a checkpoint does not vouch for a record that is still being written', async (t) => {
  await withStore(async (store, beneath) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    await store.commit({ group: 1, entries: entriesOf(1, 1) })
    // Too large for the event loop, so it is under way when the time for a checkpoint comes.
    const commit = store.commit({ group: 2, about: about(200_000) })
    await Promise.resolve()
    t.mock.timers.tick(limits.checkpointMs)
    deepEqual(beneath.numbers, [0, 1])
    await commit
    t.mock.timers.tick(limits.checkpointMs)
    deepEqual(beneath.numbers, [0, 1, 2])
  })
})

test('what is not for the journal brings all that is before it, and what comes after waits', async () => {
  await withStore(async (store, beneath) => {
    const order: number[] = []
    beneath.hold()
    const commits = [
      store.commit({ group: 1, entries: entriesOf(1, 3) }),
      store.commit({ group: 2, remove: { tombstone: about(1) } }),
      store.commit({ group: 3, about: about(limits.batchBytesMax + 1) }),
      store.commit({ group: 1, entries: entriesOf(4, 4) }),
    ]
    for (const [position, commit] of commits.entries()) void commit.then(() => order.push(position))
    await turns()
    deepEqual(order, [0])
    beneath.letGo()
    await Promise.all(commits)
    deepEqual(order, [0, 1, 2, 3])
    deepEqual(beneath.numbers, [0, 1, 1])
    deepEqual(
      beneath.given[1]?.groups.map(({ group }) => group),
      [1, 2],
    )
  })
})

test('a full journal waits for a checkpoint, and overwrites nothing before', async () => {
  await withStore(async (store, beneath) => {
    const each = 60_000
    const count = Math.ceil((limits.pages * pageBytes) / each) + 100
    let reported = 0
    beneath.hold()
    const commits = Array.from({ length: count }, async () => store.commit({ group: 1, about: about(each) }).then(() => reported++))
    for (let before = -1; before !== reported;) {
      before = reported
      await turns()
    }
    ok(reported > 100 && reported < count, `${reported} of ${count} reported`)
    beneath.letGo()
    await Promise.all(commits)
  })
})

test('a checkpoint that fails is the end: every later commit and read answers why', async () => {
  await withStore(async (store, beneath) => {
    await store.commit({ group: 1, entries: entriesOf(1, 1) })
    beneath.failure = { type: 'failed', code: 'disk-full', detail: 'told to' }
    await store.entry(1, 1)
    deepEqual(await store.tryCommit(batchOf({ group: 1 })), beneath.failure)
    deepEqual(await store.entry(1, 1), beneath.failure)
    deepEqual(await store.tryCommit(batchOf({ group: 1, remove: { tombstone: about(1) } })), beneath.failure)
  })
})
