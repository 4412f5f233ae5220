import { deepEqual, equal, ok } from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { millis, wallMillis } from '#base/brand.ts'
import { logIndex, replicaId, term } from '#core/raft/types.ts'
import type { Entry } from '#core/raft/types.ts'
import { JournaledLogStore } from '#io/journal/journaled-log-store.ts'
import { LmdbLogStore } from '#io/lmdb/lmdb-log-store.ts'
import { MemoryDisk } from '#io/memory/memory-disk.ts'
import { MemoryLogStore } from '#io/memory/memory-log-store.ts'
import { emptyWrite } from '#ports/log-store.ts'
import type { GroupWrite, LoadOutcome, LogStore } from '#ports/log-store.ts'
import { packValue, unpackValue } from '#wire/value.ts'
import { FleetingLogStore } from './fleeting-log-store.ts'
import { metaGroup } from './meta-machine.ts'

const slot = 3
const about = (generation: number, decidedAt = 0): Uint8Array =>
  packValue({ replica: replicaId(`n1/a/${generation}`), initial: { voters: [], outgoing: [], learners: [] }, decidedAt })
const entry: Entry = {
  index: logIndex(1),
  term: term(2),
  time: millis(0),
  wall: wallMillis(0),
  payload: { type: 'command', bytes: new Uint8Array([7]) },
}

/** One life of a process on that disk, with its store loaded. */
async function live(disk: MemoryDisk): Promise<Life> {
  return liveOn(new MemoryLogStore(disk))
}

interface Life {
  readonly store: LogStore
  readonly loaded: LoadOutcome
  readonly die: () => Promise<void>
}

async function liveOn(disk: LogStore): Promise<Life> {
  const store = new FleetingLogStore({ disk, memory: new MemoryLogStore() })
  const loaded = await new Promise<LoadOutcome>((resolve) => store.load(resolve))
  return { store, loaded, die: () => new Promise((resolve) => store.close(resolve)) }
}

const commit = (store: LogStore, write: Partial<GroupWrite> & { readonly group: number }): Promise<unknown> =>
  new Promise((resolve) => store.commit({ node: null, groups: [{ ...emptyWrite(write.group), ...write }] }, resolve))

const tombstones = (disk: MemoryDisk): unknown => [...disk.tombstones].map(([group, bytes]) => [group, unpackValue(bytes)])

test('decision C12: a slot is gone with its process, and what is left says which replica there was, and in which term', async () => {
  const disk = new MemoryDisk()
  const { store, die } = await live(disk)
  await commit(store, { group: metaGroup, about: about(0), entries: [entry] })
  equal(await commit(store, { group: slot, about: about(4, 9) }), null)
  const left = (inTerm: number): unknown => [[slot, { replica: 'n1/a/4', term: inTerm, decidedAt: 8 }]]
  deepEqual(tombstones(disk), left(0))
  await commit(store, { group: slot, hardState: { term: term(2), vote: null }, entries: [entry] })
  deepEqual(tombstones(disk), left(2))
  deepEqual([...disk.groups.keys()], [metaGroup])
  const read = await new Promise((resolve) => store.readEntry(slot, logIndex(1), resolve))
  deepEqual(read, entry)
  await die()
  const { loaded } = await live(disk)
  ok(loaded.type === 'loaded')
  deepEqual(
    [loaded.groups.map(({ group }) => group), loaded.tombstones.map(({ group, tombstone }) => [group, unpackValue(tombstone)])],
    [[metaGroup], left(2)],
  )
})

test('decision C12: nothing of a new term is reported before the disk knows that term', async () => {
  const disk = new MemoryDisk()
  const { store } = await live(disk)
  await commit(store, { group: slot, about: about(0) })
  disk.failure = { type: 'failed', code: 'io-error', detail: 'gone' }
  deepEqual(await commit(store, { group: slot, hardState: { term: term(1), vote: replicaId('n1/a/0') } }), disk.failure)
  deepEqual(await commit(store, { group: slot, entries: [entry] }), disk.failure, 'a failure is final')
})

test('decision C12: on a real disk too there is only what is left of a slot', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'fleeting-'))
  context.after(() => rmSync(folder, { recursive: true }))
  const disk = (): LogStore => new JournaledLogStore({ folder, beneath: new LmdbLogStore({ folder }) })
  const { store, die } = await liveOn(disk())
  await commit(store, { group: metaGroup, about: about(0), entries: [entry] })
  await commit(store, { group: slot, about: about(4, 9) })
  equal(await commit(store, { group: slot, hardState: { term: term(2), vote: null }, entries: [entry] }), null)
  await die()
  const { loaded, ...again } = await liveOn(disk())
  ok(loaded.type === 'loaded')
  deepEqual(
    [loaded.groups.map(({ group }) => group), loaded.tombstones.map(({ group, tombstone }) => [group, unpackValue(tombstone)])],
    [[metaGroup], [[slot, { replica: 'n1/a/4', term: 2, decidedAt: 8 }]]],
  )
  await again.die()
})

test('commits are reported in order, whichever store they are of', async () => {
  const { store } = await live(new MemoryDisk())
  const reported: string[] = []
  const writes = [
    ['disk', { group: metaGroup, about: about(0) }],
    ['memory', { group: slot, entries: [entry] }],
    ['both', { group: slot, hardState: { term: term(3), vote: null }, about: about(1) }],
    ['memory again', { group: slot, entries: [{ ...entry, index: logIndex(2) }] }],
  ] as const
  await Promise.all(writes.map(([name, write]) => commit(store, write).then(() => reported.push(name))))
  deepEqual(reported, ['disk', 'memory', 'both', 'memory again'])
})

test('decision C12: a slot that was on disk ends when its node comes back with its slots in memory', async () => {
  const disk = new MemoryDisk()
  const before = new MemoryLogStore(disk)
  await new Promise((resolve) => before.load(resolve))
  await commit(before, { group: slot, about: about(2), hardState: { term: term(2), vote: null }, entries: [entry] })
  await new Promise<void>((resolve) => before.close(resolve))
  const { loaded } = await live(disk)
  ok(loaded.type === 'loaded')
  deepEqual([loaded.groups, loaded.tombstones.length, [...disk.groups.keys()]], [[], 1, []])
  deepEqual(tombstones(disk), [[slot, { replica: 'n1/a/2', term: 2, decidedAt: -1 }]])
})
