import type { Lockstep, Queue, Worker } from '#index.ts'
import { until } from '#test/harness/until.ts'
import { Failures, Lane, pause } from './lane.ts'
import type { PromisedWork } from './lane.ts'

const aheadMax = 50

interface Flow {
  readonly lane: Lane
  readonly queue: Queue<number>
  readonly worker: Worker<number>
  /** When each number was sent. */
  readonly sent: Map<number, number>
  readonly acknowledged: Set<number>
  readonly handled: Set<number>
}

/** Sends numbers to some queues and handles what comes: every acknowledged one comes, and nothing that was never sent. */
export class QueueWork implements PromisedWork {
  readonly failures = new Failures()
  readonly violations: string[] = []
  readonly #flows: readonly Flow[]
  readonly #tasks: Promise<unknown>
  #running = true

  private constructor(flows: readonly Flow[]) {
    this.#flows = flows
    this.#tasks = Promise.all(flows.map((flow) => this.#drive(flow)))
  }

  static async start(sync: Lockstep, names: readonly string[]): Promise<QueueWork> {
    const flows: Flow[] = []
    for (const name of names) {
      const queue = sync.queue<number>(name)
      await queue.create({ visibilityTimeoutMs: 5_000 })
      flows.push(flowOf(queue, name))
    }
    return new QueueWork(flows)
  }

  get lanes(): readonly Lane[] {
    return this.#flows.map(({ lane }) => lane)
  }

  async judge(): Promise<readonly string[]> {
    const missing: string[] = []
    for (const { lane, acknowledged, handled, sent } of this.#flows) {
      const expected = [...acknowledged]
      const isThere = (): boolean => expected.every((number) => handled.has(number))
      await until(`${lane.name}: all that was acknowledged is handled`, isThere, 60_000).catch((error: unknown) =>
        missing.push(String(error)),
      )
      for (const number of handled) if (!sent.has(number)) missing.push(`${lane.name}: ${number} was never sent`)
    }
    return [...this.violations, ...missing]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#running = false
    await this.#tasks
    for (const { worker } of this.#flows) await worker.stop({ timeoutMs: 1_000 })
  }

  async #drive({ queue, sent, acknowledged, handled }: Flow): Promise<void> {
    for (let number = 1; this.#running; number++) {
      while (this.#running && acknowledged.size > handled.size + aheadMax) await pause(20)
      sent.set(number, performance.now())
      try {
        await queue.send(number)
        acknowledged.add(number)
        await pause(2)
      } catch (error) {
        this.failures.add(error)
        await pause(50)
      }
    }
  }
}

function flowOf(queue: Queue<number>, name: string): Flow {
  const lane = new Lane(`queue ${name}`)
  const [sent, acknowledged, handled] = [new Map<number, number>(), new Set<number>(), new Set<number>()]
  const worker = queue.work(
    ({ payload }) => {
      handled.add(payload)
      lane.succeeded(sent.get(payload) ?? 0)
    },
    // Whatever interrupts the work is told by the lane, which stands still.
    { concurrency: 4, onError: () => {} },
  )
  return { lane, queue, worker, sent, acknowledged, handled }
}
