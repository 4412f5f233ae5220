import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { parseAllowedSkips, unlistedSkips } from './skips.ts'

test('a skip is allowed only if the list names its file and its test', () => {
  const allowed = parseAllowedSkips('# No server of that version in Debian.\n\nsrc/io/redis.test.ts › waits for the disk\n')
  const skips = [
    { file: 'src/io/redis.test.ts', name: 'waits for the disk' },
    { file: 'src/io/lmdb.test.ts', name: 'waits for the disk' },
  ]
  deepEqual(unlistedSkips(skips, allowed), ['src/io/lmdb.test.ts › waits for the disk'])
})
