import { join } from 'node:path'
import { LoadProcess } from '#bench/contest/load-process.ts'
import type { Service } from '#test/harness/nine-nodes.ts'
import { Generator } from './generator.ts'
import type { Measured } from './generator.ts'
import { operationOf } from './kinds.ts'
import type { Urls, Way } from './kinds.ts'
import type { Order, Report } from './load.ts'
import type { Paced } from './pace.ts'
import { keepOnLastProcessor } from './processors.ts'

/** What an operation may take beside the time for which load is made. */
const lastMs = 60_000

/** One kind of operation: its load, which comes from a process of its own, and single ones that are begun here. */
export class LoadLine implements Disposable {
  readonly name: string
  readonly #load: LoadProcess<Order, Report>
  readonly #single: Generator

  private constructor(name: string, load: LoadProcess<Order, Report>, single: Generator) {
    this.name = name
    this.#load = load
    this.#single = single
  }

  static async start(service: Service, way: Way, urls: Urls, owner: AsyncDisposableStack): Promise<LoadLine> {
    const load = new LoadProcess<Order, Report>(join(import.meta.dirname, 'load.ts'), [service, way, JSON.stringify(urls)])
    keepOnLastProcessor(load.pid)
    const single = new Generator(await operationOf(service, way, { urls, owner, handles: false }))
    return owner.use(new LoadLine(`${service}, ${way}`, load, single))
  }

  async measure(atOnce: number, forMs: number): Promise<Measured> {
    return (await this.#load.run({ do: 'measure', atOnce, forMs }, forMs + lastMs)) as Measured
  }

  async pace(perSecond: number, forMs: number): Promise<Paced> {
    return (await this.#load.run({ do: 'pace', perSecond, forMs }, forMs + lastMs)) as Paced
  }

  /** When the last of them has ended. */
  async settled(): Promise<Paced> {
    return (await this.#load.run({ do: 'settle' }, lastMs)) as Paced
  }

  /** How long one takes, beside all load; null when it fails. */
  probe(): Promise<number | null> {
    return this.#single.probe()
  }

  [Symbol.dispose](): void {
    this.#load[Symbol.dispose]()
  }
}
