import { deepEqual, equal, match, notEqual, ok } from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { test } from 'node:test'
import { crc32 } from 'node:zlib'
import { open } from 'lmdb'
import type { RootDatabase } from 'lmdb'
import { logIndex, replicaId, term } from '#core/raft/types.ts'
import type { LoadOutcome } from '#ports/log-store.ts'
import { OpenStore, batchOf, bytesOf, chunkOf, compactTo, entriesOf, metaAt } from '#test/conformance/log-store-kit.ts'
import { durableOptions } from './environment.ts'
import { chunkKey, entriesKey, groupKey, nodeKey, ownerKey, storeKey, streamId, tailKey, tombstoneKey } from './keys.ts'
import { LmdbLogStore } from './lmdb-log-store.ts'

const tracer = 'strace'
const rounds = 6
const isLarge = (round: number): boolean => round % 2 === 0

/** In a child process: small commits and large ones in turn; says on standard output when each begins, and when it is reported. */
async function commitInTurn(folder: string): Promise<void> {
  const opened = new OpenStore(new LmdbLogStore({ folder }))
  await opened.loaded()
  for (let round = 1; round <= rounds; round++) {
    writeSync(1, `begin ${round}\n`)
    await opened.commit({ group: 1, entries: entriesOf(round, round, { length: isLarge(round) ? 200_000 : 10 }) })
    writeSync(1, `end ${round}\n`)
    // What the store does by itself after a commit is over two turns later.
    for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => void setImmediate(resolve))
  }
  await opened.close()
}

/** In a child process: holds the store until it is killed. */
async function hold(folder: string): Promise<void> {
  const opened = new OpenStore(new LmdbLogStore({ folder }))
  await opened.loaded()
  await opened.commit({ group: 1, entries: entriesOf(1, 3) })
  writeSync(1, 'held\n')
  setInterval(() => {}, 60_000)
}

/** In a child process that may not write large files: commits until that fails, then once more; prints what was durable and both codes. */
async function fillUp(folder: string, length: number): Promise<void> {
  const opened = new OpenStore(new LmdbLogStore({ folder }))
  await opened.loaded()
  for (let index = 1; ; index++) {
    const failure = await opened.tryCommit(batchOf({ group: 1, entries: entriesOf(index, index, { length }) }))
    if (failure === null) continue
    const next = await opened.tryCommit(batchOf({ group: 2 }))
    writeSync(1, JSON.stringify([index - 1, failure.code, next?.code]))
    break
  }
  await opened.close()
}

async function withFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const parent = mkdtempSync(join(tmpdir(), 'lockstep-damage-'))
  try {
    await body(join(parent, 'store'))
  } finally {
    rmSync(parent, { recursive: true })
  }
}

/** A store with three runs of entries, a snapshot in two chunks, a hard state, a node record and a tombstone. Group 1's log is stream 1. */
async function fill(folder: string): Promise<void> {
  const opened = new OpenStore(new LmdbLogStore({ folder }))
  await opened.loaded()
  const [snapshot, vote] = [metaAt(2, 600), replicaId('a')]
  await opened.tryCommit({ ...batchOf({ group: 1, hardState: { term: term(4), vote }, entries: entriesOf(1, 10) }), node: bytesOf(8, 8) })
  await opened.commit({ group: 1, entries: entriesOf(11, 20) })
  await opened.commit({ group: 1, entries: entriesOf(21, 30) })
  await opened.commit({ group: 1, snapshotChunk: chunkOf(snapshot, 0, bytesOf(300, 1)) })
  const rest = chunkOf(snapshot, 300, bytesOf(300, 2))
  await opened.commit({ group: 1, snapshotChunk: rest, compact: compactTo(snapshot, { dropUpTo: 1, live: [1] }) })
  await opened.commit({ group: 2, about: bytesOf(2, 2) }, { group: 2, remove: { tombstone: bytesOf(5, 5) } })
  await opened.close()
}

/** What is done to a store behind its back. */
async function tamper(folder: string, change: (database: RootDatabase<Uint8Array, Uint8Array>) => void): Promise<void> {
  const database = open<Uint8Array, Uint8Array>({ path: folder, encoding: 'binary', keyEncoding: 'binary', maxDbs: 1, ...durableOptions })
  database.transactionSync(() => change(database))
  await database.close()
}

