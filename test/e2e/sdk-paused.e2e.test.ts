import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { connect } from '#index.ts'
import { LockCluster } from '#test/harness/lock-cluster.ts'

const sleeper = join(import.meta.dirname, '..', 'harness', 'sdk-sleeper.ts')
const ttlMs = 4_000
/** Longer than it can take that a session ends. */
const waitMs = 30_000

test('decision L9: a client that was stopped beyond its lease knows at once that it holds nothing, and its token is refused', async () => {
  await using cluster = await LockCluster.start()
  const urls = cluster.nodes.map(({ url }) => url)
  await using sync = await connect({ lock: urls })
  const child = spawn(process.execPath, [sleeper, urls.join(','), String(ttlMs)], { stdio: ['ignore', 'pipe', 'pipe'] })
  child.stderr.pipe(process.stderr)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const line = async (): Promise<Readonly<Record<string, unknown>>> => {
    const { value } = await lines.next()
    return JSON.parse(String(value)) as Readonly<Record<string, unknown>>
  }
  try {
    const tokens = await line()
    child.kill('SIGSTOP')
    const [asked] = await Promise.all([sync.lock('asked', { waitMs }), sync.lock('listened', { waitMs })])
    assert.ok(asked.fencingToken > Number(tokens['asked']))
    child.kill('SIGCONT')
    assert.deepEqual(await line(), { isHeld: false, lost: 'expired', aborted: true, reason: 'lease_expired' })
    const [node] = cluster.running
    assert.ok(node !== undefined)
    const late = await cluster.post(node, '/check', { resource_id: 'asked', fencing_token: tokens['asked'] })
    assert.deepEqual(late.body, { valid: false, reason: 'superseded' })
    assert.ok(asked.isHeld())
  } finally {
    const ended = once(child, 'close')
    child.kill('SIGKILL')
    await ended
  }
})
