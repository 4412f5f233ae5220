import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { test } from 'node:test'
import type { CacheClient } from './cache-client.ts'
import { drive, valueOf } from './drive.ts'
import type { Plan } from './drive.ts'
import { takesPart } from './rows.ts'
import { workloads, workloadsNamed } from './workloads.ts'

const plan: Plan = { work: 'set', calls: 4, prefix: 'test', warmMs: 0, measuredMs: 40, pids: [] }

interface Faults {
  /** So many writes are answered before they are seen. */
  readonly late?: number
  /** Of what is written, this is kept. */
  readonly keeps?: (value: string, key: string) => string
}

/** Memory behind a turn of the event loop. */
function memory({ late = 0, keeps = (value) => value }: Faults = {}): CacheClient {
  const values = new Map<string, string[]>()
  const write = (key: string, value: string): void => {
    const all = values.get(key) ?? []
    all.push(keeps(value, key))
    values.set(key, all.slice(-late - 1))
  }
  const read = (key: string): string | undefined => values.get(key)?.[0]
  return {
    here: {
      get: read,
      set: (key, value) => {
        write(key, value)
        return true
      },
    },
    get: async (key) => {
      await setImmediate()
      return read(key)
    },
    set: async (key, value) => {
      await setImmediate()
      write(key, value)
    },
    [Symbol.asyncDispose]: async () => {},
  }
}

const both = (client: CacheClient) => ({ writer: client, reader: client })

test('every work is counted and timed, also where nothing waits', async () => {
  for (const work of ['here', 'hit', 'owner', 'set', 'stale'] as const) {
    const { perSecond, p50Ms, stale, probes } = await drive(both(memory()), { ...plan, work })
    ok(perSecond > 0 && p50Ms > 0, `${work}: ${perSecond} a second, ${p50Ms} ms`)
    deepEqual([stale, probes > 0], [0, work === 'stale'], work)
  }
})

test('a read that gets what was there before a confirmed write is stale, and is counted', async () => {
  const { stale, probes } = await drive(both(memory({ late: 1 })), { ...plan, work: 'stale' })
  ok(stale > 0)
  equal(stale, probes)
})

test('a write that is lost, and a value that nobody wrote, fail the run', async () => {
  const losing = memory({ keeps: (value, key) => (key.endsWith(':3') ? valueOf(1_000_000) : value) })
  await rejects(drive(both(losing), plan), /a wrong value/)
  const spoiled = { keeps: (value: string) => value.replaceAll('x', 'y') }
  for (const work of ['here', 'hit', 'owner', 'set'] as const)
    await rejects(drive(both(memory(spoiled)), { ...plan, work }), /a wrong value/, work)
  let writes = 0
  const now = memory({ keeps: (value) => (++writes > 8 ? valueOf(1_000_000) : value) })
  await rejects(drive(both(now), { ...plan, work: 'stale' }), /a value that nobody wrote/)
})

test('every workload has somebody who takes part, and one that nobody knows is refused', async () => {
  for (const workload of workloads) {
    ok(takesPart({ kind: 'sdk', name: '' }, workload), workload.name)
  }
  deepEqual(
    workloadsNamed('stale,hit').map(({ name }) => name),
    ['hit', 'stale'],
  )
  try {
    workloadsNamed('hit,miss')
    ok(false)
  } catch (error) {
    ok(error instanceof Error && error.message.startsWith('there is no workload called miss'))
  }
})
