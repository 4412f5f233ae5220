import { deepEqual, equal, ok } from 'node:assert/strict'
import { describe, test } from 'node:test'
import { logIndex, replicaId, term } from '#core/raft/types.ts'
import type { Entry } from '#core/raft/types.ts'
import {
  OpenStore,
  batchOf,
  bytesOf,
  chunkOf,
  compactTo,
  entriesOf,
  entryAt,
  groupAfter,
  indexesOf,
  metaAt,
  openOn,
  untilGone,
} from './log-store-kit.ts'
import type { Check, TestDisk } from './log-store-kit.ts'
import { conformBodies } from './log-store-bodies.ts'
import { storeProperty } from './log-store-model.ts'

/** What every log store owes those above it, whatever it is made of. */
export function conformLogStore(kind: string, create: () => TestDisk): void {
  const check = (name: string, body: (disk: TestDisk) => Promise<void>): void => {
    test(name, { timeout: 20_000 }, async () => {
      const disk = create()
      try {
        await body(disk)
      } finally {
        disk.dispose()
      }
    })
  }
  describe(`${kind} log store`, () => {
    callbacks(check)
    reads(check)
    logs(check)
    truncations(check)
    compactions(check)
    conformBodies(check)
    snapshots(check)
    olderSnapshots(check)
    groups(check)
    endings(check)
    check('random operations leave what a naive model says, also after each reopening', storeProperty(create))
  })
}

function callbacks(check: Check): void {
  check('calls report once each, in the order they were made, and never before they return', async (disk) => {
    const open = new OpenStore(disk.open())
    const order: string[] = []
    let inside = true
    const note = (what: string) => (): void => {
      ok(!inside, 'no call reports before it returns')
      order.push(what)
    }
    const loaded = new Promise<void>((resolve) => {
      open.store.load(() => {
        note('load')()
        resolve()
      })
    })
    inside = false
    await loaded
    inside = true
    for (let index = 1; index <= 5; index++) {
      const length = index === 3 ? 200_000 : 10
      open.store.commit(batchOf({ group: 1, entries: entriesOf(index, index, { length }) }), note(`commit ${index}`))
      open.store.readEntry(1, logIndex(index), note(`read ${index}`))
    }
    const closed = new Promise<void>((resolve) => {
      open.store.close(() => {
        note('close')()
        resolve()
      })
    })
    inside = false
    await closed
    const of = (kind: string): readonly string[] => order.filter((what) => what.startsWith(kind))
    deepEqual(of('commit'), ['commit 1', 'commit 2', 'commit 3', 'commit 4', 'commit 5'])
    deepEqual(of('read'), ['read 1', 'read 2', 'read 3', 'read 4', 'read 5'])
    equal(order.length, 12)
    equal(order.at(-1), 'close')
  })
}

function reads(check: Check): void {
  check('a read sees every commit that was asked for before it, and none needs to wait for those after it', async (disk) => {
    const open = await openOn(disk)
    let last = 0
    let seen = 0
    let answered = 0
    // The group never stops writing: each commit is followed by the next before it reports.
    const writeOn = (): void => {
      last++
      open.store.commit(batchOf({ group: 1, entries: [entryAt(last, { bytes: bytesOf(last % 7 === 0 ? 80_000 : 50, last) })] }), () => {
        if (answered < 5) writeOn()
      })
    }
    writeOn()
    writeOn()
    for (let count = 0; count < 5; count++) {
      const found = await open.entry(1, last)
      ok(found !== null && 'payload' in found)
      seen = found.index
      answered++
    }
    ok(seen >= 2 && last < 1_000)
    await open.close()
  })

  check('a snapshot that a later commit completes is not half there for a read before it', async (disk) => {
    const open = await openOn(disk)
    await open.commit({ group: 1, entries: entriesOf(1, 10) })
    const meta = metaAt(10, 300)
    const commit = open.tryCommit(batchOf({ group: 1, entries: entriesOf(11, 11) }))
    const early = open.chunk(1, 10, { offset: 0, bytesMax: 1_000 })
    const write = open.commit({ group: 1, snapshotChunk: chunkOf(meta, 0, bytesOf(300, 1)), compact: compactTo(meta, { dropUpTo: 10 }) })
    const late = open.chunk(1, 10, { offset: 0, bytesMax: 1_000 })
    deepEqual([await commit, await early], [null, null])
    await write
    deepEqual(await late, { bytes: bytesOf(300, 1), last: true })
    await open.close()
  })
}

