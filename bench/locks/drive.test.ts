import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { test } from 'node:test'
import { drive } from './drive.ts'
import type { LockClients } from './lock-client.ts'
import { retrying } from './lock-client.ts'

const plan = { prefix: 'test', clients: 4, hot: true, warmMs: 0, measuredMs: 50 }

/** Grants in the order of asking, one after the other. */
function fairLocks(tokenOf: (grant: number) => number = (grant) => grant): LockClients {
  const queue = new Map<string, Promise<void>>()
  let grants = 0
  return {
    newClient: async () => ({
      acquire: async (name) => {
        const before = queue.get(name)
        const { promise, resolve } = Promise.withResolvers<void>()
        queue.set(name, promise)
        await before
        await setImmediate()
        return { token: tokenOf(++grants), release: async () => resolve() }
      },
    }),
    [Symbol.asyncDispose]: async () => {},
  }
}

test('every client of a fair lock gets it, and nobody much more often than another', async () => {
  const measured = await drive(fairLocks(), { ...plan, measuredMs: 500 })
  equal(measured.starved, 0)
  ok(measured.fewest > 0 && measured.most - measured.fewest <= 1)
  ok(measured.allPairs >= plan.clients)
})

test('a lock that does not exclude fails the bench', async () => {
  const careless: LockClients = {
    newClient: async () => ({ acquire: async () => ({ token: null, release: async () => {} }) }),
    [Symbol.asyncDispose]: async () => {},
  }
  await rejects(drive(careless, plan), /two clients hold test-hot at once/)
  ok((await drive(careless, { ...plan, hot: false })).allPairs > 0)
})

test('a token that is not newer than the last one fails the bench', async () => {
  await rejects(
    drive(
      fairLocks(() => 7),
      plan,
    ),
    /granted with token 7 after token 7/,
  )
})

test('who asks again until the end gets nothing when nothing was free, and asks no more', async () => {
  let asked = 0
  const refused = async (): Promise<null> => {
    asked++
    return null
  }
  equal(await retrying(refused, performance.now() + 30, () => 10), null)
  const then = asked
  ok(then >= 1 && then <= 4)
  deepEqual(await retrying(refused, performance.now(), () => 10), null)
  equal(asked, then)
})
