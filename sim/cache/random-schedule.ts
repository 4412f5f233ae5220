import { assert, present } from '#base/assert.ts'
import { Prng } from '#base/prng.ts'
import type { Answer } from '#core/cache/agent-state.ts'
import type { CacheLimits } from '#core/cache/limits.ts'
import type { Letter } from '#core/cache/testkit.ts'
import { TestValue, World, other, own, theSlot } from '#core/cache/testkit.ts'
import { textOf } from '#core/cache/describe.ts'
import type { Change, Grant, Key, Value } from '#core/cache/types.ts'
import { agentId, cacheKey } from '#core/cache/types.ts'
import { checkLinearizability } from '#sim/checker/linearizability.ts'
import { HistoryRecorder } from '#sim/checker/history.ts'
import type { CacheInput, CacheOutput } from './cache-model.ts'
import { cacheModel } from './cache-model.ts'

/** How much of everything happened. */
export interface Done {
  reads: number
  writes: number
  owned: number
  unknown: number
  snoops: number
  lapses: number
  homes: number
  crashes: number
  lost: number
  doubled: number
  fills: number
  ended: number
  locals: number
}

export const nothingDone = (): Done => ({
  reads: 0,
  writes: 0,
  owned: 0,
  unknown: 0,
  snoops: 0,
  lapses: 0,
  homes: 0,
  crashes: 0,
  lost: 0,
  doubled: 0,
  fills: 0,
  ended: 0,
  locals: 0,
})

const leadMs = 450

/**
 * A short random run of one home and a few agents. Messages are lost, doubled and reordered, entries are applied late, clocks differ in rate,
 * agents pause and crash, the home changes, lines are evicted. After every step the invariants and the witness look at all of it; at the end
 * everything heals, must come to rest, and the history of every key must be linearizable.
 */
