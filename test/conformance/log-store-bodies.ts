import { deepEqual, equal, ok } from 'node:assert/strict'
import { logIndex } from '#core/raft/types.ts'
import type { Entry } from '#core/raft/types.ts'
import type { FetchedBodies } from '#ports/log-store.ts'
import { bytesOf, chunkOf, compactTo, entriesOf, entryAt, groupAfter, indexesOf, metaAt, openOn, untilGone } from './log-store-kit.ts'
import type { Check } from './log-store-kit.ts'

/** What a store owes entries that outlive the log they came with. */
export function conformBodies(check: Check): void {
  changes(check)
  fetchedOnce(check)
  fetchedAgain(check)
}

const bodies = (after: number, upTo: number, indexes: readonly number[], anew = false): FetchedBodies => ({
  anew,
  after: logIndex(after),
  upTo: logIndex(upTo),
  entries: indexes.map((index) => entryAt(index, { term: 2 })),
})
const received = metaAt(90, 3, 2)
const write = { group: 1, snapshotChunk: chunkOf(received, 0, bytesOf(3, 1)) }

function changes(check: Check): void {
  check('a compaction that names changes costs no other entry, and drops what died', async (disk) => {
    let open = await openOn(disk)
    const written = (index: number): Entry | undefined => entriesOf(index, index, { length: 100 })[0]
    await open.commit({ group: 1, entries: entriesOf(1, 1_000, { length: 100 }) })
    const [first, second] = [metaAt(500, 3), metaAt(900, 3)]
    const everyThird = Array.from({ length: 160 }, (_, at) => 3 * (at + 1))
    await open.commit({
      group: 1,
      snapshotChunk: chunkOf(first, 0, bytesOf(3, 1)),
      compact: compactTo(first, { dropUpTo: 480, live: everyThird }),
    })
    await untilGone(open, 1)
    const died = everyThird.filter((index) => index % 30 !== 0)
    const changed = compactTo(second, { dropUpTo: 900, live: [490, 900], dead: died })
    await open.commit({ group: 1, snapshotChunk: chunkOf(second, 0, bytesOf(3, 1)), compact: changed })
    await untilGone(open, 3)
    await untilGone(open, 477)
    await untilGone(open, 481)
    for (let life = 0; life < 2; life++) {
      for (const index of [30, 240, 480, 490, 900, 901]) deepEqual(await open.entry(1, index), written(index))
      ;({ open } = await groupAfter(open, disk, 1))
    }
    await open.close()
  })

  check('what is left of a log goes also when it dies one by one, in any order', async (disk) => {
    const open = await openOn(disk)
    await open.commit({ group: 1, entries: entriesOf(1, 70, { length: 900 }) })
    const all = Array.from({ length: 70 }, (_, at) => at + 1)
    let meta = metaAt(70, 0)
    await open.commit({ group: 1, snapshotChunk: chunkOf(meta, 0, bytesOf(0, 1)), compact: compactTo(meta, { dropUpTo: 70, live: all }) })
    const left = new Set(all)
    for (let step = 0; left.size > 1; step++) {
      const index = ((step * 27) % 70) + 1
      left.delete(index)
      await open.commit({ group: 1, entries: entriesOf(71 + step, 71 + step) })
      meta = metaAt(71 + step, 0)
      const compact = compactTo(meta, { dropUpTo: 71 + step, dead: [index] })
      await open.commit({ group: 1, snapshotChunk: chunkOf(meta, 0, bytesOf(0, 1)), compact })
      for (const [at, kept] of [...left].entries()) if (at % 23 === step % 23) ok((await open.entry(1, kept)) !== null, `${kept} is there`)
    }
    const [last = 0] = left
    // Whoever rewrites what is half dead may leave as much that is dead as lives.
    for (let turn = 0, found = 70; found > 2; turn++) {
      ok(turn < 2_000, `${found} are still there`)
      await new Promise((resolve) => void setImmediate(resolve))
      found = 0
      for (const index of all) if ((await open.entry(1, index)) !== null) found++
    }
    deepEqual(await open.entry(1, last), entriesOf(last, last, { length: 900 })[0])
    await open.close()
  })
}

