import { present } from '#base/assert.ts'
import type { Result } from '#base/result.ts'
import { err } from '#base/result.ts'
import type { Fault } from '#api/errors.ts'
import type { ServiceWorld, WorldServer } from './service-world.ts'

/** What became of operations. */
export interface Told {
  /** Codes of those that failed, with how many. */
  readonly codes: Map<string, number>
  done: number
  longestMs: number
}

/** Carries a request to the event loop of a node, and gives what it is answered. New work is let in as by the HTTP server. */
type Hear = <T>(call: () => Promise<T>, work: 'new' | 'keeps') => Promise<T | Result<never, Fault<'overloaded'>>>
/** One operation by way of a node; the number makes it another one each time. */
type Operation = (node: string, number: number, hear: Hear) => Promise<Result<unknown, Fault>>

/** Everything that happens on a node takes so long, a request as well as a message: it does so many things in a second. */
const costMs = 2

/** A world whose machines have only so much time, and operations on it. */
export class Overloading {
  readonly #world: ServiceWorld<WorldServer>
  readonly #operation: Operation
  #next = 0
  /** By node. */
  readonly #open = new Map<string, number>()

  constructor(world: ServiceWorld<WorldServer>, operation: Operation) {
    this.#world = world
    this.#operation = operation
    for (const { machine, admission } of world.nodes) {
      machine.work(costMs)
      admission.start()
    }
  }

  /** How many a second are done when there are so many at a time. */
  async carried(atOnce: number, forMs: number): Promise<number> {
    const told = nothing()
    const end = this.#world.scheduler.now + forMs
    const one = async (): Promise<void> => {
      while (this.#world.scheduler.now < end) await this.#run(told)
    }
    await this.#world.answer(Promise.all(Array.from({ length: atOnce }, one)))
    return (told.done * 1_000) / forMs
  }

  /** At a pace that asks nobody whether it can be kept; over when all have ended. */
  async pace(perSecond: number, forMs: number): Promise<Told> {
    const told = nothing()
    const running: Promise<void>[] = []
    for (let passed = 0, owed = 0; passed < forMs; passed += 10) {
      for (owed += perSecond / 100; owed >= 1; owed--) running.push(this.#run(told))
      await this.#world.run(10)
    }
    await this.#world.answer(Promise.all(running))
    return told
  }

  async #run(told: Told): Promise<void> {
    const number = this.#next++
    const { nodes, scheduler } = this.#world
    const { name, machine, admission } = present(nodes[number % nodes.length], 'there are nodes')
    const since = scheduler.now
    const answer: Hear = async (call, work) => {
      const open = (this.#open.get(name) ?? 0) + 1
      const refusal = work === 'new' ? admission.refusal(open) : null
      if (refusal !== null) return err(refusal)
      this.#open.set(name, open)
      return call().finally(() => this.#open.set(name, (this.#open.get(name) ?? 0) - 1))
    }
    const hear: Hear = (call, work) => new Promise((resolve) => machine.run(machine.life, () => resolve(answer(call, work))))
    const answered = await this.#operation(name, number, hear)
    told.longestMs = Math.max(told.longestMs, scheduler.now - since)
    if (answered.ok) told.done++
    else told.codes.set(answered.error.code, (told.codes.get(answered.error.code) ?? 0) + 1)
  }
}

const nothing = (): Told => ({ codes: new Map(), done: 0, longestMs: 0 })