function logs(check: Check): void {
  check('an entry of every kind comes back as it was', async (disk) => {
    const open = await openOn(disk)
    const [plain] = entriesOf(1, 1) as [Entry]
    const membership = { voters: [replicaId('a#1')], outgoing: [replicaId('é')], learners: [] }
    const entries: Entry[] = [
      { ...plain, payload: { type: 'term-start', leader: replicaId('node-1#2') } },
      { ...plain, index: logIndex(2), payload: { type: 'membership', membership } },
      entryAt(3, { bytes: new Uint8Array(0) }),
      entryAt(4, { bytes: Uint8Array.of(7) }),
      entryAt(5, { bytes: bytesOf(8 << 20, 5) }),
      entryAt(6, { term: 2 ** 40 }),
    ]
    await open.commit({ group: 1, entries })
    for (const entry of entries) deepEqual(await open.entry(1, entry.index), entry)
    equal(await open.entry(1, 7), null)
    const { open: next, stored } = await groupAfter(open, disk, 1)
    deepEqual(stored.entries, entries)
    await next.close()
  })

  check('several writes to one group in one batch apply in order, and together', async (disk) => {
    const open = await openOn(disk)
    await open.commit(
      { group: 1, hardState: { term: term(1), vote: replicaId('a') }, entries: entriesOf(1, 5) },
      { group: 2, entries: entriesOf(1, 2) },
      { group: 1, truncateFrom: logIndex(4), entries: entriesOf(4, 6, { term: 2 }) },
      { group: 1, hardState: { term: term(3), vote: null }, truncateFrom: logIndex(6) },
      { group: 1, entries: entriesOf(6, 7, { term: 3 }) },
    )
    const { open: next, stored } = await groupAfter(open, disk, 1)
    deepEqual(stored.hardState, { term: 3, vote: null })
    deepEqual(stored.entries, [...entriesOf(1, 3), ...entriesOf(4, 5, { term: 2 }), ...entriesOf(6, 7, { term: 3 })])
    await next.close()
  })

  check('what was reported durable is what the next life finds', async (disk) => {
    const first = new OpenStore(disk.open())
    deepEqual(await first.loaded(), { type: 'loaded', node: null, groups: [], tombstones: [] })
    await first.commit({ group: 7, hardState: { term: term(2), vote: replicaId('b') }, about: bytesOf(9, 9), entries: entriesOf(1, 500) })
    for (let index = 501; index <= 520; index++) await first.commit({ group: 7, entries: entriesOf(index, index, { term: 2 }) })
    const { open: second, stored } = await groupAfter(first, disk, 7)
    deepEqual(stored, {
      group: 7,
      about: bytesOf(9, 9),
      hardState: { term: 2, vote: 'b' },
      snapshot: null,
      base: { index: 0, term: 0 },
      entries: [...entriesOf(1, 500), ...entriesOf(501, 520, { term: 2 })],
      partial: null,
      bodies: null,
    })
    await second.close()
  })
}

function truncations(check: Check): void {
  check('a truncation takes the tail, within and across batches, and other entries take its place', async (disk) => {
    let open = await openOn(disk)
    await open.commit({ group: 1, entries: entriesOf(1, 1_500) })
    await open.commit({ group: 1, truncateFrom: logIndex(1_201) })
    equal(await open.entry(1, 1_201), null)
    const both = [
      open.commit({ group: 1, truncateFrom: logIndex(301), entries: entriesOf(301, 303, { term: 2 }) }),
      open.commit({ group: 1, truncateFrom: logIndex(303), entries: entriesOf(303, 306, { term: 3 }) }),
    ]
    await Promise.all(both)
    const expected = [...entriesOf(1, 300), ...entriesOf(301, 302, { term: 2 }), ...entriesOf(303, 306, { term: 3 })]
    deepEqual(await open.entry(1, 302), expected[301])
    deepEqual(await open.entry(1, 300), expected[299])
    let { open: next, stored } = await groupAfter(open, disk, 1)
    deepEqual(stored.entries, expected)
    open = next
    await open.commit({ group: 1, truncateFrom: logIndex(1), entries: entriesOf(1, 1, { term: 4 }) })
    ;({ open: next, stored } = await groupAfter(open, disk, 1))
    deepEqual(stored.entries, entriesOf(1, 1, { term: 4 }))
    await next.close()
  })
}

