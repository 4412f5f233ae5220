import type { Lockstep, Queue, Worker } from '#index.ts'
import { until } from '#test/harness/until.ts'
import { Failures, Lane, pause } from './lane.ts'
import type { PromisedWork } from './lane.ts'

/** A key has one in flight at a time, and what waits before it is waited for. */
const aheadMax = { ofKey: 5, without: 50 } as const

interface Flow {
  readonly lane: Lane
  /** Of all its messages, which are in order then. */
  readonly key: string | undefined
  readonly queue: Queue<number>
  readonly worker: Worker<number>
  /** When each number was sent. */
  readonly sent: Map<number, number>
  readonly acknowledged: Set<number>
  /** In the order in which they came first. */
  readonly handled: Set<number>
  /** Their acks were confirmed. */
  readonly settled: Set<number>
}

/**
 * Sends numbers to some queues, to every second one under a key, and handles what comes: every acknowledged one comes, those of a key in the order in
 * which they were sent, none after its ack was confirmed, and nothing that was never sent.
 */
export class QueueWork implements PromisedWork {
  readonly failures = new Failures()
  readonly violations: readonly string[]
  readonly #flows: readonly Flow[]
  readonly #tasks: Promise<unknown>
  #running = true

  private constructor(flows: readonly Flow[], violations: readonly string[]) {
    this.#flows = flows
    this.violations = violations
    this.#tasks = Promise.all(flows.map((flow) => this.#drive(flow)))
  }

  static async start(sync: Lockstep, names: readonly string[]): Promise<QueueWork> {
    const flows: Flow[] = []
    const violations: string[] = []
    for (const [at, name] of names.entries()) {
      const queue = sync.queue<number>(name)
      await queue.create({ visibilityTimeoutMs: 5_000 })
      flows.push(flowOf(queue, { name, key: at % 2 === 0 ? 'one' : undefined }, violations))
    }
    return new QueueWork(flows, violations)
  }

  get lanes(): readonly Lane[] {
    return this.#flows.map(({ lane }) => lane)
  }

  async judge(): Promise<readonly string[]> {
    const missing: string[] = []
    for (const { lane, key, acknowledged, handled, sent } of this.#flows) {
      const expected = [...acknowledged]
      const isThere = (): boolean => expected.every((number) => handled.has(number))
      await until(`${lane.name}: all that was acknowledged is handled`, isThere, 60_000).catch((error: unknown) =>
        missing.push(String(error)),
      )
      for (const number of handled) if (!sent.has(number)) missing.push(`${lane.name}: ${number} was never sent`)
      const inOrder = key === undefined ? [] : [...handled].filter((number) => acknowledged.has(number))
      missing.push(...disorderOf(lane.name, inOrder))
    }
    return [...this.violations, ...missing]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#running = false
    await this.#tasks
    for (const { worker } of this.#flows) await worker.stop({ timeoutMs: 1_000 })
  }

  async #drive({ queue, key, sent, acknowledged, handled }: Flow): Promise<void> {
    const ahead = key === undefined ? aheadMax.without : aheadMax.ofKey
    for (let number = 1; this.#running; number++) {
      while (this.#running && acknowledged.size > handled.size + ahead) await pause(20)
      sent.set(number, performance.now())
      try {
        await queue.send(number, { key })
        acknowledged.add(number)
        await pause(2)
      } catch (error) {
        this.failures.add(error)
        await pause(50)
      }
    }
  }
}

function flowOf(
  queue: Queue<number>,
  { name, key }: { readonly name: string; readonly key: string | undefined },
  violations: string[],
): Flow {
  const lane = new Lane(`queue ${name}`)
  const [sent, acknowledged, handled, settled] = [new Map<number, number>(), new Set<number>(), new Set<number>(), new Set<number>()]
  const worker = queue.work(
    async (message) => {
      const { payload } = message
      if (settled.has(payload)) violations.push(`${lane.name}: ${payload} came again after its ack`)
      handled.add(payload)
      await message.ack()
      settled.add(payload)
      lane.succeeded(sent.get(payload) ?? 0)
    },
    // Whatever interrupts the work is told by the lane, which stands still.
    { concurrency: 4, onError: () => {} },
  )
  return { lane, key, queue, worker, sent, acknowledged, handled, settled }
}

/** What was answered before the next was sent comes before it. */
function disorderOf(name: string, numbers: readonly number[]): readonly string[] {
  return numbers.flatMap((number, at) => {
    const before = numbers[at - 1] ?? 0
    return before < number ? [] : [`${name}: ${number} came after ${before}`]
  })
}
