import { deepEqual, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '#base/prng.ts'
import { keep, KeepingMachine, settle } from '#test/harness/keeping-machine.ts'
import { rarely, World } from '#test/harness/runtime-world.ts'

const names = ['a', 'b', 'c'] as const
const seeds = 20

/** What the runs of all seeds did, so that none proves nothing. */
const done = { crashes: 0, cuts: 0, installs: 0, fetched: 0, resumed: 0, settled: 0 }

/** One group on three nodes, of which one at most is away at any time, while messages come and are settled and logs are cut all the time. */
class Run {
  readonly #world: World
  readonly #prng: Prng
  #away: string | null = null

  constructor(seed: number) {
    this.#prng = new Prng(seed)
    this.#world = new World({
      names,
      seed,
      compaction: { ...rarely, entries: 12, keepEntries: 2 },
      machineFor: () => new KeepingMachine(),
      store: (store) => ({
        ...store,
        commit: (batch, whenDone) => {
          for (const { install, bodies } of batch.groups) {
            if (install !== null) done.installs++
            if (bodies !== null) {
              done.fetched += bodies.entries.length
              if (!bodies.anew) done.resumed++
            }
          }
          store.commit(batch, whenDone)
        },
      }),
    })
    this.#world.found(1)
    this.#world.elect(1)
  }

  play(): void {
    for (let step = 0; step < 250; step++) {
      this.#act()
      this.#world.run(this.#prng.between(1, 80))
    }
    this.#bringBack()
    for (const name of names) this.#world.get(name).disk.setSpeed({ min: 0.1, mean: 0.5 })
    this.#world.until('a leader is there', () => this.#leader() !== null, 60_000)
    const last = (): number => this.#world.replica(this.#world.elect(1), 1).raft.commit
    const isEven = (): boolean => names.every((name) => this.#world.get(name).host.groups.get(1)?.applier.last.index === last())
    this.#world.until('all have caught up', isEven, 120_000)
    // Its own disk may be the last to have what is applied.
    this.#world.run(1_000)
    const [first] = names.map((name) => this.#kept(name))
    for (const name of names) {
      deepEqual(this.#kept(name), first)
      const entries = this.#world.get(name).disk.content.groups.get(1)?.entries
      ok(
        this.#kept(name).every((index) => entries?.has(index) === true),
        `${name} has every body that is needed`,
      )
    }
  }

  #act(): void {
    const leader = this.#leader()
    const kind = this.#prng.between(0, 9)
    if (kind === 0) this.#takeAway()
    else if (kind === 1) this.#bringBack()
    else if (kind === 2) this.#world.get(this.#prng.pick(names)).disk.setSpeed({ min: this.#prng.between(0, 30), mean: 1 })
    else if (leader !== null && kind < 7)
      this.#world.propose(
        leader,
        1,
        Array.from({ length: 6 }, () => keep(40_000)),
      )
    else if (leader !== null) {
      const settled = this.#kept(leader).filter(() => this.#prng.chance(0.3))
      done.settled += settled.length
      if (settled.length > 0) this.#world.propose(leader, 1, settled.map(settle))
    }
  }

  #leader(): string | null {
    return this.#world.leaders(1).find((name) => this.#world.replica(name, 1).raft.termStarted) ?? null
  }

  #kept(name: string): readonly number[] {
    const { machine } = this.#world.replica(name, 1).applier.machine
    return machine instanceof KeepingMachine ? machine.kept : []
  }

  #takeAway(): void {
    if (this.#away !== null) return
    this.#away = this.#prng.pick(names)
    if (this.#prng.chance(0.5)) {
      done.crashes++
      this.#world.crash(this.#away)
      return
    }
    done.cuts++
    for (const name of names) {
      this.#world.network.cut(this.#away, name)
      this.#world.network.cut(name, this.#away)
    }
  }

  #bringBack(): void {
    if (this.#away === null) return
    this.#world.network.heal()
    if (this.#world.get(this.#away).down) this.#world.restart(this.#away)
    this.#away = null
  }
}

test('decision Q1: whatever crashes and whoever leads, every replica has the bodies it needs once it has caught up', () => {
  for (let seed = 1; seed <= seeds; seed++) {
    try {
      new Run(seed).play()
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error })
    }
  }
  for (const [what, count] of Object.entries(done)) ok(count > seeds, `${what}: ${count}`)
})