function compactions(check: Check): void {
  const meta = metaAt(900, 3)
  const write = { group: 1, snapshotChunk: chunkOf(meta, 0, bytesOf(3, 1)) }

  check('a compaction drops a prefix and keeps the rest', async (disk) => {
    const open = await openOn(disk)
    await open.commit({ group: 1, entries: entriesOf(1, 1_000) })
    await open.commit({ ...write, compact: compactTo(meta, { dropUpTo: 850 }) })
    deepEqual(await open.entry(1, 851), entriesOf(851, 851)[0])
    const { open: next, stored } = await groupAfter(open, disk, 1)
    deepEqual(stored.base, { index: 850, term: 1 })
    deepEqual(stored.snapshot, meta)
    deepEqual(stored.entries, entriesOf(851, 1_000))
    await next.commit({ group: 1, truncateFrom: logIndex(851), entries: entriesOf(851, 852, { term: 2 }) })
    deepEqual((await groupAfter(next, disk, 1).then(async (after) => after.open.close().then(() => after))).stored.entries, [
      ...entriesOf(851, 852, { term: 2 }),
    ])
  })

  check('live entries outlive compactions, until one no longer names them', async (disk) => {
    let open = await openOn(disk)
    await open.commit({ group: 1, entries: entriesOf(1, 1_000, { length: 100 }) })
    const live = [3, 4, 5, 6, 500, 898, 900]
    await open.commit({ ...write, compact: compactTo(meta, { dropUpTo: 900, live }) })
    for (const index of live) deepEqual(await open.entry(1, index), entriesOf(index, index, { length: 100 })[0])
    ;({ open } = await groupAfter(open, disk, 1))
    for (const index of live) deepEqual(await open.entry(1, index), entriesOf(index, index, { length: 100 })[0])
    await open.commit({ group: 1, compact: compactTo(meta, { dropUpTo: 900, live: [4, 900] }) })
    await untilGone(open, 3)
    await untilGone(open, 500)
    for (const index of [4, 900]) deepEqual(await open.entry(1, index), entriesOf(index, index, { length: 100 })[0])
    await open.commit({ group: 1, compact: compactTo(meta, { dropUpTo: 900 }) })
    await untilGone(open, 4)
    const { open: next, stored } = await groupAfter(open, disk, 1)
    deepEqual(stored.entries, entriesOf(901, 1_000, { length: 100 }))
    await next.close()
  })

  check('a log that is compacted to its end goes on', async (disk) => {
    const open = await openOn(disk)
    const all = metaAt(20, 0)
    await open.commit({ group: 1, entries: entriesOf(1, 20), snapshotChunk: chunkOf(all, 0, new Uint8Array(0)) })
    await open.commit({ group: 1, compact: compactTo(all, { dropUpTo: 20, live: [19] }) })
    await open.commit({ group: 1, entries: entriesOf(21, 22, { term: 2 }) })
    const { open: next, stored } = await groupAfter(open, disk, 1)
    deepEqual([stored.base, indexesOf(stored.entries)], [{ index: 20, term: 1 }, [21, 22]])
    deepEqual(await next.entry(1, 19), entriesOf(19, 19)[0])
    await next.close()
  })
}

