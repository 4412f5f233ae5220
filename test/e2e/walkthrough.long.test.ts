import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { walkThroughCache } from '#test/harness/cache-walkthrough.ts'
import { Cli } from '#test/harness/cli.ts'
import { freeOffset } from '#test/harness/free-offset.ts'
import { walkThroughLocks } from '#test/harness/lock-walkthrough.ts'
import { walkThroughQueues } from '#test/harness/queue-walkthrough.ts'
import { clustersOf } from '#test/harness/up-clusters.ts'

test('the whole walk-through answers as it is written against the nine nodes of one command, on each of them', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-walk-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  await using owner = new AsyncDisposableStack()
  const offset = await freeOffset()
  const up = owner.use(new Cli(['up', '--data', folder, '--port-offset', String(offset)]))
  await up.printed(/^ready; /m, 90_000)
  const { lock, queue, cache } = clustersOf(up, offset, owner)
  await cache.settled()
  await t.test('locks', (part) => walkThroughLocks(part, lock))
  await t.test('queues', (part) => walkThroughQueues(part, queue, 'embedded'))
  await t.test('the cache', (part) => walkThroughCache(part, cache))
})
