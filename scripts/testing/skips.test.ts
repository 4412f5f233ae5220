import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { parseAllowedSkips, skipLines, unlistedSkips } from './skips.ts'

test('a skip is allowed only if the list names its file and its test', () => {
  const allowed = parseAllowedSkips('# No server of that version in Debian.\n\nsrc/io/redis.test.ts › waits for the disk\n')
  const skips = [
    { file: 'src/io/redis.test.ts', name: 'waits for the disk', reason: 'there is no redis-server' },
    { file: 'src/io/lmdb.test.ts', name: 'waits for the disk', reason: 'there is no redis-server' },
  ]
  deepEqual(unlistedSkips(skips, allowed), ['src/io/lmdb.test.ts › waits for the disk'])
})

test('what is missing is told once, with how many tests miss it', () => {
  const missing = (name: string, reason: string) => ({ file: 'src/io/redis.test.ts', name, reason })
  deepEqual(skipLines([]), [])
  deepEqual(
    skipLines([missing('a', 'there is no redis-server'), missing('b', 'there is no openssl'), missing('c', 'there is no redis-server')]),
    ['skipped 2 tests: there is no redis-server', 'skipped 1 test: there is no openssl'],
  )
})