function fetchedOnce(check: Check): void {
  check('decision Q1: bodies that were fetched are there when their snapshot is, with those that the log had before', async (disk) => {
    let open = await openOn(disk)
    await open.commit({ group: 1, entries: entriesOf(1, 30) })
    await open.commit({ ...write, bodies: bodies(20, 50, [25, 40, 50], true) })
    deepEqual(await open.entry(1, 25), entriesOf(25, 25)[0], 'the log is as it was')
    const { open: next, stored } = await groupAfter(open, disk, 1)
    deepEqual([stored.bodies, stored.entries], [{ after: 20, upTo: 50 }, entriesOf(1, 30)])
    open = next
    await open.commit({ group: 1, bodies: bodies(50, 90, [90]) })
    await open.commit({ group: 1, install: received, entries: entriesOf(91, 92, { term: 2 }) })
    const kept = [7, 20].map((index) => entryAt(index, { bytes: bytesOf(20, index + 100) }))
    const fetched = [25, 40, 50, 90].map((index) => entryAt(index, { term: 2 }))
    for (let life = 0; life < 2; life++) {
      for (const entry of [...kept, ...fetched, ...entriesOf(91, 92, { term: 2 })]) deepEqual(await open.entry(1, entry.index), entry)
      for (const index of [21, 30, 41, 89]) equal(await open.entry(1, index), null, `${index} is not there`)
      const after = await groupAfter(open, disk, 1)
      deepEqual([after.stored.base.index, after.stored.bodies, indexesOf(after.stored.entries)], [90, null, [91, 92]])
      ;({ open } = after)
    }
    await open.close()
  })
}

function fetchedAgain(check: Check): void {
  check('bodies of several snapshots stay until a compaction does not name them, or names them dead', async (disk) => {
    let open = await openOn(disk)
    await open.commit({ group: 1, entries: entriesOf(1, 30) })
    await open.commit({ ...write, bodies: bodies(30, 90, [40, 70, 75, 80], true), install: received })
    const [later, own, last] = [metaAt(200, 0, 2), metaAt(201, 0, 2), metaAt(202, 0, 2)]
    await open.commit({ group: 1, bodies: bodies(90, 250, [150, 160, 170, 190, 230], true) })
    await open.commit({
      group: 1,
      snapshotChunk: chunkOf(later, 0, bytesOf(0, 1)),
      install: later,
      entries: entriesOf(201, 202, { term: 2 }),
    })
    equal(await open.entry(1, 230), null, 'what is behind the snapshot is for the log to bring')
    const there = async (...indexes: readonly number[]): Promise<void> => {
      for (const index of indexes) ok((await open.entry(1, index)) !== null, `${index} is there`)
    }
    await there(1, 30, 40, 80, 150, 160, 190, 201)
    const live = [5, 30, 40, 150, 160, 170, 190, 201]
    await open.commit({
      group: 1,
      snapshotChunk: chunkOf(own, 0, bytesOf(0, 1)),
      compact: compactTo(own, { dropUpTo: 201, dropTerm: 2, live }),
    })
    for (const index of [1, 70, 80]) await untilGone(open, index)
    await there(...live)
    const changed = compactTo(last, { dropUpTo: 202, dropTerm: 2, live: [202], dead: [5, 30, 150, 160, 170] })
    await open.commit({ group: 1, snapshotChunk: chunkOf(last, 0, bytesOf(0, 1)), compact: changed })
    for (const index of [5, 30, 150, 170]) await untilGone(open, index)
    ;({ open } = await groupAfter(open, disk, 1))
    await there(40, 190, 201, 202)
    await open.close()
  })

  check('bodies that are begun anew, and those behind a compaction, leave nothing of what was fetched before', async (disk) => {
    const open = await openOn(disk)
    await open.commit({ group: 1, entries: entriesOf(1, 30) })
    await open.commit({ group: 1, bodies: bodies(10, 60, [40], true) })
    await open.commit({ group: 1, bodies: bodies(30, 90, [70], true) })
    await open.commit({ ...write, install: received })
    deepEqual([await open.entry(1, 40), (await open.entry(1, 70)) !== null, (await open.entry(1, 25)) !== null], [null, true, true])
    const [own, later] = [metaAt(91, 0, 2), metaAt(120, 0, 3)]
    await open.commit({ group: 1, entries: entriesOf(91, 91, { term: 2 }), bodies: bodies(90, 100, [95], true) })
    await open.commit({ group: 1, snapshotChunk: chunkOf(own, 0, bytesOf(0, 1)), compact: compactTo(own, { dropUpTo: 91, dropTerm: 2 }) })
    const { open: next, stored } = await groupAfter(open, disk, 1)
    equal(stored.bodies, null)
    await next.commit({ group: 1, snapshotChunk: chunkOf(later, 0, bytesOf(0, 1)), install: later })
    deepEqual([await next.entry(1, 95), await next.entry(1, 91)], [null, null])
    await next.close()
  })
}
