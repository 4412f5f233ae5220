import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { cpSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { logIndex, replicaId, term } from '#core/raft/types.ts'
import { LmdbLogStore } from '#io/lmdb/lmdb-log-store.ts'
import type { LoadOutcome } from '#ports/log-store.ts'
import { OpenStore, batchOf, chunkOf, compactTo, entriesOf, metaAt } from '#test/conformance/log-store-kit.ts'
import { JournaledLogStore } from './journaled-log-store.ts'
import { pageBytes } from './limits.ts'

const storeIn = (folder: string): OpenStore => new OpenStore(new JournaledLogStore({ folder, beneath: new LmdbLogStore({ folder }) }))

/** What a node leaves that loses power now: all that was durable. Nobody holds its store any more. */
function crashImage(folder: string): string {
  const image = `${folder}-image`
  rmSync(image, { recursive: true, force: true })
  cpSync(folder, image, { recursive: true })
  rmSync(join(image, 'store.lock'))
  return image
}

const journalsIn = (folder: string): string[] => readdirSync(folder).filter((name) => name.startsWith('journal-'))
const journalOf = (folder: string): string => join(folder, journalsIn(folder)[0] ?? 'none')

async function withStore(body: (store: OpenStore, folder: string) => Promise<void>): Promise<void> {
  const parent = mkdtempSync(join(tmpdir(), 'lockstep-journal-'))
  const folder = join(parent, 'store')
  const store = storeIn(folder)
  try {
    await store.loaded()
    await body(store, folder)
  } finally {
    await store.close()
    rmSync(parent, { recursive: true })
  }
}

async function loadOnce(folder: string): Promise<LoadOutcome> {
  const store = storeIn(folder)
  const outcome = await store.load()
  await store.close()
  return outcome
}

async function groupAfterCrash(folder: string): Promise<unknown> {
  const outcome = await loadOnce(crashImage(folder))
  ok(outcome.type === 'loaded', 'detail' in outcome ? outcome.detail : '')
  return outcome.groups
}

const about = new Uint8Array([1, 2])

test('what only the journal has is there after a crash: terms, cuts, entries, new groups; and a partial snapshot that was overtaken is not', async () => {
  await withStore(async (store, folder) => {
    const partial = metaAt(6, 100)
    await store.commit({ group: 1, entries: entriesOf(1, 5), snapshotChunk: chunkOf(partial, 0, new Uint8Array(50)) })
    await store.commit({ group: 1, truncateFrom: logIndex(4), entries: entriesOf(4, 7, { term: 2 }) })
    await store.commit({ group: 1, hardState: { term: term(2), vote: null } }, { group: 2, about })
    const groups = await groupAfterCrash(folder)
    const common = { snapshot: null, base: { index: 0, term: 0 }, partial: null, bodies: null }
    deepEqual(groups, [
      {
        ...common,
        group: 1,
        about: null,
        hardState: { term: 2, vote: null },
        entries: [...entriesOf(1, 3), ...entriesOf(4, 7, { term: 2 })],
      },
      { ...common, group: 2, about, hardState: { term: 0, vote: null }, entries: [] },
    ])
  })
})

test('a crash soon after a crash loses nothing, and leaves one journal', async () => {
  await withStore(async (store, folder) => {
    await store.commit({ group: 1, entries: entriesOf(1, 5) })
    const image = crashImage(folder)
    for (let last = 5; last < 8; last++) {
      const next = storeIn(image)
      deepEqual((await next.loaded()).groups[0]?.entries, entriesOf(1, last))
      await next.commit({ group: 1, entries: entriesOf(last + 1, last + 1) })
      const later = crashImage(image)
      await next.close()
      rmSync(image, { recursive: true })
      renameSync(later, image)
      equal(journalsIn(image).length, 1)
    }
  })
})

test('pitfall 41: a journal with a bad record before a good one, a cut one and a missing one are damage; a torn end is not', async () => {
  await withStore(async (store, folder) => {
    await store.commit({ group: 1, entries: entriesOf(1, 1) })
    await store.commit({ group: 1, entries: entriesOf(2, 2) })
    const detailOf = async (image: string): Promise<string> => {
      const outcome = await loadOnce(image)
      equal(outcome.type, 'damaged')
      return 'detail' in outcome ? outcome.detail : ''
    }
    const flipped = crashImage(folder)
    const bytes = readFileSync(journalOf(flipped))
    bytes.writeUInt8(bytes.readUInt8(60) ^ 1, 60)
    writeFileSync(journalOf(flipped), bytes)
    match(await detailOf(flipped), /record 1 of the journal fails its checksum.*must not vote/s)

    const cut = crashImage(folder)
    truncateSync(journalOf(cut), pageBytes)
    match(await detailOf(cut), /has 4096 bytes in place of/)

    const gone = crashImage(folder)
    rmSync(journalOf(gone))
    match(await detailOf(gone), /is gone/)

    const torn = crashImage(folder)
    const tail = readFileSync(journalOf(torn))
    tail.fill(0, pageBytes + 60, 2 * pageBytes)
    writeFileSync(journalOf(torn), tail)
    const outcome = await loadOnce(torn)
    deepEqual(outcome.type === 'loaded' ? outcome.groups[0]?.entries : outcome, entriesOf(1, 1))
  })
})

test('a crash while a crash is mended loses nothing', async () => {
  await withStore(async (store, folder) => {
    await store.commit({ group: 1, entries: entriesOf(1, 5) })
    const image = crashImage(folder)
    // The next life had taken the journal away, begun another, and named neither.
    const journal = journalOf(image)
    cpSync(journal, `${journal}.seized`)
    rmSync(journal)
    writeFileSync(join(image, 'journal-00c0ffee'), 'begun')
    const outcome = await loadOnce(image)
    deepEqual(outcome.type === 'loaded' ? outcome.groups[0]?.entries : outcome, entriesOf(1, 5))
    equal(journalsIn(image).length, 1)
  })
})

test('a process whose store was taken over by one that it cannot see reports nothing any more', async () => {
  await withStore(async (store, folder) => {
    await store.commit({ group: 1, entries: entriesOf(1, 5) })
    rmSync(join(folder, 'store.lock'))
    const other = storeIn(folder)
    deepEqual((await other.loaded()).groups[0]?.entries, entriesOf(1, 5))
    const failure = await store.tryCommit({ node: null, groups: [] })
    equal(failure?.code, 'locked')
    await other.commit({ group: 1, entries: entriesOf(6, 6) })
    await other.close()
  })
})

test('what is reported durable while another process takes the store over is there for that one', async () => {
  await withStore(async (store, folder) => {
    await store.commit({ group: 1, entries: entriesOf(1, 5) })
    // It takes turns to read.
    for (let at = 0; at < 40; at++) await store.commit({ group: 2, entries: entriesOf(1 + at * 4, 4 + at * 4, { length: 250_000 }) })
    rmSync(join(folder, 'store.lock'))
    const other = storeIn(folder)
    const loading = other.loaded()
    const vote = { group: 1, hardState: { term: term(9), vote: replicaId('b') } }
    // What the journal cannot hold takes it along to the store beneath, as a checkpoint does.
    const chunk = { group: 1, snapshotChunk: chunkOf(metaAt(30, 10), 0, new Uint8Array(1)) }
    const [voted, checkpointed] = await Promise.all([vote, chunk].map((write) => store.tryCommit(batchOf(write))))
    const { groups } = await loading
    await other.close()
    deepEqual([voted, groups[0]?.hardState], [null, vote.hardState])
    equal(checkpointed?.code, 'locked')
  })
})

test('what a checkpoint has taken is not replayed over a compaction', async () => {
  await withStore(async (store, folder) => {
    const meta = metaAt(8, 10)
    await store.commit({ group: 1, entries: entriesOf(1, 10) })
    await store.commit({ group: 1, snapshotChunk: chunkOf(meta, 0, new Uint8Array(10)), compact: compactTo(meta, { dropUpTo: 8 }) })
    await store.commit({ group: 1, entries: entriesOf(11, 12) })
    const outcome = await loadOnce(crashImage(folder))
    ok(outcome.type === 'loaded')
    deepEqual(outcome.groups[0]?.base, { index: 8, term: 1 })
    deepEqual(outcome.groups[0]?.entries, entriesOf(9, 12))
  })
})
