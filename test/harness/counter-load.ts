import type { NodeProcess } from './node-process.ts'
import { RegisterClient } from './register-client.ts'
import { until } from './until.ts'

export interface LoadTotals {
  readonly acknowledged: number
  readonly unknown: number
  readonly refused: number
}

export interface CounterLoadOptions {
  readonly clients: number
  /** Tells the counters of one load from those of another. */
  readonly name?: string
  /** Who may be asked; looked up anew for every command. */
  readonly nodes: () => readonly NodeProcess[]
  /** Between an answer and the next command. */
  readonly pauseMs?: number
}

/**
 * Clients that each add 1 to a counter of their own, one command at a time. What was acknowledged can then be found for ever, and whatever
 * was carried out twice shows: acknowledged ≤ counter ≤ acknowledged + unknown, after every single answer and at the end.
 */
export class CounterLoad implements AsyncDisposable {
  /** What should not have been; empty after a good run. */
  readonly violations: string[] = []
  readonly #options: CounterLoadOptions
  readonly #client = new RegisterClient()
  readonly #counters: Counter[]
  readonly #waiting = new Set<{ readonly since: number; readonly resolve: (at: number) => void }>()
  #running: Promise<unknown> | null = null
  #stopping = false

  constructor(options: CounterLoadOptions) {
    this.#options = options
    this.#counters = Array.from({ length: options.clients }, (_, position) => ({
      key: `${options.name ?? 'counter'}-${position}`,
      acknowledged: 0,
      unknown: 0,
      refused: 0,
      last: 0,
    }))
  }

  get totals(): LoadTotals {
    const sum = (of: (counter: Counter) => number): number => this.#counters.reduce((total, counter) => total + of(counter), 0)
    return { acknowledged: sum((c) => c.acknowledged), unknown: sum((c) => c.unknown), refused: sum((c) => c.refused) }
  }

  start(): void {
    this.#running = Promise.all(this.#counters.map((counter, position) => this.#drive(counter, position)))
  }

  /** Resolves when every client has the outcome of its last command. */
  async stop(): Promise<LoadTotals> {
    this.#stopping = true
    await this.#running
    return this.totals
  }

  /** When the first command was acknowledged of those that were sent after `since`. */
  acknowledgedAfter(since: number, withinMs: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const waiter = {
        since,
        resolve: (at: number) => {
          clearTimeout(timer)
          this.#waiting.delete(waiter)
          resolve(at)
        },
      }
      const timer = setTimeout(() => {
        this.#waiting.delete(waiter)
        reject(new Error(`no command was acknowledged within ${withinMs} ms`))
      }, withinMs)
      this.#waiting.add(waiter)
    })
  }

  /** So many more acknowledgements from now on. */
  async progress(count: number, withinMs = 20_000): Promise<void> {
    const target = this.totals.acknowledged + count
    await until(`${count} more commands are acknowledged`, () => this.totals.acknowledged >= target, withinMs)
  }

  /** Reads every counter through that node, and says what is wrong. */
  async check(node: NodeProcess): Promise<readonly string[]> {
    const wrong: string[] = [...this.violations]
    for (const { key, acknowledged, unknown } of this.#counters) {
      let value = 0
      await until(`${key} is read through ${node.id}`, async () => {
        const reply = await this.#client.read(node, key)
        if (reply.type === 'answered') value = reply.value ?? 0
        return reply.type === 'answered'
      })
      if (value < acknowledged) wrong.push(`${key} is ${value} on ${node.id}, but ${acknowledged} additions were acknowledged`)
      if (value > acknowledged + unknown) wrong.push(`${key} is ${value} on ${node.id}, but only ${acknowledged} + ${unknown} were sent`)
    }
    return wrong
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
    this.#client[Symbol.dispose]()
  }

  async #drive(counter: Counter, position: number): Promise<void> {
    let turn = position
    while (!this.#stopping) {
      const nodes = this.#options.nodes()
      const node = nodes[turn % Math.max(1, nodes.length)]
      const acknowledged = node !== undefined && (await this.#step(counter, node))
      if (!acknowledged) turn++
      await pause(acknowledged ? (this.#options.pauseMs ?? 2) : 10)
    }
  }

  async #step(counter: Counter, node: NodeProcess): Promise<boolean> {
    const sentAt = performance.now()
    const reply = await this.#client.add(node, counter.key)
    if (reply.type === 'refused') counter.refused++
    if (reply.type === 'unknown') counter.unknown++
    if (reply.type !== 'answered') return false
    counter.acknowledged++
    this.#judge(counter, reply.value ?? 0, node)
    const at = performance.now()
    for (const waiter of this.#waiting) if (sentAt >= waiter.since) waiter.resolve(at)
    return true
  }

  #judge(counter: Counter, value: number, node: NodeProcess): void {
    const { key, acknowledged, unknown, last } = counter
    counter.last = value
    if (value > last && value >= acknowledged && value <= acknowledged + unknown) return
    this.violations.push(`${node.id} answers ${key} = ${value} after ${last}: ${acknowledged} were acknowledged, ${unknown} are unknown`)
  }
}

interface Counter {
  readonly key: string
  acknowledged: number
  unknown: number
  refused: number
  /** The value in the last answer. */
  last: number
}

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
