import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import type { NodeProcess } from './node-process.ts'
import type { QueueCluster } from './queue-cluster.ts'

interface Delivery {
  readonly message_id: string
  readonly message: number
  readonly receipt: string
}

/** Sends numbers by way of whatever node answers, each until it is acknowledged or its fate is unknown. */
export class Producer implements AsyncDisposable {
  readonly acknowledged = new Set<number>()
  readonly unknown = new Set<number>()
  #next = 0
  #stopped = false
  readonly #cluster: QueueCluster
  readonly #done: Promise<unknown>

  constructor(cluster: QueueCluster, tasks: number) {
    this.#cluster = cluster
    this.#done = Promise.all(Array.from({ length: tasks }, () => this.#work()))
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#done
  }

  /** A test that failed leaves nothing behind that goes on. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #work(): Promise<void> {
    while (!this.#stopped) await this.#send(this.#next++)
  }

  async #send(message: number): Promise<void> {
    while (!this.#stopped) {
      const { running } = this.#cluster
      const node = running[message % running.length] as NodeProcess
      const status = await this.#cluster.post(node, '/produce', { queue: 'orders', message }).then(
        ({ status: code, body }) => (code === 200 ? 'taken' : (body as { readonly error: { readonly code: string } }).error.code),
        () => 'unknown',
      )
      if (status === 'taken') return void this.acknowledged.add(message)
      if (status === 'unknown') return void this.unknown.add(message)
      await delay(50)
    }
  }
}

/** Takes and acks everything. */
export async function drain(cluster: QueueCluster): Promise<readonly number[]> {
  const taken: number[] = []
  for (;;) {
    const node = cluster.running[0] as NodeProcess
    const { status, body } = await cluster.post(node, '/consume', { queue: 'orders', consumer_id: 'c', max: 500, wait_ms: 1_000 })
    assert.equal(status, 200, JSON.stringify(body))
    const { messages } = body as { readonly messages: readonly Delivery[] }
    if (messages.length === 0) return taken
    taken.push(...messages.map(({ message }) => message))
    const acked = await cluster.post(node, '/ack', { receipts: messages.map(({ receipt }) => receipt) })
    assert.equal((acked.body as { readonly status: string }).status, 'acknowledged')
  }
}

export function judge(producer: Producer, taken: readonly number[]): void {
  const got = new Set(taken)
  assert.equal(got.size, taken.length, 'nothing was delivered twice, for every delivery was acked')
  assert.deepEqual(
    [...producer.acknowledged].filter((message) => !got.has(message)),
    [],
    'nothing that was acknowledged is lost',
  )
  assert.deepEqual(
    taken.filter((message) => !producer.acknowledged.has(message) && !producer.unknown.has(message)),
    [],
    'nothing came from nowhere',
  )
}
