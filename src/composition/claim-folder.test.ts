import { deepEqual, equal, match } from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { claimFolder } from './claim-folder.ts'

test('a folder is for one at a time, and one that cannot be used is told apart', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-claim-'))
  try {
    const claimed = claimFolder(folder)
    equal(claimed.type, 'claimed')
    equal(claimFolder(folder).type, 'taken')
    if (claimed.type === 'claimed') claimed.release()
    equal(claimFolder(folder).type, 'claimed')

    const file = join(folder, 'a-file')
    writeFileSync(file, '')
    const unusable = claimFolder(join(file, 'data'))
    deepEqual(Object.keys(unusable), ['type', 'detail'])
    match(unusable.type === 'unusable' ? unusable.detail : '', /^E[A-Z]+: /)
    if (process.platform === 'linux') equal(claimFolder('/proc/nope/data').type, 'unusable')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