/** Flips one bit of a record, the middle one. */
const flip = async (folder: string, key: Uint8Array): Promise<void> =>
  tamper(folder, (database) => {
    const record = database.getBinary(key)
    ok(record !== undefined, 'there is a record to damage')
    const flipped = new Uint8Array(record)
    const at = record.length >> 1
    flipped[at] = (flipped[at] ?? 0) ^ 0x10
    void database.put(key, flipped)
  })

const remove = async (folder: string, key: Uint8Array): Promise<void> =>
  tamper(folder, (database) => {
    equal(database.removeSync(key), true, 'there is a record to remove')
  })

async function outcomeOf(folder: string): Promise<LoadOutcome> {
  const opened = new OpenStore(new LmdbLogStore({ folder }))
  const outcome = await opened.load()
  await opened.close()
  return outcome
}

async function expectDamage(folder: string, detail: RegExp): Promise<void> {
  for (let attempt = 0; attempt < 2; attempt++) {
    const outcome = await outcomeOf(folder)
    ok(outcome.type === 'damaged', `loading says ${JSON.stringify(outcome).slice(0, 300)}`)
    match(outcome.detail, detail)
    match(outcome.detail, /must not vote as its former self.*let the node join again as a new replica/)
    ok(outcome.detail.includes(folder), 'the advice names the folder')
  }
}

/** One line of a trace: thread, call, and what it returned; a call that others interrupted ends on a line that says `resumed`. */
function checkTrace(trace: string): void {
  const lines = trace.split('\n')
  const meta = /data\.mdb".*O_DSYNC.* = (\d+)/.exec(trace)?.[1]
  notEqual(meta, undefined, 'the meta page goes through a descriptor that syncs each write')
  for (let round = 1; round <= rounds; round++) {
    const from = lines.findIndex((line) => line.includes(`write(1, "begin ${round}\\n"`))
    const to = lines.findIndex((line) => line.includes(`write(1, "end ${round}\\n"`))
    ok(from !== -1 && to > from, `round ${round} is in the trace`)
    const within = lines.slice(from, to)
    const synced = within.findIndex((line) => /fdatasync.* = 0$/.test(line))
    const metaWritten = within.findIndex((line, at) => at > synced && line.includes(`pwrite64(${meta},`))
    ok(synced !== -1, `round ${round}: the data are synced before the answer`)
    ok(metaWritten > synced, `round ${round}: the meta page is written after the data are synced and before the answer`)
    const thread = (line: string | undefined): string | undefined => line?.split(' ')[0]
    // A small one stays on the event loop as long as no other has been slow, so the first one does.
    const left = thread(within[synced]) !== thread(lines[to])
    if (round === 1 || isLarge(round)) equal(left, isLarge(round), `round ${round}: only a large transaction leaves the event loop`)
  }
}

