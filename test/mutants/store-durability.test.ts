import { deepEqual, equal, ok } from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { test } from 'node:test'
import { term } from '#core/raft/types.ts'
import { JournaledLogStore } from '#io/journal/journaled-log-store.ts'
import { durableOptions } from '#io/lmdb/environment.ts'
import { LmdbLogStore } from '#io/lmdb/lmdb-log-store.ts'
import { emptyWrite } from '#ports/log-store.ts'
import type { LogStore } from '#ports/log-store.ts'

const rounds = 8
const tracer = 'strace'

const stores: Readonly<Record<string, (folder: string) => LogStore>> = {
  LMDB: (folder) => new LmdbLogStore({ folder }),
  'journaled LMDB': (folder) => new JournaledLogStore({ folder, beneath: new LmdbLogStore({ folder }) }),
}

/** In the child process: commits, small ones and one that is written on another thread, and says on standard output when each begins and ends. */
async function commitInTurn(store: LogStore): Promise<void> {
  const loaded = await new Promise((done) => {
    store.load(done)
  })
  ok(loaded !== null)
  for (let round = 1; round <= rounds; round++) {
    const hardState = { term: term(round), vote: null }
    const about = new Uint8Array(round === rounds ? 200_000 : 10)
    // Whatever the store does by itself after a commit is over by then.
    for (let turns = 0; turns < 10; turns++) await new Promise((done) => void setImmediate(done))
    writeSync(1, `begin ${round}\n`)
    const failure = await new Promise((resolve) => {
      store.commit({ node: null, groups: [{ ...emptyWrite(1), hardState, about }] }, (outcome) => {
        writeSync(1, `end ${round}\n`)
        resolve(outcome)
      })
    })
    equal(failure, null)
  }
  await new Promise<void>((done) => {
    store.close(done)
  })
}

/** The system calls between the marks of each round. */
function syncsByRound(trace: string): readonly number[] {
  return Array.from({ length: rounds }, (_, at) => {
    const from = trace.indexOf(`"begin ${at + 1}\\n"`)
    const to = trace.indexOf(`"end ${at + 1}\\n"`)
    if (from === -1 || to < from) return -1
    return trace.slice(from, to).match(/(?:fdatasync|fsync|msync)[^\n]* = 0/g)?.length ?? 0
  })
}

const [mode, kindOfChild = '', folderOfChild = ''] = process.argv.slice(2)
const openOfChild = stores[kindOfChild]
if (mode === 'commit-in-turn' && openOfChild !== undefined) {
  await commitInTurn(openOfChild(folderOfChild))
} else {
  test('decision R6: LMDB is opened so that a transaction is durable when it is reported', () => {
    const { overlappingSync, noSync, noMetaSync, mapAsync } = durableOptions
    deepEqual(
      { overlappingSync, noSync, noMetaSync, mapAsync },
      { overlappingSync: false, noSync: false, noMetaSync: false, mapAsync: false },
    )
  })

  for (const kind of Object.keys(stores)) {
    test(`decision R6: ${kind}: every commit reaches the disk before it is reported`, (t) => {
      if (spawnSync(tracer, ['-V']).status !== 0) {
        t.skip('strace is not installed')
        return
      }
      const folder = mkdtempSync(join(tmpdir(), 'lockstep-durability-'))
      const trace = join(folder, 'trace')
      const child = [process.execPath, ...process.execArgv, import.meta.filename, 'commit-in-turn', kind, join(folder, 'store')]
      const run = spawnSync(tracer, ['-f', '-o', trace, '-e', 'trace=fdatasync,fsync,msync,write', ...child], {
        encoding: 'utf8',
        timeout: 15_000,
      })
      const text = run.status === 0 ? readFileSync(trace, 'latin1') : ''
      rmSync(folder, { recursive: true })
      equal(run.status, 0, `ended with ${run.signal ?? run.status}: ${run.stderr}`)
      for (const [at, syncs] of syncsByRound(text).entries()) ok(syncs >= 1, `round ${at + 1}: ${syncs} syncs before the answer`)
    })
  }
}
