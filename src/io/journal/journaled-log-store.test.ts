import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LmdbLogStore } from '#io/lmdb/lmdb-log-store.ts'
import { MemoryDisk } from '#io/memory/memory-disk.ts'
import { MemoryLogStore } from '#io/memory/memory-log-store.ts'
import { conformLogStore } from '#test/conformance/log-store.ts'
import { JournaledLogStore } from './journaled-log-store.ts'

conformLogStore('journaled LMDB', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-store-'))
  return {
    open: () => new JournaledLogStore({ folder, beneath: new LmdbLogStore({ folder }) }),
    dispose: () => rmSync(folder, { recursive: true }),
  }
})

conformLogStore('journaled memory', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-store-'))
  const disk = new MemoryDisk()
  return {
    open: () => new JournaledLogStore({ folder, beneath: new MemoryLogStore(disk) }),
    dispose: () => rmSync(folder, { recursive: true }),
  }
})
