import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { conformLogStore } from '#test/conformance/log-store.ts'
import { LmdbLogStore } from './lmdb-log-store.ts'

conformLogStore('LMDB', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-store-'))
  return {
    open: () => new LmdbLogStore({ folder: join(folder, 'store') }),
    dispose: () => rmSync(folder, { recursive: true }),
  }
})
