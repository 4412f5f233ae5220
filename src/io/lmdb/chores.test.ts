import { deepEqual, equal, ok } from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { LogIndex } from '#core/raft/types.ts'
import { logIndex } from '#core/raft/types.ts'
import { OpenStore, bytesOf, chunkOf, compactTo, entriesOf, metaAt, rangesOf } from '#test/conformance/log-store-kit.ts'
import { Chores } from './chores.ts'
import { Environment } from './environment.ts'
import type { StreamId } from './keys.ts'
import { chunksOf, positionOf, runsFrom, streamId } from './keys.ts'
import { limits } from './limits.ts'
import { LmdbLogStore } from './lmdb-log-store.ts'
import { readRun } from './records.ts'
import { perform, runOf } from './transaction.ts'

const log = streamId(1)
const all = Number.MAX_SAFE_INTEGER

async function withFolder(body: (folder: string) => Promise<void> | void): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-chores-'))
  try {
    await body(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const withEnvironment = async (body: (environment: Environment) => void): Promise<void> =>
  withFolder(async (folder) => {
    const environment = new Environment({ folder, freeBytes: () => all })
    body(environment)
    await environment.close()
  })

/** Runs of `length` entries each, from index 1 on. */
const putRuns = (environment: Environment, stream: StreamId, shape: { readonly runs: number; readonly length: number }): void =>
  environment.inline(() => {
    for (let run = 0; run < shape.runs; run++) {
      const { key, record } = runOf(stream, entriesOf(run * shape.length + 1, (run + 1) * shape.length))
      environment.put(key, record)
    }
  })

const firstsOf = (environment: Environment, stream: StreamId): number[] =>
  environment.keys(runsFrom(stream, logIndex(0)), all).map(positionOf)

/** One share of what there is to do; how many records it touched. */
function sweepOnce(environment: Environment, chores: Chores, recordsMax: number): number {
  const { removals, puts } = chores.next(environment, recordsMax)
  environment.inline(() => perform(environment, { truncations: [], removals, puts }))
  return removals.length
}

const compaction = (upTo: number, live: readonly number[], dead: readonly number[] | null = null) => ({
  type: 'compact' as const,
  stream: log,
  after: logIndex(0),
  upTo: logIndex(upTo),
  live: rangesOf(live),
  dead: dead === null ? null : rangesOf(dead),
})

const range = (first: number, last: number): LogIndex[] => Array.from({ length: last - first + 1 }, (_, at) => logIndex(first + at))

test('a stream is dropped a bounded number of records per transaction, and no other with it', () =>
  withEnvironment((environment) => {
    putRuns(environment, log, { runs: 200, length: 1 })
    putRuns(environment, streamId(2), { runs: 5, length: 1 })
    const chores = new Chores()
    chores.add({ type: 'drop', stream: log })
    const shares: number[] = []
    while (chores.pending) shares.push(sweepOnce(environment, chores, 64))
    deepEqual(shares, [64, 64, 64, 8])
    deepEqual([firstsOf(environment, log), firstsOf(environment, streamId(2))], [[], [1, 2, 3, 4, 5]])
  }))

test('a compaction removes dead runs, rewrites those of which less than half lives, and leaves the others and the one at the cut', () =>
  withEnvironment((environment) => {
    putRuns(environment, log, { runs: 6, length: 10 })
    const chores = new Chores()
    // Runs begin at 1 (dead), 11 (three live), 21 (seven live), 31 (all live), 41 (dead, across the cut) and 51 (beyond it).
    chores.add(compaction(45, [15, 16, 20, ...range(21, 27), ...range(31, 40)]))
    sweepOnce(environment, chores, 64)
    equal(chores.pending, false)
    const kept = environment
      .keys(runsFrom(log, logIndex(0)), all)
      .map((key) => [positionOf(key), readRun(environment, key).map(({ index }) => index)])
    deepEqual(kept, [
      [15, [15, 16, 20]],
      [21, range(21, 30)],
      [31, range(31, 40)],
      [41, range(41, 50)],
      [51, range(51, 60)],
    ])
  }))

test('a compaction goes on where it was; a newer one of the same log begins again and knows what lives now', () =>
  withEnvironment((environment) => {
    putRuns(environment, log, { runs: 100, length: 1 })
    const chores = new Chores()
    chores.add(compaction(90, [5, 50, 80]))
    deepEqual([sweepOnce(environment, chores, 40), sweepOnce(environment, chores, 20)], [39, 19])
    deepEqual(firstsOf(environment, log), [5, 50, ...range(61, 100)])
    chores.add(compaction(95, [80]))
    while (chores.pending) sweepOnce(environment, chores, 40)
    deepEqual(firstsOf(environment, log), [80, ...range(96, 100)])
  }))

/** Reads records as often as it is asked to, and counts how often. */
function counted(environment: Environment): { readonly environment: Environment; readonly reads: () => number } {
  let reads = 0
  const get = environment.get.bind(environment)
  environment.get = (key) => {
    reads++
    return get(key)
  }
  return { environment, reads: () => reads }
}

test('a cut that names changes looks at what is new and at what died, however much lives', () =>
  withEnvironment((environment) => {
    putRuns(environment, log, { runs: 2_000, length: 10 })
    const chores = new Chores()
    chores.add(compaction(19_000, range(1, 19_000)))
    while (chores.pending) sweepOnce(environment, chores, 1_000)
    const { reads } = counted(environment)
    chores.add({ ...compaction(19_050, range(19_021, 19_030), [...range(1, 40), 5_005, 5_006]), after: logIndex(19_000) })
    let shares = 0
    for (; chores.pending; shares++) sweepOnce(environment, chores, 64)
    deepEqual(firstsOf(environment, log).slice(0, 2), [41, 51])
    deepEqual(firstsOf(environment, log).slice(-97, -94), [18_991, 19_021, 19_051])
    ok(shares <= 2 && reads() <= 3, `${reads()} reads in ${shares} transactions`)
  }))

test('what dies in several cuts before the store gets round to it is gone in the end', () =>
  withEnvironment((environment) => {
    putRuns(environment, log, { runs: 4, length: 100 })
    const chores = new Chores()
    chores.add(compaction(400, range(1, 400)))
    while (chores.pending) sweepOnce(environment, chores, 64)
    for (let cut = 0; cut < 5; cut++) {
      const dead = range(1, 300).filter((index) => index % 5 === cut && index !== 150)
      chores.add({ ...compaction(400, [], dead), after: logIndex(400) })
    }
    while (chores.pending) sweepOnce(environment, chores, 64)
    deepEqual(firstsOf(environment, log), [150, 301])
    for (const key of environment.keys(runsFrom(log, logIndex(0)), all))
      ok(readRun(environment, key).length === (positionOf(key) === 150 ? 1 : 100))
  }))

test('a log that is given up ends its compaction', () =>
  withEnvironment((environment) => {
    putRuns(environment, log, { runs: 20, length: 1 })
    const chores = new Chores()
    chores.add(compaction(15, [3]))
    sweepOnce(environment, chores, 4)
    chores.add({ type: 'drop', stream: log })
    sweepOnce(environment, chores, 64)
    deepEqual([firstsOf(environment, log), chores.pending], [[], false])
  }))

/** How many records of logs and snapshots a closed store has. */
async function recordsIn(folder: string, streams: readonly StreamId[]): Promise<number> {
  const environment = new Environment({ folder, freeBytes: () => all })
  const ranges = streams.flatMap((stream) => [runsFrom(stream, logIndex(0)), chunksOf(stream)])
  const count = ranges.reduce((sum, each) => sum + environment.keys(each, all).length, 0)
  await environment.close()
  return count
}

async function opened(folder: string): Promise<OpenStore> {
  const open = new OpenStore(new LmdbLogStore({ folder }))
  await open.loaded()
  return open
}

test('what a store did not get round to deleting, its next life deletes; what it wrote meanwhile stays', () =>
  withFolder(async (folder) => {
    const first = await opened(folder)
    const entries = 2 * (limits.sweepRecordsIdle + limits.sweepRecordsBusy)
    const [small, later] = [metaAt(entries, 6), metaAt(entries + 9, 3)]
    await first.commit({ group: 1, entries: entriesOf(1, entries, { length: 9_000 }), snapshotChunk: chunkOf(small, 0, bytesOf(6, 1)) })
    await first.commit({ group: 1, compact: compactTo(small, { dropUpTo: 1, live: [1] }) })
    await first.commit({ group: 1, snapshotChunk: chunkOf(later, 0, bytesOf(3, 2)), install: later })
    await first.close()
    const replaced = [streamId(1), streamId(2)]
    ok((await recordsIn(folder, replaced)) > limits.sweepRecordsIdle, 'closing did not wait for the deletion')
    const expected = entriesOf(entries + 10, entries + 12)
    for (let life = 0; (await recordsIn(folder, replaced)) > 0; life++) {
      ok(life < 20, 'the deletion comes to an end')
      const next = await opened(folder)
      if (life === 0) await next.commit({ group: 1, entries: expected })
      for (let turn = 0; turn < 500; turn++) await new Promise((resolve) => void setImmediate(resolve))
      await next.close()
    }
    const last = new OpenStore(new LmdbLogStore({ folder }))
    const [group] = (await last.loaded()).groups
    deepEqual(group?.entries, expected)
    deepEqual(await last.snapshot(1, later.index), bytesOf(3, 2))
    await last.close()
  }))
