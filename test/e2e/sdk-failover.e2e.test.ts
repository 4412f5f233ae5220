import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from '#index.ts'
import type { LockstepClient } from '#index.ts'
import { LockCluster } from '#test/harness/lock-cluster.ts'
import { until } from '#test/harness/until.ts'

/** Tasks that take locks in turn; what went wrong is kept. */
class Busy implements AsyncDisposable {
  readonly failures: string[] = []
  taken = 0
  #running = true
  readonly #inside = new Map<string, number>()
  readonly #tokens = new Map<string, number>()
  readonly #tasks: Promise<unknown>

  constructor(clients: readonly LockstepClient[]) {
    this.#tasks = Promise.all(clients.flatMap((sync) => Array.from({ length: 8 }, (_, at) => this.#drive(sync, `busy-${at % 3}`))))
  }

  async stop(): Promise<void> {
    this.#running = false
    await this.#tasks
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #drive(sync: LockstepClient, name: string): Promise<void> {
    while (this.#running) {
      try {
        await sync.withLock(name, async (lock) => {
          const inside = (this.#inside.get(name) ?? 0) + 1
          this.#inside.set(name, inside)
          if (inside > 1) this.failures.push(`${inside} have ${name}`)
          if (lock.fencingToken <= (this.#tokens.get(name) ?? 0)) this.failures.push(`token ${lock.fencingToken} of ${name} does not grow`)
          this.#tokens.set(name, lock.fencingToken)
          await new Promise(setImmediate)
          this.taken++
          this.#inside.set(name, inside - 1)
        })
      } catch (error) {
        this.failures.push(String(error))
      }
    }
  }
}

test('decision L2: the leader is killed while a lock is held and waited for: it is kept, the wait goes on, and no call fails', async (t) => {
  await using cluster = await LockCluster.start()
  const lock = cluster.nodes.map(({ url }) => url)
  const options = { lock, timeoutMs: 20_000 }
  await using holder = await connect({ ...options, clientId: 'holder' })
  await using waiter = await connect({ ...options, clientId: 'waiter' })
  await using busy = new Busy([holder, waiter])
  const held = await holder.lock('r')
  const waiting = waiter.lock('r')
  await until('it is waited for', async () => (await holder.inspect('r')).waiter_count === 1)
  for (let kill = 0; kill < 2; kill++) {
    const leader = await cluster.leader()
    const before = busy.taken
    const killedAt = performance.now()
    await leader.kill('SIGKILL')
    await until('locks are taken again', () => busy.taken > before + 50)
    t.diagnostic(`locks are taken ${(performance.now() - killedAt).toFixed(0)} ms after the kill`)
    const { holders, waiters } = await waiter.inspect('r')
    assert.deepEqual(
      [holders.map(({ fencing_token: token }) => token), waiters.map(({ client_id: client }) => client.split('/')[0])],
      [[held.fencingToken], ['waiter']],
    )
    assert.ok(held.isHeld() && !held.signal.aborted)
    leader.start()
    await cluster.ready()
    await until('both talk to the leader', async () => {
      const { id } = await cluster.leader()
      return holder.node === id && waiter.node === id
    })
  }
  await held.release()
  const next = await waiting
  assert.ok(next.isHeld() && next.fencingToken > held.fencingToken)
  await busy.stop()
  assert.deepEqual(busy.failures, [])
  t.diagnostic(`${busy.taken} locks taken`)
})

test('a node that is told to stop is left in time: no call fails', async () => {
  await using cluster = await LockCluster.start()
  await using sync = await connect({ lock: cluster.nodes.map(({ url }) => url), timeoutMs: 20_000 })
  await using busy = new Busy([sync])
  await until('locks are taken', () => busy.taken > 20)
  let leader = await cluster.leader()
  await until('the client talks to the leader', async () => {
    leader = await cluster.leader()
    return sync.node === leader.id
  })
  await leader.kill('SIGTERM')
  const before = busy.taken
  await until('locks are taken again', () => busy.taken > before + 20)
  assert.notEqual(sync.node, leader.id)
  await busy.stop()
  assert.deepEqual(busy.failures, [])
})