function snapshots(check: Check): void {
  check('a snapshot in chunks is read back in reads of any size, with an empty last chunk or without', async (disk) => {
    let open = await openOn(disk)
    const bytes = bytesOf(1_000, 3)
    const meta = metaAt(50, 1_000)
    await open.commit({ group: 1, snapshotChunk: chunkOf(meta, 0, bytes.subarray(0, 400)) })
    await open.commit({ group: 1, snapshotChunk: chunkOf(meta, 400, bytes.subarray(400)) })
    equal(await open.chunk(1, 50, { offset: 0, bytesMax: 10 }), null)
    await open.commit({ group: 1, snapshotChunk: chunkOf(meta, 1_000, new Uint8Array(0)), install: meta })
    for (let life = 0; life < 2; life++) {
      for (const bytesMax of [1, 7, 400, 401, 5_000]) deepEqual(await open.snapshot(1, 50, bytesMax), bytes)
      deepEqual(await open.chunk(1, 50, { offset: 999, bytesMax: 5 }), { bytes: bytes.subarray(999), last: true })
      deepEqual(await open.chunk(1, 50, { offset: 1_000, bytesMax: 5 }), { bytes: new Uint8Array(0), last: true })
      equal(await open.chunk(1, 50, { offset: 1_001, bytesMax: 5 }), null)
      equal(await open.chunk(1, 49, { offset: 0, bytesMax: 5 }), null)
      equal(await open.chunk(2, 50, { offset: 0, bytesMax: 5 }), null)
      ;({ open } = await groupAfter(open, disk, 1))
    }
    await open.close()
  })

  check('pitfall 25: an install swaps snapshot, base and log in one step', async (disk) => {
    let open = await openOn(disk)
    await open.commit({ group: 1, entries: entriesOf(1, 30) })
    const meta = metaAt(40, 5, 2)
    await open.commit({ group: 1, snapshotChunk: chunkOf(meta, 0, bytesOf(5, 1)) })
    await open.commit({ group: 1, hardState: { term: term(2), vote: null }, install: meta, entries: entriesOf(41, 42, { term: 2 }) })
    equal(await open.entry(1, 30), null)
    const { open: next, stored } = await groupAfter(open, disk, 1)
    deepEqual(stored, {
      group: 1,
      about: null,
      hardState: { term: 2, vote: null },
      snapshot: meta,
      base: { index: 40, term: 2 },
      entries: entriesOf(41, 42, { term: 2 }),
      partial: null,
      bodies: null,
    })
    open = next
    deepEqual(await open.snapshot(1, 40), bytesOf(5, 1))
    equal(await open.entry(1, 30), null)
    await open.close()
  })

  check('a received snapshot that is not complete can be resumed by the next life, an own one is gone', async (disk) => {
    let open = await openOn(disk)
    await open.commit({ group: 1, entries: entriesOf(1, 30) })
    const [own, received] = [metaAt(20, 8), metaAt(90, 12, 3)]
    await open.commit(
      { group: 1, snapshotChunk: chunkOf(own, 0, bytesOf(4, 1)) },
      { group: 1, snapshotChunk: chunkOf(received, 0, bytesOf(4, 2)) },
    )
    await open.commit({ group: 1, snapshotChunk: chunkOf(received, 4, bytesOf(4, 3)) })
    const { open: next, stored } = await groupAfter(open, disk, 1)
    deepEqual(stored.partial, { index: 90, term: 3, offset: 8 })
    open = next
    await open.commit({ group: 1, snapshotChunk: chunkOf(received, 8, bytesOf(4, 4)), install: received })
    deepEqual(await open.snapshot(1, 90), new Uint8Array([...bytesOf(4, 2), ...bytesOf(4, 3), ...bytesOf(4, 4)]))
    await open.close()
  })
}

function olderSnapshots(check: Check): void {
  check('a chunk at offset 0 begins a snapshot anew', async (disk) => {
    const open = await openOn(disk)
    const meta = metaAt(10, 6)
    await open.commit({ group: 1, snapshotChunk: chunkOf(meta, 0, bytesOf(5, 1)) })
    await open.commit({ group: 1, snapshotChunk: chunkOf(meta, 0, bytesOf(2, 2)) })
    await open.commit({ group: 1, snapshotChunk: chunkOf(meta, 2, bytesOf(4, 3)), install: meta })
    deepEqual(await open.snapshot(1, 10), new Uint8Array([...bytesOf(2, 2), ...bytesOf(4, 3)]))
    await open.close()
  })

  check('older snapshots stay readable while they are kept, and no longer than this life', async (disk) => {
    let open = await openOn(disk)
    const metas = [10, 20, 30].map((index) => metaAt(index, index))
    await open.commit({ group: 1, entries: entriesOf(1, 40) })
    for (const [at, meta] of metas.entries()) {
      const keep = at === 0 ? [] : [10]
      const snapshotChunk = chunkOf(meta, 0, bytesOf(meta.bytes, meta.index))
      await open.commit({ group: 1, snapshotChunk, compact: compactTo(meta, { dropUpTo: 5, keep }) })
    }
    deepEqual(await open.snapshot(1, 10), bytesOf(10, 10))
    equal(await open.snapshot(1, 20), null)
    await open.commit({ group: 1, compact: compactTo(metas[2] ?? metaAt(30, 30), { dropUpTo: 6 }) })
    equal(await open.snapshot(1, 10), null)
    ;({ open } = await groupAfter(open, disk, 1))
    deepEqual([await open.snapshot(1, 10), await open.snapshot(1, 30)], [null, bytesOf(30, 30)])
    await open.close()
  })
}

