import { equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '#base/prng.ts'
import type { ModelItem } from './exhaustive-model.ts'
import { ExhaustiveModel } from './exhaustive-model.ts'
import { TestLocks } from './testkit.ts'

const clients = ['A', 'B', 'C', 'D']
const resources = ['p', 'q', 'r', 's']
const stepsMax = 24

interface Totals {
  granted: number
  queued: number
  deadlock: number
  /** Runs with at least one deadlock. */
  deadlocking: number
  upgrades: number
  many: number
  second: number
}

/** The machine and the model are asked the same, and must agree on every answer and every holder. */
class Run {
  readonly #prng: Prng
  readonly #locks = new TestLocks()
  readonly #model: ExhaustiveModel
  readonly #totals: Totals
  readonly #clients: number
  readonly #resources: number
  #deadlocks = 0

  constructor(seed: number, totals: Totals) {
    this.#prng = new Prng(seed)
    this.#clients = this.#prng.between(2, clients.length)
    this.#resources = this.#prng.between(2, resources.length)
    this.#model = new ExhaustiveModel(this.#clients, this.#resources)
    this.#totals = totals
  }

  run(): number {
    for (let step = this.#prng.between(10, stepsMax); step > 0; step--) {
      if (this.#prng.chance(0.15)) this.#giveBack()
      else this.#ask()
      this.#compare()
    }
    if (this.#deadlocks > 0) this.#totals.deadlocking++
    return this.#model.searched
  }

  #ask(): void {
    const client = this.#prng.between(0, this.#clients - 1)
    // A client that waits seldom asks for more; one that does has several waits in the background.
    if (this.#model.hasWaits(client) && !this.#prng.chance(0.2)) return
    const items = this.#items(client)
    if (items === null) return
    this.#count(client, items)
    const answer = this.#model.request(client, items)
    const what = items.map(({ resource, level }) => `${resources[resource]}${level === 1 ? ':s' : ''}`).join(' ')
    const told = this.#locks.acquire(clients[client] ?? '', what).split(' ')[0]
    equal(told, answer, `${clients[client]} asks for ${what}`)
    this.#totals[answer]++
    if (answer === 'deadlock') this.#deadlocks++
  }

  /** Null when the client already has a part of it, other than a shared lock to be upgraded. */
  #items(client: number): ModelItem[] | null {
    const count = this.#resources > 2 && this.#prng.chance(0.25) ? this.#prng.between(2, this.#resources - 1) : 1
    const chosen = this.#prng.shuffle(Array.from({ length: this.#resources }, (_, at) => at)).slice(0, count)
    const items = chosen.map((resource): ModelItem => ({ resource, level: this.#prng.chance(0.45) ? 1 : 2 }))
    const [first] = items
    const isNew = items.every(({ resource }) => this.#model.levelOf(client, resource) === 0 && !this.#model.isWaiting(client, resource))
    if (isNew || first === undefined) return items
    const isUpgrade = count === 1 && first.level === 2 && this.#model.levelOf(client, first.resource) === 1
    return isUpgrade && !this.#model.isWaiting(client, first.resource) ? items : null
  }

  #count(client: number, items: readonly ModelItem[]): void {
    if (items.length > 1) this.#totals.many++
    if (items.some(({ resource }) => this.#model.levelOf(client, resource) > 0)) this.#totals.upgrades++
    if (this.#model.hasWaits(client)) this.#totals.second++
  }

  /** A lock, or else a place in a queue. */
  #giveBack(): void {
    const client = this.#prng.between(0, this.#clients - 1)
    const resource = this.#prng.between(0, this.#resources - 1)
    if (this.#model.levelOf(client, resource) > 0) this.#model.release(client, resource)
    else if (this.#model.isWaiting(client, resource)) this.#model.giveUp(client, resource)
    else return
    equal(this.#locks.release(clients[client] ?? '', resources[resource] ?? '').split(' ')[0], 'released')
  }

  #compare(): void {
    for (let resource = 0; resource < this.#resources; resource++) {
      const [holders = ''] = this.#locks.show(resources[resource] ?? '').split('|')
      const expected = clients.map((name, client) => ['', `${name}:s`, name][this.#model.levelOf(client, resource)])
      equal(holders.trim().split(' ').toSorted().join(' '), expected.filter((name) => name !== '').join(' '))
    }
  }
}

test('in 10 000 random runs every deadlock is found and nothing else is taken for one, as a search over all orders of releases says', () => {
  const totals: Totals = { granted: 0, queued: 0, deadlock: 0, deadlocking: 0, upgrades: 0, many: 0, second: 0 }
  let searched = 0
  for (let seed = 1; seed <= 10_000; seed++) searched += new Run(seed, totals).run()
  console.log(JSON.stringify({ ...totals, searched }))
  ok(totals.deadlocking >= 3_000, 'at least 30 % of the runs deadlock')
  for (const count of Object.values<number>({ ...totals })) ok(count > 1_000, 'every kind of request was made')
})
