import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { test } from 'node:test'
import { LockstepError } from '#sdk/errors.ts'
import { runWorks } from './work.ts'
import type { Work } from './work.ts'

const quiet = { ms: 50, signal: new AbortController().signal, progress: () => {} }
const workOf = (turn: Work['turn'], clients = 1): Work => ({ name: 'work', clients, wrong: [], turn })

test('operations are counted for as long as it takes, those of all clients', async () => {
  const turns = [0, 0]
  const turn = async (client: number): Promise<number> => {
    turns[client] = (turns[client] ?? 0) + 1
    await setImmediate()
    return 2
  }
  const [done] = await runWorks([workOf(turn, 2)], quiet)
  const [one = 0, other = 0] = turns
  ok(one > 0 && other > 0)
  equal(done?.operations, 2 * (one + other))
  ok(done.perSecond > 0 && done.perSecond <= done.operations * 20)
})

test('what is refused is counted by its code, and the client goes on', async () => {
  let turns = 0
  const turn = async (): Promise<number> => {
    await setImmediate()
    if (turns++ === 0) throw new LockstepError('no_leader', 'why')
    return 1
  }
  const [done] = await runWorks([workOf(turn)], { ...quiet, ms: 300 })
  deepEqual([done?.failed, done?.failures], [1, { no_leader: 1 }])
  ok((done?.operations ?? 0) > 0)
})

test('a mistake ends all of it, and so does an interrupt', async () => {
  const broken = async (): Promise<number> => Promise.reject(new TypeError('a mistake'))
  await rejects(runWorks([workOf(broken)], quiet), /a mistake/)
  const interrupt = new AbortController()
  const running = runWorks([workOf(() => setImmediate(1))], { ...quiet, ms: 60_000, signal: interrupt.signal })
  interrupt.abort(new Error('interrupted'))
  await rejects(running, /interrupted/)
})
