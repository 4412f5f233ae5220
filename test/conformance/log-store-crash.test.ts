import { deepEqual, ok } from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { Prng } from '#base/prng.ts'
import { logIndex } from '#core/raft/types.ts'
import { JournaledLogStore } from '#io/journal/journaled-log-store.ts'
import { LmdbLogStore } from '#io/lmdb/lmdb-log-store.ts'
import { MemoryDisk } from '#io/memory/memory-disk.ts'
import { MemoryLogStore } from '#io/memory/memory-log-store.ts'
import type { GroupWrite, LoadOutcome, LogStore, StoreBatch } from '#ports/log-store.ts'
import { OpenStore, batchOf, bytesOf, chunkOf, compactTo, entriesOf, metaAt } from './log-store-kit.ts'

/**
 * Kills a process in the middle of its writing, again and again. What the next life finds must be the state after one of the batches, the last
 * reported one or a later one: batch n bears its number in group 2, whatever it does to group 1, so a torn batch shows.
 */

const lives = 6

const stores: Readonly<Record<string, (folder: string) => LogStore>> = {
  LMDB: (folder) => new LmdbLogStore({ folder }),
  'journaled LMDB': (folder) => new JournaledLogStore({ folder, beneath: new LmdbLogStore({ folder }) }),
}
type Write = Partial<GroupWrite> & { readonly group: number }

/** All batches in order: each replaces the tail of the log and appends; some compact or install. Both processes know them. */
function* script(): Generator<StoreBatch> {
  const prng = new Prng(7)
  let [base, last, term] = [0, 0, 1]
  for (let number = 1; ; number++) {
    const writes: Write[] = []
    if (number % 40 === 0) {
      term++
      const meta = metaAt(last + 5, 600, term)
      writes.push({ group: 1, snapshotChunk: chunkOf(meta, 0, bytesOf(300, number)) })
      writes.push({ group: 1, snapshotChunk: chunkOf(meta, 300, bytesOf(300, number)), install: meta })
      base = last = meta.index
    } else if (number % 9 === 0 && last - base > 10) {
      const meta = metaAt(last, number, term)
      const live = [base + 1, base + 4].filter((index) => index < last)
      writes.push({ group: 1, snapshotChunk: chunkOf(meta, 0, bytesOf(number, number)) })
      writes.push({ group: 1, compact: compactTo(meta, { dropUpTo: last, dropTerm: term, live }) })
      base = last
    }
    const cut = number % 7 === 0 ? Math.max(base, last - 3) + 1 : last + 1
    const to = cut + prng.between(0, 30)
    // Large entries now and then: written on another thread.
    const length = prng.chance(0.1) ? 20_000 : 200
    writes.push({ group: 1, truncateFrom: logIndex(cut), entries: entriesOf(cut, to, { term, length }) })
    last = to
    yield batchOf(...writes, { group: 2, about: new Uint8Array(Buffer.from(String(number))) })
  }
}

const numberOf = (outcome: LoadOutcome): number => {
  ok(outcome.type === 'loaded', 'detail' in outcome ? outcome.detail : outcome.type)
  const about = outcome.groups.find(({ group }) => group === 2)?.about ?? null
  return about === null ? 0 : Number(Buffer.from(about).toString())
}

/** In a child process: goes on where the store is, and says what is durable, until it is killed. */
async function writeUntilKilled(open: (folder: string) => LogStore, folder: string): Promise<void> {
  const opened = new OpenStore(open(folder))
  const from = numberOf(await opened.loaded())
  let number = 0
  for (const batch of script()) {
    if (++number <= from) continue
    const current = number
    const committed = opened.tryCommit(batch).then((failure) => writeSync(1, `${failure === null ? current : failure.detail}\n`))
    // Several are under way at a time.
    if (current % 3 === 0) await committed
  }
}

/** Kills the writer once it has said so many numbers; answers the last one it said. */
async function killAfter(kind: string, folder: string, lines: number): Promise<number> {
  const child = spawn(process.execPath, [...process.execArgv, import.meta.filename, 'write', kind, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  let [said, last] = [0, 0]
  for await (const line of createInterface(child.stdout)) {
    last = Number(line)
    ok(last > 0, line)
    if (++said === lines) child.kill('SIGKILL')
  }
  await exited
  return last
}

/** The script up to a number, on the store in memory. */
async function expectedAfter(count: number): Promise<LoadOutcome> {
  const disk = new MemoryDisk()
  const first = new OpenStore(new MemoryLogStore(disk))
  await first.loaded()
  let number = 0
  for (const batch of script()) {
    if (++number > count) break
    await first.tryCommit(batch)
  }
  await first.close()
  const second = new OpenStore(new MemoryLogStore(disk))
  const outcome = await second.load()
  await second.close()
  return outcome
}

function checkCrashes(kind: string, open: (folder: string) => LogStore): void {
  test(`decision R6: ${kind}: a process killed at any point leaves a whole batch, and none that was reported is missing`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lockstep-crash-'))
    try {
      const prng = new Prng(process.pid)
      let found = 0
      for (let life = 0; life < lives; life++) {
        const reported = await killAfter(kind, folder, prng.between(10, 60))
        const opened = new OpenStore(open(folder))
        const outcome = await opened.load()
        found = numberOf(outcome)
        ok(found >= reported, `batch ${reported} was reported, the store ends at ${found}`)
        deepEqual(outcome, await expectedAfter(found))
        await opened.close()
      }
      ok(found > 40, 'the script came as far as an install')
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
}

const [mode, kindOfChild = '', folderOfChild = ''] = process.argv.slice(2)
const openOfChild = stores[kindOfChild]
if (mode === 'write' && openOfChild !== undefined) await writeUntilKilled(openOfChild, folderOfChild)
else for (const [kind, open] of Object.entries(stores)) checkCrashes(kind, open)
