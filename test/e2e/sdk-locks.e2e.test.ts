import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from '#index.ts'
import type { Lockstep } from '#index.ts'
import { freePorts } from '#test/harness/free-ports.ts'
import { LockCluster } from '#test/harness/lock-cluster.ts'
import { until } from '#test/harness/until.ts'

const urlsOf = (cluster: LockCluster): readonly string[] => cluster.nodes.map(({ url }) => url)

const visits: readonly (readonly [claim: string, visit: (sync: Lockstep, cluster: LockCluster) => Promise<void>])[] = [
  [
    'a lock is held until its block ends, and any node says so',
    async (sync, cluster) => {
      {
        await using lock = await sync.lock('db_table', { waitMs: 10_000 })
        assert.ok(lock.isHeld() && !lock.signal.aborted && lock.lost === null)
        assert.deepEqual(await sync.check('db_table', lock.fencingToken), { valid: true, reason: 'held' })
        const [held] = sync.query().held
        assert.equal(held?.name, 'db_table')
        for (const node of cluster.nodes) {
          const { body } = await cluster.get(node, '/locks/db_table')
          const { holders } = body as { readonly holders: readonly { readonly client_id: string; readonly fencing_token: number }[] }
          assert.deepEqual(
            holders.map(({ client_id: client, fencing_token: token }) => [client, token]),
            [[held?.clientId, lock.fencingToken]],
          )
        }
        assert.equal(await sync.lock('db_table', { ifAvailable: true }), null)
        await assert.rejects(sync.lock('db_table', { waitMs: 100 }), { code: 'lock_timeout', retryable: true })
      }
      assert.equal((await sync.inspect('db_table')).holder_count, 0)
      assert.deepEqual(sync.query(), { held: [], pending: [] })
    },
  ],
  [
    'tasks exclude each other in withLock, which is re-entrant inside',
    async (sync) => {
      let inside = 0
      const task = (): Promise<number> =>
        sync.withLock('counter', async () => {
          assert.equal(++inside, 1)
          const token = await sync.withLock('counter', (inner) => inner.fencingToken)
          inside--
          return token
        })
      const tokens = await Promise.all(Array.from({ length: 50 }, task))
      assert.deepEqual(
        tokens.toSorted((left, right) => left - right),
        tokens,
      )
    },
  ],
  [
    'several locks come together, and readers share',
    async (sync) => {
      await using set = await sync.acquireMany([{ name: 'left' }, { name: 'right', mode: 'shared' }])
      assert.deepEqual(
        set.locks.map(({ name, mode }) => [name, mode]),
        [
          ['left', 'exclusive'],
          ['right', 'shared'],
        ],
      )
      await using reader = await sync.lock('right', { mode: 'shared', ifAvailable: true })
      assert.equal(reader?.isHeld(), true)
      assert.equal(await sync.acquireMany([{ name: 'right' }, { name: 'free' }], { ifAvailable: true }), null)
      assert.equal(await sync.withLock('free', () => 'is free'), 'is free')
    },
  ],
  [
    'the locks of an operator',
    async (sync, cluster) => {
      await using lock = await sync.lock('forced')
      const { signal } = lock
      const [node] = cluster.nodes
      assert.ok(node !== undefined)
      assert.equal((await cluster.post(node, '/force-release', { resource_id: 'forced' })).status, 200)
      await until('it is told', () => signal.aborted)
      assert.deepEqual([lock.isHeld(), lock.lost], [false, 'forced'])
    },
  ],
]

test('a program takes locks', async (t) => {
  await using cluster = await LockCluster.start()
  await using sync = await connect({ lock: urlsOf(cluster) })
  for (const [claim, visit] of visits) await t.test(claim, () => visit(sync, cluster))
})

test('two clients that wait for each other: the one that closed the cycle is told it, and the other goes on', async () => {
  await using cluster = await LockCluster.start()
  await using here = await connect({ lock: urlsOf(cluster), clientId: 'here' })
  await using there = await connect({ lock: urlsOf(cluster), clientId: 'there' })
  const [one, two] = [here.owner(), there.owner()]
  await one.lock('A')
  const held = await two.lock('B')
  const waiting = one.lock('B')
  await until('one waits', async () => (await there.inspect('B')).waiter_count === 1)
  await assert.rejects(
    two.lock('A'),
    (error: Error & { readonly code: string; readonly details: { readonly cycle: readonly string[] } }) => {
      assert.equal(error.code, 'deadlock')
      assert.deepEqual(error.details.cycle, ['there/1', 'here/1'])
      return true
    },
  )
  await held.release()
  assert.ok((await waiting).isHeld())
  await one.close()
  assert.deepEqual(await there.lock('A', { ifAvailable: true }).then((lock) => lock?.isHeld()), true)
})

test('one of several leads, and another when that goes', async () => {
  await using cluster = await LockCluster.start()
  await using here = await connect({ lock: urlsOf(cluster) })
  await using there = await connect({ lock: urlsOf(cluster) })
  const tokens: number[] = []
  const lead = async (signal: AbortSignal, token: number): Promise<void> => {
    tokens.push(token)
    await new Promise((resolve) => {
      signal.addEventListener('abort', resolve)
    })
  }
  const first = here.elect('primary', { onLeader: lead })
  await until('one leads', () => first.isLeader)
  await using second = there.elect('primary', { onLeader: lead })
  await until('the other waits', async () => (await here.inspect('primary')).waiter_count === 1)
  assert.equal(second.isLeader, false)
  await first.close()
  await until('the other leads', () => second.isLeader)
  assert.ok(tokens.length === 2 && (tokens[1] as number) > (tokens[0] as number))
})

test('nobody there, and somebody else there: each address is named with its reason', async () => {
  const [port] = await freePorts(1)
  const nobody = `http://127.0.0.1:${port}`
  await assert.rejects(connect({ lock: [nobody] }), {
    code: 'connection_failed',
    details: { tried: [{ address: `127.0.0.1:${port}`, reason: 'ECONNREFUSED' }] },
  })
})