const [mode, folderOfChild, lengthOfChild] = process.argv.slice(2)
if (mode === 'commit-in-turn' && folderOfChild !== undefined) await commitInTurn(folderOfChild)
else if (mode === 'hold' && folderOfChild !== undefined) await hold(folderOfChild)
else if (mode === 'fill-up' && folderOfChild !== undefined) await fillUp(folderOfChild, Number(lengthOfChild))
else {
  test('decision R6: LMDB is opened so that a commit is synced, data before meta page, when it reports', () => {
    deepEqual(durableOptions, { overlappingSync: false, noSync: false, noMetaSync: false, useWritemap: false, mapAsync: false })
  })

  const log = streamId(1)
  const snapshot = streamId(2)
  const records = new Map<string, { readonly key: Uint8Array; readonly flipped: RegExp; readonly removed: RegExp }>([
    [
      'the last log record',
      {
        key: entriesKey(log, logIndex(21)),
        flipped: /index 21 fails its checksum/,
        removed: /ends at index 20 .* tail marker says index 30/,
      },
    ],
    [
      'a log record in the middle',
      { key: entriesKey(log, logIndex(11)), flipped: /index 11 fails its checksum/, removed: /between index 10 and index 21 are missing/ },
    ],
    [
      'the hard state',
      { key: groupKey(1), flipped: /Group 1: the record with the hard state fails its checksum/, removed: /hard state is missing/ },
    ],
    ['the tail marker', { key: tailKey(1), flipped: /tail marker fails its checksum/, removed: /tail marker is missing/ }],
    [
      'the first chunk of the snapshot',
      { key: chunkKey(snapshot, 0), flipped: /chunk at offset 0 fails/, removed: /chunk between 0 and 300 is missing/ },
    ],
    [
      'the last chunk of the snapshot',
      { key: chunkKey(snapshot, 300), flipped: /chunk at offset 300 fails/, removed: /of 600 bytes 300 are there/ },
    ],
    ['the tombstone', { key: tombstoneKey(2), flipped: /tombstone of group 2 fails/, removed: /tombstone of group 2 is missing/ }],
    ['the record of the node', { key: nodeKey, flipped: /record of the node fails/, removed: /record of the node is missing/ }],
    ['the record of the store', { key: storeKey, flipped: /record of the store fails/, removed: /record of the store is missing/ }],
  ])

  test('pitfall 41: a flipped bit in any record, the last of the log or another, is damage and says what to do', async () => {
    for (const { key, flipped } of records.values()) {
      await withFolder(async (folder) => {
        await fill(folder)
        await flip(folder, key)
        await expectDamage(folder, flipped)
      })
    }
  })

  test('pitfall 35: a record that is gone, also the last of the log, is damage and not a shorter log', async () => {
    for (const { key, removed } of records.values()) {
      await withFolder(async (folder) => {
        await fill(folder)
        await remove(folder, key)
        await expectDamage(folder, removed)
      })
    }
  })

  test('a record in the place of another fails its checksum', () =>
    withFolder(async (folder) => {
      await fill(folder)
      await tamper(folder, (database) => {
        const record = database.getBinary(entriesKey(log, logIndex(11)))
        ok(record !== undefined)
        void database.put(entriesKey(log, logIndex(21)), record)
      })
      await expectDamage(folder, /index 21 fails its checksum/)
    }))

  test('a damaged record that is met after loading is an answer, and ends the writing', () =>
    withFolder(async (folder) => {
      await fill(folder)
      const opened = new OpenStore(new LmdbLogStore({ folder }))
      await opened.loaded()
      await tamper(folder, (database) => void database.put(entriesKey(log, logIndex(1)), Buffer.from('no record')))
      const answers = [await opened.entry(1, 1), await opened.tryCommit(batchOf({ group: 1 }))]
      for (const answer of answers) {
        ok(answer !== null && 'code' in answer)
        equal(answer.code, 'damaged')
        match(answer.detail, /index 1 fails its checksum.*move it away/)
      }
      await opened.close()
    }))

  test('a record of a newer format is told apart from damage', () =>
    withFolder(async (folder) => {
      await fill(folder)
      await tamper(folder, (database) => {
        const record = new Uint8Array(database.getBinary(groupKey(1)) ?? [])
        record[0] = 2
        new DataView(record.buffer).setUint32(1, crc32(record.subarray(5), (crc32(groupKey(1)) ^ 2) >>> 0), true)
        void database.put(groupKey(1), record)
      })
      const outcome = await outcomeOf(folder)
      ok(outcome.type === 'failed')
      equal(outcome.code, 'unknown-format')
      match(outcome.detail, /has format 2, which a newer version/)
    }))

  test('a file that was cut, or holds something else, is damage and not a new store', async () => {
    for (const pages of [1, 2, 4]) {
      await withFolder(async (folder) => {
        await fill(folder)
        truncateSync(join(folder, 'data.mdb'), pages * 4_096)
        await expectDamage(folder, /is not a store|MDB_CORRUPTED/)
      })
    }
    await withFolder(async (folder) => {
      await fill(folder)
      writeFileSync(join(folder, 'data.mdb'), bytesOf(40_000, 1))
      await expectDamage(folder, /is not a store, or its beginning is gone/)
    })
  })

  test('a file that ends before the last page that was taken, because that was given back unwritten, is a whole store', () =>
    withFolder(async (folder) => {
      await fill(folder)
      const key = Buffer.from('passing')
      let pagesTaken = 0
      await tamper(folder, (database) => {
        database.putSync(key, new Uint8Array(1 << 20))
        database.removeSync(key)
      })
      await tamper(folder, (database) => {
        const { lastPageNumber } = database.getStats() as { readonly lastPageNumber: number }
        pagesTaken = lastPageNumber + 1
      })
      ok(statSync(join(folder, 'data.mdb')).size < pagesTaken * 4_096, 'the file is shorter than its pages')
      const outcome = await outcomeOf(folder)
      deepEqual(outcome.type === 'loaded' && outcome.groups[0]?.entries, entriesOf(2, 30))
    }))

  test('a store that another one claimed writes nothing more', () =>
    withFolder(async (folder) => {
      const opened = new OpenStore(new LmdbLogStore({ folder }))
      await opened.loaded()
      await opened.commit({ group: 1, entries: entriesOf(1, 1) })
      await tamper(folder, (database) => void database.put(ownerKey, Buffer.from('somebody else')))
      for (const length of [10, 200_000]) {
        const failure = await opened.tryCommit(batchOf({ group: 1, entries: entriesOf(2, 2, { length }) }))
        equal(failure?.code, 'locked')
      }
      await opened.close()
      rmSync(join(folder, 'store.lock'), { force: true })
      const outcome = await outcomeOf(folder)
      deepEqual(outcome.type === 'loaded' && outcome.groups[0]?.entries.length, 1)
    }))

  test('a disk with too little room is full before LMDB meets its end; that stays, and restarting needs room', () =>
    withFolder(async (folder) => {
      let free = 1 << 30
      const openWith = (): OpenStore => new OpenStore(new LmdbLogStore({ folder, freeBytes: () => free }))
      const first = openWith()
      await first.loaded()
      await first.commit({ group: 1, entries: entriesOf(1, 1) })
      free = 1 << 20
      const codes = [(await first.tryCommit(batchOf({ group: 1, entries: entriesOf(2, 2) })))?.code]
      free = 1 << 30
      codes.push((await first.tryCommit(batchOf({ group: 2 })))?.code)
      deepEqual(codes, ['disk-full', 'disk-full'])
      await first.close()
      free = 0
      const second = openWith()
      const refused = await second.load()
      equal(refused.type === 'failed' && refused.code, 'disk-full')
      await second.close()
      free = 1 << 30
      const third = openWith()
      deepEqual((await third.loaded()).groups[0]?.entries, entriesOf(1, 1))
      await third.close()
    }))

  test('a disk that refuses a write is an answer; it stays, and what was durable before is there afterwards', () =>
    withFolder(async (folder) => {
      const child = [process.execPath, ...process.execArgv, import.meta.filename, 'fill-up', folder, '100000']
      const run = spawnSync('sh', ['-c', 'ulimit -f 2000 && exec "$0" "$@"', ...child], { encoding: 'utf8', timeout: 15_000 })
      equal(run.status, 0, run.stderr)
      const [durable, code, later] = JSON.parse(run.stdout) as [number, string, string]
      ok(durable > 0 && (code === 'io-error' || code === 'disk-full'))
      equal(later, code)
      const outcome = await outcomeOf(folder)
      deepEqual(outcome.type === 'loaded' && outcome.groups[0]?.entries, entriesOf(1, durable, { length: 100_000 }))
    }))

  test('another process is told who has the store; when that one was killed its lock is reclaimed and its commits are there', () =>
    withFolder(async (folder) => {
      const child = spawn(process.execPath, [...process.execArgv, import.meta.filename, 'hold', folder], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      try {
        await once(child.stdout, 'data')
        const refused = await outcomeOf(folder)
        ok(refused.type === 'failed')
        equal(refused.code, 'locked')
        match(refused.detail, new RegExp(`process ${child.pid} has this store`))
      } finally {
        child.kill('SIGKILL')
        await once(child, 'exit')
      }
      ok(existsSync(join(folder, 'store.lock')), 'the lock is left behind')
      const outcome = await outcomeOf(folder)
      deepEqual(outcome.type === 'loaded' && outcome.groups[0]?.entries, entriesOf(1, 3))
    }))

  test('a lock of an earlier process with the same id, or one that says nothing, is reclaimed', async () => {
    const stale = JSON.stringify({ pid: process.pid, started: 'another-boot 1', token: 'x' })
    for (const content of [stale, '', '{"pid":']) {
      await withFolder(async (folder) => {
        await fill(folder)
        writeFileSync(join(folder, 'store.lock'), content)
        equal((await outcomeOf(folder)).type, 'loaded')
        ok(!existsSync(join(folder, 'store.lock')), 'closing lets go')
      })
    }
  })

  test('decision R6: data are synced, then the meta page, then the commit reports; inline and on the thread', (t) =>
    withFolder(async (folder) => {
      if (spawnSync(tracer, ['-V']).status !== 0) {
        t.skip('strace is not installed')
        return
      }
      const trace = `${folder}.trace`
      const child = [process.execPath, ...process.execArgv, import.meta.filename, 'commit-in-turn', folder]
      const run = spawnSync(tracer, ['-f', '-o', trace, '-e', 'trace=openat,fdatasync,pwrite64,write', ...child], {
        encoding: 'utf8',
        timeout: 18_000,
      })
      equal(run.status, 0, run.stderr)
      checkTrace(readFileSync(trace, 'latin1'))
    }))
}
