import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Order, Told } from '#bench/caches/agents.ts'
import { valueOf } from '#bench/caches/drive.ts'
import { LoadProcess } from '#bench/contest/load-process.ts'
import { all } from '#bench/contest/results.ts'
import { spread } from '#bench/kit/stats.ts'
import { CacheCluster } from '#test/harness/cache-cluster.ts'

/**
 * Many applications with lines of their own: how long a write takes whose key all of them have, until it is confirmed and until all have read the new
 * value, which none may miss; and the memory that a line takes in an application beside its value. A write before which not every copy was told to go fails the
 * bench.
 *
 * With an eighth of the agents first, then with a quarter, with half and with all of them, for about `--seconds` at most: where a machine cannot do more it says so,
 * and what was measured stands.
 *
 *     npm run bench -- cache-agents --agents 1000 --processes 4 --rounds 5 --lines 20000 --seconds 180
 */
const { values: options } = parseArgs({
  options: {
    agents: { type: 'string', default: '1000' },
    processes: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '5' },
    lines: { type: 'string', default: '20000' },
    seconds: { type: 'string', default: '180' },
  },
})
const agents = Number(options.agents)
const processes = Number(options.processes)
const rounds = Number(options.rounds)
const lines = Number(options.lines)
const limitMs = Number(options.seconds) * 1_000
/** Agents that a process has join at once. */
const portion = 25
/** What was begun in time may take so much longer. */
const graceMs = 60_000
/** For three nodes to start and to come to rest where others use the processors, too. */
const startMs = 180_000
const key = 'shared'

await using cluster = await CacheCluster.start([], startMs)
const [node] = cluster.nodes
if (node === undefined) throw new Error('there is no node')
const addresses = cluster.nodes.map(({ options: { address } }) => address)
const program = join(import.meta.dirname, 'caches', 'agents.ts')
using cleanup = new DisposableStack()
const loads = Array.from({ length: processes }, () => cleanup.use(new LoadProcess<Order, Told>(program, addresses)))

const beganAt = performance.now()
const leftMs = (): number => Math.max(0, beganAt + limitMs - performance.now())
const say = (what: string): void => console.error(`${Math.round((performance.now() - beganAt) / 1_000)} s: ${what}`)

const tell = (order: Order): Promise<readonly Told[]> => Promise.all(loads.map((load) => load.run(order, leftMs() + graceMs)))

/** What no load of the machine excuses. */
class WrongValue extends Error {
  override readonly name = 'WrongValue'
}

let joined = 0
async function joinBy(load: LoadProcess<Order, Told>, wanted: number): Promise<void> {
  for (let left = wanted; left > 0 && leftMs() > 0; left -= portion) {
    const told = await load.run({ type: 'join', agents: Math.min(portion, left) }, leftMs() + graceMs)
    if ('joined' in told) joined += told.joined
  }
}

async function readEverywhere(number: number): Promise<void> {
  for (const told of await tell({ type: 'read', key, expected: valueOf(number), withinMs: leftMs() + graceMs / 2 })) {
    if (!('others' in told)) continue
    if (told.others > 0) throw new WrongValue(`${told.others} agents have another value than ${number}`)
    if (told.late > 0) throw new Error(`${told.late} agents were told no value in time`)
  }
}

/**
 * Again while there is no home, or nobody knows what became of it. Resolves with how many agents were told to drop their copies; null where that was told with an
 * answer that was lost.
 */
async function write(number: number): Promise<number | null> {
  if (node === undefined) throw new Error('there is no node')
  for (let isFirst = true; ; isFirst = false) {
    const { status, body } = await cluster.write(node, key, valueOf(number))
    if (status === 200) return isFirst ? (body as { readonly invalidated: number }).invalidated : null
    if (leftMs() === 0) throw new Error(`the write was answered with ${status}: ${JSON.stringify(body)}`)
    say(`the write is sent again, as it was answered with ${status}`)
  }
}

const value = valueOf(0)
const [kept] = await Promise.all(loads.slice(0, 1).map((load) => load.run({ type: 'keep', lines, value }, leftMs() + graceMs)))
if (kept !== undefined && 'bytes' in kept) {
  const json = value.length + 2
  console.log(`${kept.kept} lines: ${kept.bytes.toFixed(0)} bytes each, ${(kept.bytes - json).toFixed(0)} beside the ${json} of the value`)
}

const steps = [1 / 8, 1 / 4, 1 / 2, 1].map((part) => Math.ceil((agents * part) / processes))
let rounded = 0

async function measure(): Promise<string> {
  const runs: { confirmedMs: number; readMs: number; invalidated: number }[] = []
  await write(++rounded)
  await readEverywhere(rounded)
  for (let round = 0; round < rounds && (round === 0 || leftMs() > 0); round++) {
    const from = performance.now()
    const invalidated = await write(++rounded)
    const confirmedMs = performance.now() - from
    await readEverywhere(rounded)
    if (invalidated === null) continue
    // Who has lost its lease meanwhile has no copy any more, so a machine that is too busy fails here too.
    if (invalidated < joined) throw new Error(`of ${joined} agents that had read a value ${invalidated} were told to drop it`)
    runs.push({ confirmedMs, readMs: performance.now() - from, invalidated })
  }
  if (runs.length === 0) throw new Error('no write was answered at once')
  const column = (of: (run: (typeof runs)[number]) => number): string => all(spread(runs.map(of)))
  return `| ${joined} | ${runs.length} | ${column(({ invalidated }) => invalidated)} | ${column(({ confirmedMs }) => confirmedMs)} | ${column(({ readMs }) => readMs)} |`
}

console.log(`
| agents | writes | agents told to drop their copies | until a write is confirmed, ms | until all have read the new value, ms |
| --- | --- | --- | --- | --- |`)
try {
  for (const [at, each] of steps.entries()) {
    await Promise.all(loads.map((load) => joinBy(load, each - (steps[at - 1] ?? 0))))
    say(`${joined} agents have joined`)
    console.log(await measure())
    if (leftMs() === 0 && at + 1 < steps.length) throw new Error('the time is over')
  }
} catch (error) {
  if (error instanceof WrongValue) throw error
  process.exitCode = 1
  console.log(`\nNot with more agents, with ${joined} of ${agents}: ${error instanceof Error ? error.message : String(error)}`)
}
