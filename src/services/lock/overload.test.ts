import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { LockWorld, TestCall } from '#test/harness/lock-world.ts'
import { Overloading } from '#test/harness/overloading.ts'
import { lockGroup } from './limits.ts'

test('twice the load that is carried is shed early: sessions are kept alive, nobody else comes to lead, and all is as before at once', async (t) => {
  const world = await LockWorld.start()
  const load = new Overloading(world, async (node, number, hear) => {
    const names = { resource_id: `r${number}`, client_id: 'load' }
    const acquired = await hear(() => world.locks(node).acquire({ ...names, ttl_ms: 60_000 }, new TestCall()), 'new')
    return acquired.ok ? hear(() => world.locks(node).release(names, new TestCall()), 'keeps') : acquired
  })
  const leader = await world.leader()
  const term = leader.node.leadership(lockGroup)?.term
  const opened = await world.answer(world.locks('n1').openSession({ client_id: 'holder', ttl_ms: 4_000 }, new TestCall()))
  ok(opened.ok)
  const { session_id } = opened.value
  let kept = 0
  const over = new AbortController()
  const keep = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const answered = await world.locks(`n${(kept % 3) + 1}`).keepSessionAlive({ session_id }, new TestCall())
      ok(answered.ok, `the session was not kept alive: ${answered.ok ? '' : answered.error.code}`)
      kept++
      await new Promise<void>((resolve) => leader.machine.after(1_000, resolve))
    }
  }
  const keeping = keep()

  const carried = await load.carried(24, 5_000)
  const under = await load.pace(2 * carried, 20_000)
  t.diagnostic(
    `${carried} a second; under twice that ${under.done} done, the longest in ${under.longestMs} ms, ${[...under.codes].join(' ')}`,
  )
  deepEqual([...under.codes.keys()], ['overloaded'])
  ok(under.longestMs < 5_000, `one took ${under.longestMs} ms`)
  ok(under.done >= 0.8 * carried * 20, `${under.done} were done`)
  const after = await load.pace(carried / 2, 5_000)
  deepEqual([...after.codes], [])
  over.abort()
  await world.answer(keeping)
  ok(kept >= 20)
  equal((await world.leader()).node.leadership(lockGroup)?.term, term)
})
