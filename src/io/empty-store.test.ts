import { deepEqual } from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { JournaledLogStore } from '#io/journal/journaled-log-store.ts'
import { LmdbLogStore } from '#io/lmdb/lmdb-log-store.ts'
import { emptyStore } from './empty-store.ts'

test('all that a store has put in its folder goes, and nothing else', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-'))
  context.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'notes.txt'), 'mine')
  const store = new JournaledLogStore({ folder, beneath: new LmdbLogStore({ folder }) })
  await new Promise<void>((resolve) => store.load(() => resolve()))
  const used = readdirSync(folder)
  await new Promise<void>((resolve) => store.close(resolve))
  emptyStore(folder)
  deepEqual([used.length > 2, readdirSync(folder)], [true, ['notes.txt']], used.join(', '))
})
