import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { ok } from '#base/result.ts'
import { acquireLock } from './acquire-lock.ts'
import type { ServiceClient } from './service-client.ts'

test('who does not wait, and waits by another request, does not have the lock', async () => {
  const queued = { status: 'queued', resource_id: 'r', client_id: 'B', lock_type: 'exclusive', position: 1, holders: [], ttl_ms: 60_000 }
  const client = { call: () => Promise.resolve(ok(queued)) } as unknown as ServiceClient
  const asked = await acquireLock(client, { resource_id: 'r', client_id: 'B' }, { waitMs: 0, signal: new AbortController().signal })
  equal(asked.ok ? 'granted' : asked.error.code, 'lock_timeout')
})
