import { equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '#base/prng.ts'
import type { CacheInput, CacheOutput } from '#sim/cache/cache-model.ts'
import { cacheModel } from '#sim/cache/cache-model.ts'
import { HistoryRecorder } from '#sim/checker/history.ts'
import { checkLinearizability } from '#sim/checker/linearizability.ts'
import { slotId } from '#core/cache/types.ts'
import { CacheWorld, json } from '#test/harness/cache-world.ts'

/** A whole cluster of nodes, with messages that get lost, doubled and late, and clients that call all of them at once. */
class Run {
  readonly world: CacheWorld
  readonly #prng: Prng
  readonly #history: HistoryRecorder<CacheInput, CacheOutput>
  readonly answered = { reads: 0, hits: 0, changes: 0, unknown: 0, refused: 0 }
  #stopped = false
  #lastValue = 0

  constructor(world: CacheWorld, seed: number) {
    this.world = world
    this.#prng = new Prng(seed)
    this.#history = new HistoryRecorder(() => world.scheduler.now)
  }

  stop(): void {
    this.#stopped = true
  }

  /** Nobody is asked whose node is down, and nobody waits for one that died. */
  async client(name: string): Promise<void> {
    while (!this.#stopped) {
      const node = this.#prng.pick(this.world.nodes)
      if (!node.down) await Promise.race([this.#call(`${name}@${node.name}`, node.name), this.#died(node.name)])
      await this.#rest(this.#prng.between(1, 15))
    }
  }

  verdict(): string {
    const verdict = checkLinearizability(cacheModel, this.#history.operations())
    return verdict.type === 'violation' ? JSON.stringify(verdict.counterexample) : verdict.type
  }

  async #call(client: string, name: string): Promise<void> {
    const { cache } = this.world.get(name).server
    const key = this.#prng.pick(['a', 'b', 'c', 'd'])
    const kind = this.#prng.between(0, 9)
    const id = (input: CacheInput): number => this.#history.call({ client, key, input })
    if (kind < 5) {
      const call = id({ type: 'read' })
      const read = await cache.read({ key })
      if (!read.ok) return this.#history.refused(call)
      this.answered.reads++
      if (read.value.hit) this.answered.hits++
      const { value } = read.value
      this.#history.returned(call, { type: 'value', value: value === null ? null : Number(Buffer.from(value).toString()) })
    } else if (kind < 7) {
      const value = ++this.#lastValue
      const call = id({ type: 'set', value })
      const written = await cache.write({ key, value: json(value) })
      this.#end(call, written.ok ? { type: 'done' } : written.error.code)
    } else if (kind < 8) {
      const call = id({ type: 'delete' })
      const deleted = await cache.delete({ key })
      this.#end(call, deleted.ok ? { type: 'done' } : deleted.error.code)
    } else {
      const call = id({ type: 'add', by: 1 })
      const operation = kind === 9 ? { operation_id: `op${call}` } : {}
      const added = await cache.increment({ key, ...operation })
      this.#end(call, added.ok ? { type: 'value', value: added.value.value } : added.error.code)
    }
  }

  #end(call: number, end: CacheOutput | string): void {
    if (typeof end !== 'string') {
      this.answered.changes++
      this.#history.returned(call, end)
    } else if (end === 'unknown') this.answered.unknown++
    else {
      this.answered.refused++
      this.#history.refused(call)
    }
  }

  async #died(name: string): Promise<void> {
    const { server } = this.world.get(name)
    while (!this.world.get(name).down && this.world.get(name).server === server) await this.#rest(50)
  }

  #rest(ms: number): Promise<void> {
    return new Promise((resolve) => void this.world.scheduler.at(this.world.scheduler.now + ms, resolve))
  }
}

type Fault = (run: Run, prng: Prng) => Promise<void>

const faults: Readonly<Record<string, Fault>> = {
  'the home of a key dies and comes back': async ({ world }) => {
    const home = await world.homeOf('a')
    world.crash(home)
    await world.run(2_500)
    world.restart(home)
    await world.run(2_000)
  },
  'a node stands still for longer than its lease': async ({ world }, prng) => {
    const { machine } = prng.pick(world.nodes)
    machine.pause()
    await world.run(1_700)
    machine.resume()
    await world.run(1_000)
  },
  'a link between two nodes is cut in one direction': async ({ world }) => {
    world.network.cut('n1', 'n2')
    await world.run(2_500)
    world.network.healLink('n1', 'n2')
    await world.run(500)
  },
  'a node is cut off': async ({ world }, prng) => {
    world.cutOff(prng.pick(world.nodes))
    await world.run(2_500)
    world.network.heal()
    await world.run(1_500)
  },
  'leadership changes hands': async ({ world }, prng) => {
    for (let round = 0; round < 4; round++) {
      const home = await world.homeOf(prng.pick(['a', 'b', 'c', 'd']))
      for (const group of home.node.host?.groups.values() ?? []) {
        const other = group.raft.membership.voters.find((voter) => !voter.startsWith(`${home.name}/`))
        if (group.raft.role === 'leader' && other !== undefined) group.step({ type: 'transfer', to: other })
      }
      await world.run(400)
    }
  },
}

for (const [at, [name, strike]] of Object.entries(faults).entries()) {
  test(`nobody is told a stale value, and all are served again, when ${name}`, async () => {
    const world = await CacheWorld.start({ slots: 2, limits: { linesMax: 3 } })
    world.network.setOptions({ delayMinMs: 0.1, delayMeanMs: 2, loss: 0.01, duplication: 0.05, reordering: 0.05, codec: 1 })
    const run = new Run(world, at + 1)
    const clients = Promise.all(Array.from({ length: 6 }, (_, number) => run.client(`c${number}`)))
    await world.run(1_000)
    await strike(run, new Prng(at + 100))
    run.stop()
    await world.answer(clients)
    for (const { name: node } of world.nodes) ok((await world.client(node).write('a', 0)).length === 3)
    console.log(`${name}: ${JSON.stringify(run.answered)}`)
    equal(run.verdict(), 'ok')
    const { reads, hits, changes } = run.answered
    ok(reads > 100 && hits > 10 && changes > 100, 'it did something')
  })
}

test('every slot has a home that serves again, whoever dies, though nobody wants anything meanwhile', async () => {
  const world = await CacheWorld.start({ slots: 6 })
  const isServed = (slot: number): boolean =>
    world.nodes.some(({ down, server }) => !down && server.bus.homes.homeOf(slotId(slot))?.state.phase === 'open')
  const keys = Array.from({ length: 24 }, (_, at) => `k${at}`)
  for (const victim of [...world.nodes, ...world.nodes]) {
    for (const { name } of world.nodes) for (const key of keys) equal((await world.client(name).write(key, 1)).slice(1, 2), ' ')
    // Its agents' leases end with it, and they do not ask for new ones.
    world.crash(victim)
    await world.run(3_500)
    for (let slot = 1; slot <= world.slots; slot++) ok(isServed(slot), `slot ${slot} is served without ${victim.name}`)
    world.restart(victim)
    await world.run(3_500)
    for (let slot = 1; slot <= world.slots; slot++) ok(isServed(slot), `slot ${slot} is served with ${victim.name} again`)
  }
})
