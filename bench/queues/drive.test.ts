import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { test } from 'node:test'
import { drive } from './drive.ts'
import type { Plan } from './drive.ts'
import type { Consumer, QueueClient, Reader, Terms } from './queue-client.ts'

const plan: Plan = {
  queue: 'test',
  first: 5_000,
  work: 'both',
  calls: 4,
  batch: 5,
  messagesMax: 1_000_000,
  prefill: 1_000,
  warmMs: 0,
  measuredMs: 300,
  patienceMs: 10_000,
  pids: [],
}

/** A queue in memory, in order; what `takes` says is what is kept of a batch that was confirmed. */
class MemoryQueue implements QueueClient {
  readonly #texts: string[] = []
  readonly #takes: (texts: readonly string[]) => readonly string[]
  readonly log: string[] = []
  deepest = 0
  #stopped = false

  constructor(takes: (texts: readonly string[]) => readonly string[] = (texts) => texts) {
    this.#takes = takes
  }

  async create(): Promise<void> {
    this.log.push('create')
  }
  async remove(): Promise<void> {
    this.log.push('remove')
  }
  async produce(_queue: string, texts: readonly string[]): Promise<void> {
    await setImmediate()
    this.#texts.push(...this.#takes(texts))
    this.deepest = Math.max(this.deepest, this.#texts.length)
  }

  async consume(_queue: string, { credit, batch }: Terms, reader: Reader): Promise<Consumer> {
    this.log.push(`consume ${credit} by ${batch}`)
    const work = async (): Promise<void> => {
      while (!this.#stopped) {
        await setImmediate()
        const texts = this.#texts.splice(0, batch)
        if (texts.length === 0) continue
        reader.delivered(texts).acked()
      }
    }
    const working = work().catch(() => {})
    return {
      stop: async () => {
        this.#stopped = true
        await working
        this.log.push('stop')
      },
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true
  }
}

test('whatever is produced is consumed before a run ends, and its queue is taken away', async () => {
  const queue = new MemoryQueue()
  const measured = await drive(queue, { ...plan, work: 'produce' })
  deepEqual(queue.log, ['create', 'consume 1000 by 100', 'stop', 'remove'])
  ok(measured.perSecond > 0 && measured.producedPerSecond > 0 && measured.messages % plan.batch === 0)
  equal(measured.duplicates, 0)
})

test('to consume, a queue is filled first, and no more than was asked for by one round of calls', async () => {
  const queue = new MemoryQueue()
  const measured = await drive(queue, { ...plan, work: 'consume', measuredMs: 10_000 })
  ok(queue.deepest >= plan.prefill && queue.deepest < plan.prefill + 800)
  deepEqual(queue.log, ['create', 'consume 20 by 5', 'stop', 'remove'])
  equal(measured.messages, queue.deepest)
  equal(measured.producedPerSecond, 0)
})

for (const work of ['produce', 'both'] as const) {
  test(`no more is sent than is to be, and what is measured ends then (${work})`, async () => {
    const measured = await drive(new MemoryQueue(), { ...plan, work, messagesMax: 500, measuredMs: 60_000 })
    ok(measured.messages >= 500 && measured.messages < 500 + plan.calls * plan.batch)
    ok(measured.perSecond > 0 && measured.producedPerSecond > 0)
  })
}

test('both at once ends with nothing left', async () => {
  const measured = await drive(new MemoryQueue(), plan)
  ok(measured.perSecond > 0 && measured.producedPerSecond > 0 && measured.p50Ms >= 0)
})

test('a message that comes twice is counted', async () => {
  let twice = 3
  const measured = await drive(new MemoryQueue((texts) => (twice-- > 0 ? [...texts, texts[0] ?? ''] : texts)), { ...plan, work: 'produce' })
  equal(measured.duplicates, 3)
})

for (const work of ['produce', 'consume', 'both'] as const) {
  test(`a message that is not as it was sent fails the bench (${work})`, async () => {
    let number = 0
    await using spoiling = new MemoryQueue((texts) =>
      texts.map((text) => (++number === 50 ? `${text.slice(0, 100)}x${text.slice(101)}` : text)),
    )
    await rejects(drive(spoiling, { ...plan, work }), /nobody has sent/)
  })

  test(`a confirmed message that does not come fails the bench (${work})`, async () => {
    let number = 0
    await using losing = new MemoryQueue((texts) => texts.filter(() => ++number !== 50))
    await rejects(drive(losing, { ...plan, work, patienceMs: 40 }), /1 of \d+ confirmed messages did not come/)
  })
}

test('a refused call fails the bench', async () => {
  await using refusing = new MemoryQueue(() => {
    throw new Error('the queue is full')
  })
  for (const work of ['produce', 'consume', 'both'] as const) await rejects(drive(refusing, { ...plan, work }), /the queue is full/)
})