export class RandomSchedule {
  readonly world: World
  readonly done = nothingDone()
  /** Too much of it is unknown for the checker of histories; the witness had a look all the same. */
  undecided = false
  readonly #prng: Prng
  readonly #faults: {
    readonly drop: number
    readonly double: number
    readonly reorder: number
    readonly crash: number
    readonly home: number
  }
  readonly #keys: readonly Key[]
  readonly #history = new HistoryRecorder<CacheInput, CacheOutput>(() => this.world.now)
  /** Values end by themselves: then only the witness can judge. */
  readonly #isLossy: boolean
  /** Calls of the world by id to those of the history. */
  readonly #calls = new Map<number, { readonly id: number; readonly input: CacheInput }>()
  readonly #doubtful: { readonly id: number; readonly input: CacheInput }[] = []
  readonly #paused = new Set<string>()
  #lastValue = 0
  #lastAgent = 0

  constructor(seed: number, limits: Partial<CacheLimits> = {}) {
    const prng = new Prng(seed)
    this.#prng = prng
    const linesMax = prng.chance(0.3) ? 1 : 100
    this.#isLossy = prng.chance(0.3)
    const pressure = this.#isLossy && prng.chance(0.5) ? { memoryBytesMax: 140, directoryMax: prng.chance(0.5) ? 1 : 100 } : {}
    const snoops = prng.chance(0.2) ? 'broadcast' : 'filter'
    this.world = new World({ agents: [], limits: { linesMax, fillMs: 300, ...pressure, ...limits }, snoops })
    this.world.leadMs = leadMs
    this.world.tickHome()
    this.#keys = ['k', 'l', 'm'].slice(0, prng.between(1, 3)).map(cacheKey)
    const bad = prng.chance(0.8)
    this.#faults = {
      drop: bad ? prng.float() * 0.15 : 0,
      double: bad ? prng.float() * 0.15 : 0,
      reorder: prng.chance(0.7) ? prng.float() : 0,
      crash: bad ? prng.float() * 0.01 : 0,
      home: bad ? prng.float() * 0.02 : 0,
    }
    for (let count = prng.between(2, 4); count > 0; count--) this.#join()
  }

  run(actions: number): void {
    for (let left = actions; left > 0; left--) this.#act()
    this.#recover()
  }

  #join(): void {
    const name = `a${++this.#lastAgent}`
    // Every other one may be in the process of a home, whose clock is the one that all others are measured by.
    this.world.rates.set(agentId(name), this.#lastAgent % 2 === 0 ? 1 : 0.97 + this.#prng.float() * 0.06)
    this.world.join(name)
  }

  #act(): void {
    const prng = this.#prng
    const dice = prng.float()
    if (prng.chance(this.#faults.crash)) this.#crash()
    else if (prng.chance(this.#faults.home)) this.#changeHome()
    else if (dice < 0.45) this.#deliver()
    else if (dice < 0.6) this.#apply()
    else if (dice < 0.85) this.#ask()
    else this.#pass()
    this.#collect()
  }

  #deliver(): void {
    const { letters } = this.world
    for (let count = this.#prng.between(1, 4); count > 0 && letters.length > 0; count--) {
      const letter = present(
        letters[this.#prng.chance(this.#faults.reorder) ? this.#prng.between(0, letters.length - 1) : 0],
        'there is one',
      )
      if (this.#isPaused(letter)) continue
      if (this.#prng.chance(this.#faults.drop)) {
        this.done.lost++
        this.world.drop(letter)
      } else if (this.#prng.chance(this.#faults.double)) {
        this.done.doubled++
        this.world.arrive(letter)
      } else this.world.deliver(letter)
    }
  }

  #isPaused(letter: Letter): boolean {
    return letter.type === 'to-agent' && this.#paused.has(letter.to)
  }

  #apply(): void {
    for (let count = this.#prng.between(1, 3); count > 0 && this.world.log.length > 0; count--) this.world.apply()
  }

  #pass(): void {
    const prng = this.#prng
    const { world } = this
    world.pass(prng.chance(0.1) ? prng.between(100, 700) : prng.between(1, 40))
    if (prng.chance(0.05)) this.#pause()
    if (prng.chance(0.9)) world.tickHome()
    for (const name of world.agents.keys()) {
      if (this.#paused.has(name)) continue
      if (prng.chance(0.1)) world.step(name, { type: 'home', slot: theSlot, term: world.term })
      if (prng.chance(0.9)) world.tickAgent(name)
    }
  }

  #pause(): void {
    if (this.#paused.size > 0) this.#paused.clear()
    else {
      const others = [...this.world.agents.keys()].filter((name) => name !== this.world.localAgent)
      if (others.length > 0) this.#paused.add(this.#prng.pick(others))
    }
  }

  #crash(): void {
    const { world } = this
    const name = this.#prng.pick([...world.agents.keys()])
    if (world.localAgent === name) this.#changeHome()
    this.#count(name)
    world.agents.delete(name)
    this.#paused.delete(name)
    this.done.crashes++
    this.#join()
  }

  /** Not before its predecessor's leadership is over: that is what Raft promises. */
  #changeHome(): void {
    const { world } = this
    const { leadsUntil } = world.home.state
    if (leadsUntil > world.now) world.pass(leadsUntil - world.now)
    const before = world.localAgent
    const able = [...world.agents.keys()].filter((name) => name !== before && !this.#paused.has(name) && world.rates.get(name) === 1)
    world.localAgent = able.length > 0 && this.#prng.chance(0.7) ? this.#prng.pick(able) : null
    if (world.localAgent !== null) this.done.locals++
    world.changeHome(this.#prng.between(0, world.log.length), before)
    if (world.localAgent !== null) world.step(world.localAgent, { type: 'home', slot: theSlot, term: world.term })
    world.tickHome()
    this.done.homes++
    for (const name of world.agents.keys())
      if (!this.#paused.has(name) && this.#prng.chance(0.5)) world.step(name, { type: 'home', slot: theSlot, term: world.term })
  }

  #ask(): void {
    const prng = this.#prng
    const names = [...this.world.agents.keys()].filter((name) => !this.#paused.has(name))
    if (names.length === 0) return
    const name = prng.pick(names)
    const key = prng.pick(this.#keys)
    const dice = prng.float()
    if (this.#isLossy && dice < 0.1) this.#end(name, key)
    else if (dice < 0.4) this.#read(name, key)
    else if (dice < 0.45) this.#fill(name, key)
    else if (dice < 0.58) this.#write(name, key, set(++this.#lastValue), { type: 'set', value: this.#lastValue })
    else if (dice < 0.65) this.#write(name, key, { type: 'add', by: 1 }, { type: 'add', by: 1 })
    else if (dice < 0.7) this.#write(name, key, { type: 'delete', condition: { type: 'none' } }, { type: 'delete' })
    else if (dice < 0.74) {
      const value = ++this.#lastValue
      const change = { type: 'set', value: new TestValue(String(value)), ttlMs: null, condition: { type: 'absent' } } as const
      this.#write(name, key, change, { type: 'create', value })
    } else this.#own(name, key)
  }

  #end(name: string, key: Key): void {
    const value = ++this.#lastValue
    this.done.ended++
    if (this.#prng.chance(0.2)) this.world.clear('')
    else this.#write(name, key, { ...set(value), ttlMs: this.#prng.between(1, 500) }, { type: 'set', value })
  }

  /** Whoever may load what is absent writes it soon, or never. */
  #fill(name: string, key: Key): void {
    const id = this.#history.call({ client: name, key, input: { type: 'read' } })
    this.#calls.set(this.world.lastId + 1, { id, input: { type: 'read' } })
    this.world.read(name, key, { fill: true })
  }

  #loaded(token: Grant, { agent, key }: { readonly agent: string; readonly key: Key }): void {
    this.done.fills++
    if (!this.world.agents.has(agentId(agent)) || this.#prng.chance(0.3)) return
    const value = ++this.#lastValue
    const change = { ...set(value), condition: { type: 'token', token } } as const
    this.#write(agent, key, change, { type: 'fill', value })
  }

  #read(name: string, key: Key): void {
    const id = this.#history.call({ client: name, key, input: { type: 'read' } })
    this.#calls.set(this.world.lastId + 1, { id, input: { type: 'read' } })
    this.world.read(name, key)
  }

  #write(name: string, key: Key, change: Change, input: CacheInput): void {
    const id = this.#history.call({ client: name, key, input })
    this.#calls.set(this.world.lastId + 1, { id, input })
    this.world.write(name, key, change)
  }

  /** Takes effect when it is flushed, or never: what its own handle reads meanwhile is nobody else's business. */
  #own(name: string, key: Key): void {
    const { world } = this
    const value = ++this.#lastValue
    const id = this.#history.call({ client: `${name} own`, key, input: { type: 'set', value } })
    if (world.agent(name).setSync(key, new TestValue(String(value)), own, world.timeOf(agentId(name)))) {
      this.done.owned++
      this.#doubtful.push({ id, input: { type: 'set', value } })
      assert(
        textOf(world.agent(name).getSync(key, own, world.timeOf(agentId(name))) ?? null) === String(value),
        'a writer reads what it wrote',
      )
      assert(world.agent(name).getSync(key, other, world.timeOf(agentId(name))) === undefined, 'and nobody else does (decision C8)')
    } else this.#history.refused(id)
    world.check()
  }

  #collect(): void {
    for (const answer of this.world.witness.answers.values()) this.#answered(answer)
    this.world.witness.answers.clear()
  }

  #answered(answer: Answer): void {
    const call = present(this.#calls.get(answer.id), 'what is answered was asked')
    this.#calls.delete(answer.id)
    if (answer.type === 'read') {
      this.done.reads++
      this.#history.returned(call.id, { type: 'value', value: numberOf(answer.value) })
      return
    }
    if (answer.type === 'load') {
      this.#history.refused(call.id)
      const asked = this.world.witness.loading.get(answer.id)
      if (asked !== undefined) this.#loaded(answer.token, asked)
      return
    }
    if (answer.type !== 'changed' || answer.outcome.type === 'refused') {
      this.#history.refused(call.id)
      return
    }
    const { outcome } = answer
    if (outcome.type === 'unknown') {
      this.done.unknown++
      this.#doubtful.push(call)
    } else {
      this.done.writes++
      if (outcome.type === 'mismatch') this.#history.returned(call.id, { type: 'mismatch' })
      else this.#history.returned(call.id, call.input.type === 'add' ? { type: 'value', value: outcome.number } : { type: 'done' })
    }
  }

  #recover(): void {
    const { world } = this
    this.#paused.clear()
    for (const name of world.agents.keys()) world.step(name, { type: 'home', slot: theSlot, term: world.term })
    world.run(6_000)
    for (const name of world.agents.keys()) world.step(name, { type: 'flush' })
    for (const key of this.#keys) for (const name of world.agents.keys()) this.#read(name, key)
    world.run(500)
    this.#collect()
    // What was loaded is written.
    world.run(1_000)
    this.#collect()
    for (const [name, { state }] of world.agents) {
      assert(state.activities.size === 0, 'at rest nothing is under way at an agent')
      assert(state.dirty.size === 0, 'at rest memory has everything')
      this.#count(name)
    }
    assert(world.home.state.queues.size === 0 && world.home.state.proposals.size === 0, 'at rest nothing is under way at the home')
    assert(world.home.state.sessions.size === world.agents.size, 'at rest there are sessions of those who live')
    this.#forgetLost()
    if (this.#isLossy) return
    const verdict = checkLinearizability(cacheModel, this.#history.operations())
    if (verdict.type === 'undecided') this.undecided = true
    if (verdict.type === 'violation') throw new Error(`not linearizable: ${verdict.counterexample.text}`)
  }

  /** What memory never had, and at rest nobody has, had no effect. */
  #forgetLost(): void {
    const values = this.world.witness.committed
    for (const { id, input } of [...this.#calls.values(), ...this.#doubtful])
      if (input.type === 'set' && !values.has(String(input.value))) this.#history.refused(id)
  }

  #count(name: string): void {
    const { snoops, lapses } = this.world.agent(name).state.counters
    this.done.snoops += snoops
    this.done.lapses += lapses
  }
}

/** One that fails is run again, to be told: the error has its last steps. */
export function runSchedule(seed: number, limits: Partial<CacheLimits> = {}): RandomSchedule {
  const schedule = new RandomSchedule(seed, limits)
  try {
    schedule.run(actions)
  } catch (cause) {
    throw new Error(`CACHE_SEED=${seed}: ${String(cause)}\n${traceOf(seed, limits).slice(-linesTold).join('\n')}`, { cause })
  }
  return schedule
}

function traceOf(seed: number, limits: Partial<CacheLimits>): readonly string[] {
  const again = new RandomSchedule(seed, limits)
  const trace: string[] = []
  again.world.trace = trace
  try {
    again.run(actions)
  } catch (error) {
    trace.push(String(error))
  }
  return trace
}

const actions = 200
const linesTold = 60

const set = (value: number): Extract<Change, { type: 'set' }> => ({
  type: 'set',
  value: new TestValue(String(value)),
  ttlMs: null,
  condition: { type: 'none' },
})

const numberOf = (value: Value | null): number | null => (value === null ? null : Number(textOf(value)))
