import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '#base/prng.ts'
import type { Fate } from '#sim/redis/redis-server.ts'
import { RedisWorld } from '#test/harness/redis-world.ts'
import type { Outcome } from '#test/harness/redis-world.ts'
import { encodeRegisterQuestion, decodeRegisterAnswer } from '#services/register/register-machine.ts'

const names = ['a', 'b', 'c']

/** A world in which things go wrong, and what its clients were told: every sum at most once, and never less than what was told before. */
class Run {
  readonly world: RedisWorld
  readonly prng: Prng
  readonly counts: Record<string, number> = {}
  readonly #open: Outcome[][] = []
  readonly #told = new Set<number>()
  readonly #owned = new Map<string, Outcome[]>()
  #largest = 0
  #refused = 0
  #own = 0
  reads = 0

  constructor(seed: number, snapshotEntries: number) {
    this.prng = new Prng(seed)
    this.world = new RedisWorld({ names, compaction: { entries: snapshotEntries, bytes: 1e9, keepEntries: 0 } }, seed)
  }

  get acknowledged(): number {
    return this.#told.size
  }

  count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1
  }

  /** A moment of clients' lives: an addition somewhere, a question somewhere. */
  clients(): void {
    const up = this.world.nodes.filter(({ isDown, machine }) => !isDown && !machine.paused)
    if (up.length === 0) return
    const { name } = this.prng.pick(up)
    const timeoutMs = this.prng.between(100, 8_000)
    this.#open.push(this.world.submit(name, { type: 'add', key: 'k', by: 1 }, { timeoutMs }))
    this.#addOwn(name, timeoutMs)
    this.#ask()
    this.#settle()
  }

  /** To a key that nobody else adds to: what is carried out twice shows there. */
  #addOwn(name: string, timeoutMs: number): void {
    const outcomes = this.world.submit(name, { type: 'add', key: `own ${this.#own}`, by: 1 }, { timeoutMs })
    this.#owned.set(`own ${this.#own++}`, outcomes)
  }

  #ask(): void {
    const least = this.#largest
    for (const { node, isDown } of this.world.nodes) {
      if (isDown) continue
      node.query(1, encodeRegisterQuestion('k'), {
        timeoutMs: 50,
        done: (answer) => {
          const value = answer === null ? null : decodeRegisterAnswer(answer).value
          if (answer !== null) this.reads++
          if (answer !== null) ok((value ?? 0) >= least, `a question is answered with ${value}, and ${least} was told before`)
        },
      })
    }
  }

  #settle(): void {
    for (const outcomes of this.#open) {
      const [outcome] = outcomes.splice(0)
      if (outcome === undefined) continue
      if (outcome === 'refused') this.#refused++
      if (typeof outcome !== 'number') continue
      ok(!this.#told.has(outcome), `the sum ${outcome} is told once`)
      this.#told.add(outcome)
      this.#largest = Math.max(this.#largest, outcome)
    }
  }

  /** Everything works again: whatever was told is there, and nothing that was never asked for. */
  finish(): void {
    const { world } = this
    world.server.fateOf = () => 'answered'
    world.server.heal()
    world.network.heal()
    for (const { name, machine, isDown } of world.nodes) {
      machine.resume()
      if (isDown) world.restart(name)
    }
    world.run(15_000)
    this.#settle()
    const last = world.add('a')
    ok(typeof last === 'number' && last > Math.max(this.#largest, this.#told.size), 'whatever was told is there')
    ok(last <= this.#open.length - this.#refused + 1, 'what was refused was not carried out')
    const [server = '', ...others] = world.servers()
    deepEqual(others, [], 'one node serves the slot')
    for (const [key, [outcome]] of this.#owned) {
      if (typeof outcome === 'number') equal(outcome, 1, 'a command is carried out once')
      const value = world.read(server, { key }) ?? 0
      if (outcome === 'refused') equal(value, 0)
      else if (typeof outcome === 'number') equal(value, 1)
      else ok(value <= 1, 'a command is carried out once')
    }
  }
}

const fates: readonly Fate[] = ['lost', 'unanswered', 'unconfirmed']

const faults: Readonly<Record<string, (run: Run) => void>> = {
  restart: ({ world }) => world.server.restart(),
  'cut off': ({ world, prng }) => {
    world.server.cutOff(prng.pick(names))
    world.scheduler.after(prng.between(100, 6_000), () => world.server.heal())
  },
  pause: ({ world, prng }) => {
    const { machine } = world.get(prng.pick(names))
    machine.pause()
    world.scheduler.after(prng.between(100, 6_000), () => machine.resume())
  },
  crash: ({ world, prng }) => {
    const node = world.get(prng.pick(names))
    if (node.isDown) return
    world.crash(node.name)
    world.scheduler.after(prng.between(100, 6_000), () => {
      if (node.isDown) world.restart(node.name)
    })
  },
  leave: ({ world, prng }) => {
    const node = world.get(prng.pick(names))
    if (node.isDown || node.machine.paused) return
    node.node.stop(() => {
      world.crash(node.name)
      world.restart(node.name)
    })
  },
  split: ({ world, prng }) => {
    const [from, to] = [prng.pick(names), prng.pick(names)]
    world.network.cut(from, to)
    world.scheduler.after(prng.between(100, 6_000), () => world.network.healLink(from, to))
  },
}

function lossy(run: Run, chance: number): void {
  run.world.server.fateOf = ({ call }) => {
    if (!run.prng.chance(call === 'claim' || call === 'install' ? 40 * chance : chance)) return 'answered'
    const fate = run.prng.pick(fates)
    run.count(`${fate} ${call}`)
    return fate
  }
}

test('through crashes, pauses, breaks and lost answers every command is carried out at most once, and no answer is lost', () => {
  const totals: Record<string, number> = {}
  let acknowledged = 0
  let reads = 0
  for (let seed = 1; seed <= seeds; seed++) {
    const run = new Run(seed, 40)
    run.world.run(1_000)
    lossy(run, seed % 3 === 0 ? 0 : 0.01)
    while (run.world.scheduler.now < 60_000) {
      run.world.run(run.prng.between(1, 60))
      run.clients()
      if (!run.prng.chance(0.01)) continue
      const fault = run.prng.pick(Object.keys(faults))
      faults[fault]?.(run)
      run.count(fault)
    }
    run.finish()
    acknowledged += run.acknowledged
    reads += run.reads
    for (const [what, count] of Object.entries(run.counts)) totals[what] = (totals[what] ?? 0) + count
  }
  for (const what of [
    ...Object.keys(faults),
    'unanswered append',
    'lost append',
    'unconfirmed append',
    'unanswered claim',
    'unconfirmed install',
  ]) {
    ok((totals[what] ?? 0) > 0, `${what} happened`)
  }
  ok(acknowledged > seeds * 500 && reads > seeds * 500, `${acknowledged} commands and ${reads} questions were answered`)
})

test('through fail-overs to replicas that lag, with owners that move, nothing that was answered is lost while the owners live', () => {
  let failOvers = 0
  let moves = 0
  for (let seed = 1; seed <= seeds; seed++) {
    const run = new Run(seed, 1e9)
    const { world, prng } = run
    world.run(1_000)
    lossy(run, seed % 3 === 0 ? 0 : 0.005)
    let lagging = world.server.replicate()
    while (world.scheduler.now < 30_000) {
      world.run(prng.between(1, 60))
      run.clients()
      if (prng.chance(0.05)) lagging = world.server.replicate()
      if (prng.chance(0.01) && world.servers().length === 1) {
        world.server.failOver(lagging)
        failOvers++
      } else if (prng.chance(0.005)) {
        const [server = 'a'] = world.servers()
        const slot = world.slot(server)
        if (slot.phase === 'serving') slot.release(() => moves++)
      }
    }
    equal(world.server.slot(1).record.failed, null, `seed ${seed}`)
    run.finish()
  }
  ok(failOvers > 2 * seeds && moves > 0, `${failOvers} fail-overs, ${moves} moves`)
})

const seeds = Number(process.env['REDIS_SEEDS'] ?? 12)