function groups(check: Check): void {
  check('a removed group leaves its tombstone, and can come back beside it (decision R8)', async (disk) => {
    const first = await openOn(disk)
    const meta = metaAt(3, 2)
    await first.commit(
      { group: 1, entries: entriesOf(1, 5), snapshotChunk: chunkOf(meta, 0, bytesOf(2, 1)) },
      { group: 2, entries: entriesOf(1, 1) },
    )
    await first.commit({ group: 1, compact: compactTo(meta, { dropUpTo: 3, live: [2] }) })
    await first.commit({ group: 1, remove: { tombstone: bytesOf(6, 6) } })
    deepEqual([await first.entry(1, 2), await first.entry(1, 5), await first.snapshot(1, 3)], [null, null, null])
    await first.close()
    const second = new OpenStore(disk.open())
    const gone = await second.loaded()
    deepEqual(gone.tombstones, [{ group: 1, tombstone: bytesOf(6, 6) }])
    equal(gone.groups[0]?.group, 2)
    equal(gone.groups.length, 1)
    await second.commit({ group: 1, about: bytesOf(1, 1), entries: entriesOf(1, 2, { term: 9 }) })
    deepEqual([await second.entry(1, 2), await second.entry(1, 5)], [entriesOf(2, 2, { term: 9 })[0], null])
    await second.commit({ group: 1, remove: { tombstone: bytesOf(3, 3) } }, { group: 1, about: bytesOf(2, 2) })
    await second.close()
    const third = new OpenStore(disk.open())
    const back = await third.loaded()
    deepEqual(back.tombstones, [{ group: 1, tombstone: bytesOf(3, 3) }])
    deepEqual(back.groups[0]?.about, bytesOf(2, 2))
    deepEqual(back.groups[0]?.entries, [])
    await third.close()
  })

  check("the node's record and what is known about a group are replaced as a whole", async (disk) => {
    const first = await openOn(disk)
    equal(await first.tryCommit({ ...batchOf({ group: 1, about: bytesOf(4, 1) }), node: bytesOf(5, 1) }), null)
    await first.commit({ group: 1, about: bytesOf(2, 2) })
    equal(await first.tryCommit({ node: bytesOf(3, 2), groups: [] }), null)
    await first.commit({ group: 1, hardState: { term: term(1), vote: null } })
    await first.close()
    const second = new OpenStore(disk.open())
    const { node, groups: stored } = await second.loaded()
    deepEqual([node, stored[0]?.about], [bytesOf(3, 2), bytesOf(2, 2)])
    await second.close()
  })
}

function endings(check: Check): void {
  check('closing waits for what is under way; from then on every call answers that the store is closed', async (disk) => {
    const open = await openOn(disk)
    const writes = [1, 2].map(async (index) => open.tryCommit(batchOf({ group: 1, entries: entriesOf(index, index, { length: 100_000 }) })))
    const read = open.entry(1, 2)
    await open.close()
    deepEqual(await Promise.all(writes), [null, null])
    deepEqual(await read, entriesOf(2, 2, { length: 100_000 })[0])
    const answers = [
      await open.tryCommit(batchOf({ group: 1 })),
      await open.entry(1, 1),
      await open.chunk(1, 1, { offset: 0, bytesMax: 1 }),
    ]
    deepEqual(
      answers.map((answer) => answer !== null && 'code' in answer && answer.code),
      ['closed', 'closed', 'closed'],
    )
    await (await openOn(disk)).close()
  })

  check('a store that is closed while it loads lets go of everything', async (disk) => {
    const open = new OpenStore(disk.open())
    const loading = open.load()
    await open.close()
    await loading
    await (await openOn(disk)).close()
  })

  check('a second store on the same place is told that it is taken', async (disk) => {
    const first = await openOn(disk)
    const second = new OpenStore(disk.open())
    const outcome = await second.load()
    equal(outcome.type === 'failed' && outcome.code, 'locked')
    const answers = [await second.tryCommit(batchOf({ group: 1 })), await second.entry(1, 1)]
    deepEqual(
      answers.map((answer) => answer !== null && 'code' in answer && answer.code),
      ['locked', 'locked'],
    )
    await second.close()
    await first.commit({ group: 1, entries: entriesOf(1, 1) })
    await first.close()
  })
}
