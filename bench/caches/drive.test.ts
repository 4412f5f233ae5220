import { deepEqual, equal, ok, rejects, throws } from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { test } from 'node:test'
import type { CacheClient } from './cache-client.ts'
import { drive, valueOf } from './drive.ts'
import type { Plan } from './drive.ts'
import { takesPart } from './rows.ts'
import { keyCountsOf, workloadNames, workloadsNamed } from './workloads.ts'

const plan: Plan = {
  work: 'set',
  calls: 4,
  keys: 1_000,
  apart: false,
  mayLose: false,
  pairs: 0,
  prefix: 'test',
  fillMs: 10_000,
  pairsMs: 10_000,
  warmMs: 0,
  measuredMs: 40,
  pids: [],
}

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
  for (const work of ['here', 'hit', 'owner', 'set', 'turns', 'stale'] as const) {
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

test('the probe goes on until it has as many pairs as are wanted, but not for ever', async () => {
  const hurried = { ...plan, work: 'stale', measuredMs: 1 } as const
  const { probes } = await drive(both(memory()), { ...hurried, pairs: 2_000 })
  ok(probes >= 2_000 && probes < 2_100, `${probes} pairs`)
  const { probes: few } = await drive(both(memory()), { ...hurried, pairs: Infinity, pairsMs: 20 })
  ok(few > 0)
})

test('a run has as many keys as it is told, each of which is there, or says that there was no time for all', async () => {
  for (const work of ['here', 'hit', 'owner', 'set'] as const) {
    for (const keys of [1, 3, 617]) {
      const client = memory()
      const read = new Set<string>()
      const get = async (key: string) => {
        read.add(key)
        return client.get(key)
      }
      equal((await drive(both({ ...client, get }), { ...plan, work, keys, measuredMs: 400 })).keys, keys)
      if (work === 'hit' || work === 'set') equal(read.size, keys, work)
    }
    const { keys } = await drive(both(memory()), { ...plan, work, keys: 1e9, fillMs: 20 })
    ok(keys > 0 && keys < 1e6, `${keys} keys`)
  }
})

test('two that write in turns each write half, and both read what was written last', async () => {
  const client = memory()
  const wrote = [0, 0]
  const program = (at: 0 | 1): CacheClient => ({
    ...client,
    set: async (key, value) => {
      wrote[at] = (wrote[at] ?? 0) + 1
      await client.set(key, value)
    },
  })
  await drive({ writer: program(0), reader: program(1) }, { ...plan, work: 'turns' })
  const [one = 0, other = 0] = wrote
  ok(one > 0 && one - other <= plan.calls && one >= other, `${one} and ${other}`)
  const stale: CacheClient = { ...client, get: async () => valueOf(0) }
  await rejects(drive({ writer: client, reader: stale }, { ...plan, work: 'turns' }), /a wrong value/)
})

test('a write that is lost, and a value that nobody wrote, fail the run', async () => {
  const losing = memory({ keeps: (value, key) => (key.endsWith(':3') ? valueOf(1_000_000) : value) })
  await rejects(drive(both(losing), plan), /a wrong value/)
  const spoiled = { keeps: (value: string) => value.replaceAll('x', 'y') }
  for (const work of ['here', 'hit', 'owner', 'set', 'turns'] as const)
    await rejects(drive(both(memory(spoiled)), { ...plan, work }), /a wrong value/, work)
  let writes = 0
  const now = memory({ keeps: (value) => (++writes > 8 ? valueOf(1_000_000) : value) })
  await rejects(drive(both(now), { ...plan, work: 'stale' }), /a value that nobody wrote/)
})

test('a write at the level owner that is lost is counted, and one that nobody wrote fails the run all the same', async () => {
  const older = memory({ keeps: (value, key) => (key.endsWith(':3') ? valueOf(0) : value) })
  const { lost } = await drive(both(older), { ...plan, mayLose: true })
  equal(lost, 1)
  await rejects(drive(both(older), plan), /a wrong value/)
  const newer = memory({ keeps: (value, key) => (key.endsWith(':3') ? valueOf(1e9) : value) })
  await rejects(drive(both(newer), { ...plan, mayLose: true }), /a wrong value/)
})

test('every workload has somebody who takes part, and one that nobody knows is refused', () => {
  for (const workload of workloadsNamed(workloadNames.join(','))) ok(takesPart({ kind: 'sdk', name: '' }, workload), workload.name)
  deepEqual(
    workloadsNamed('stale,hit').map(({ name }) => name),
    ['hit', 'stale'],
  )
  throws(() => workloadsNamed('hit,miss'), /^Error: there is no workload called miss/)
})

test('a workload is measured once for each number of keys that is asked for, unless it has its own', () => {
  deepEqual(
    workloadsNamed('set,stale', keyCountsOf('1,1000')).map(({ title, keys }) => [title, keys]),
    [
      ['write, 256 under way, 1 key', 1],
      ['write, 256 under way', 1_000],
      ['one writes; when that is confirmed another reads, 16 keys side by side', 16],
    ],
  )
  for (const list of ['', '0', '1,x', '1.5']) throws(() => keyCountsOf(list), /not numbers of keys/)
  const [many] = workloadsNamed('hit', [1_000_000])
  ok(many !== undefined && takesPart({ kind: 'sdk', name: '' }, many))
  equal(takesPart({ kind: 'http', name: '' }, many), false, 'a node has no room for as many lines')
})
