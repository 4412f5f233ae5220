import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import { present } from '#base/assert.ts'
import { Prng } from '#base/prng.ts'
import { connect } from '#index.ts'
import { sequentialOutcomes, textOf } from '#sim/cache/litmus/outcomes.ts'
import { programs } from '#sim/cache/litmus/programs.ts'
import type { Program, Step } from '#sim/cache/litmus/programs.ts'
import { CacheCluster } from '#test/harness/cache-cluster.ts'
import type { NodeProcess } from '#test/harness/node-process.ts'
import { PeerNetwork } from '#test/harness/peer-proxy.ts'

const runMs = 45_000
const runners = 12
const applications = 3
/** Of each program, that came to a known end. */
const leastOf = 20
/** So few that lines are evicted all the time. */
const linesMax = 3
const callMs = 3_000
const seed = Date.now() % 1_000_000_000

/** Where a thread runs: at a node, over HTTP, or at a program that is an agent itself. Null when nobody knows, or it was refused. */
interface Seat {
  read(key: string): Promise<number | null>
  write(key: string, value: number): Promise<boolean>
}

const nodeSeat = ({ url }: NodeProcess): Seat => ({
  async read(key) {
    const response = await fetch(`${url}/read/${key}`, { signal: AbortSignal.timeout(callMs) })
    if (response.status !== 200 && response.status !== 404) return null
    const { value } = (await response.json()) as { readonly value?: number | null }
    return value ?? 0
  },
  async write(key, value) {
    const body = JSON.stringify({ value })
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(`${url}/write/${key}`, { method: 'POST', headers, body, signal: AbortSignal.timeout(callMs) })
    return response.ok
  },
})

interface Attempt {
  readonly program: Program
  readonly seats: readonly Seat[]
  readonly keys: ReadonlyMap<string, string>
  readonly prng: Prng
}

/** What it showed; null when it is not known what all of its steps came to. */
async function attempt({ program: { threads, finals }, seats, keys, prng }: Attempt): Promise<string | null> {
  const keyOf = (variable: string): string => present(keys.get(variable), 'a variable has a key')
  const seatOf = (at: number): Seat => present(seats[at % seats.length], 'there are seats')
  // A copy that is there already is the one that may be stale.
  if (prng.chance(0.7)) {
    const all = threads.flatMap((_, at) => [...keys.values()].map((key) => seatOf(at).read(key)))
    if ((await Promise.all(all)).includes(null)) return null
  }
  const run = async (steps: readonly Step[], seat: Seat, delayMs: number): Promise<readonly number[] | null> => {
    const reads: number[] = []
    await sleep(delayMs)
    for (const step of steps) {
      if (step.type === 'write') {
        if (!(await seat.write(keyOf(step.to), step.value))) return null
        continue
      }
      const read = await seat.read(keyOf(step.from))
      if (read === null) return null
      reads.push(read)
    }
    return reads
  }
  const reads = await Promise.all(threads.map((steps, at) => run(steps, seatOf(at), prng.float() * 3)))
  const known = reads.filter((each) => each !== null)
  if (known.length < reads.length) return null
  const last = new Map<string, number>()
  for (const variable of finals) {
    const read = await seatOf(0).read(keyOf(variable))
    if (read === null) return null
    last.set(variable, read)
  }
  return textOf({ reads: known, finals: last })
}

interface Trouble {
  readonly network: PeerNetwork
  readonly prng: Prng
  readonly isOver: () => boolean
}

/** One fault after the other, each of one node, until the time is over. */
async function trouble(cluster: CacheCluster, { network, prng, isOver }: Trouble): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>()
  const faults = {
    killed: async (node: NodeProcess) => {
      await node.kill('SIGKILL')
      await sleep(1_000)
      node.start()
    },
    stopped: async (node: NodeProcess) => {
      node.signal('SIGSTOP')
      await sleep(1_500)
      node.signal('SIGCONT')
    },
    'cut off': async ({ id }: NodeProcess) => {
      network.cutOff(id)
      await sleep(2_000)
      network.heal()
    },
  }
  while (!isOver()) {
    await sleep(prng.between(1_000, 4_000))
    const name = prng.pick(['killed', 'stopped', 'cut off'] as const)
    counts.set(name, (counts.get(name) ?? 0) + 1)
    await faults[name](prng.pick(cluster.nodes))
  }
  return counts
}

test('litmus tests at real nodes and programs show what one order of their steps explains, whatever happens to the nodes', async (context) => {
  const prng = new Prng(seed)
  const allowed = new Map(programs.map((program) => [program.name, sequentialOutcomes(program)]))
  const network = new PeerNetwork()
  await using owner = new AsyncDisposableStack()
  const cluster = await CacheCluster.proxied(network, owner, ['--cache-lines', String(linesMax)])
  const seats = cluster.nodes.map(nodeSeat)
  for (let at = 0; at < applications; at++) {
    const sync = owner.use(await connect({ cache: cluster.nodes.map(({ url }) => url), timeoutMs: callMs }))
    const cache = await sync.cache<number>()
    seats.push({
      read: async (key) => (await cache.get(key)) ?? 0,
      write: (key, value) => cache.set(key, value).then(() => true),
    })
  }

  const shown = new Map(programs.map(({ name }) => [name, 0]))
  let unknown = 0
  const forbidden: string[] = []
  const until = performance.now() + runMs
  const isOver = (): boolean => performance.now() >= until || forbidden.length > 0
  const runner = async (name: string): Promise<void> => {
    for (let round = 1; !isOver(); round++) {
      const program = prng.pick(programs)
      const keys = new Map(['x', 'y'].map((variable) => [variable, `${name}-${round}-${variable}`]))
      // What is refused, or not answered in time, says nothing.
      const outcome = await attempt({ program, seats: prng.shuffle([...seats]), keys, prng: prng.fork() }).catch(() => null)
      if (outcome === null) {
        unknown++
        continue
      }
      shown.set(program.name, (shown.get(program.name) ?? 0) + 1)
      if (allowed.get(program.name)?.has(outcome) !== true) forbidden.push(`${program.name}: ${outcome} (${[...keys.values()].join(', ')})`)
    }
  }
  const [faults] = await Promise.all([
    trouble(cluster, { network, prng: prng.fork(), isOver }),
    ...Array.from({ length: runners }, (_, at) => runner(`litmus-${at + 1}`)),
  ])
  const counted = (counts: ReadonlyMap<string, number>): string => [...counts].map(([what, times]) => `${what} ${times}`).join(', ')
  context.diagnostic(`${counted(shown)}; not known ${unknown}; nodes ${counted(faults)}; seed ${seed}`)
  assert.deepEqual(forbidden, [])
  for (const [name, times] of shown) assert.ok(times >= leastOf, `${name} came to an end ${times} times`)
})
