import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { millis, wallMillis } from '#base/brand.ts'
import { decodeAnswer, encodeAnswer, encodeCommand } from '#core/queue/command-codec.ts'
import { defaultSettings } from '#core/queue/limits.ts'
import { QueueMachine } from '#core/queue/machine.ts'
import type { Message, QueueAnswer, QueueCommand, Receipt } from '#core/queue/types.ts'
import { consumerId, generation, queueName } from '#core/queue/types.ts'
import { spread } from '#bench/kit/stats.ts'

/** The queue machine alone, in one thread and without a log: messages per second of its thread through encode, apply and decode, and what a deep queue weighs. */
const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '3' },
    deep: { type: 'string', default: '5000000' },
    json: { type: 'string' },
  },
})
const rounds = Number(options.rounds)
const deep = Number(options.deep)
const queue = { generation: generation(1), partition: 0 }
const consumer = consumerId('consumer-1')
const body = new Uint8Array(256).fill(0x61)

class Queue {
  readonly machine = new QueueMachine({ clusterId: 'bench', slot: 1 })
  #index = 0
  readonly #fields: Partial<Message>

  constructor(fields: Partial<Message> = {}) {
    this.#fields = fields
    const definition = { name: queueName('bench'), generation: queue.generation, partitions: 1, settings: defaultSettings, revision: 1 }
    this.do({ type: 'configure', queue: definition, catalogueVersion: 1 }, 'configured')
  }

  /** The way through a log: encoded, decoded, carried out, the answer encoded and decoded. */
  do<T extends QueueAnswer['type']>(command: QueueCommand, expected: T): Extract<QueueAnswer, { readonly type: T }> {
    const context = { index: ++this.#index, term: 1, time: millis(this.#index / 100), wall: wallMillis(1.7e12 + this.#index / 100) }
    const { answer } = this.machine.apply(encodeCommand(command), context)
    const read = decodeAnswer(encodeAnswer(answer))
    if (!read.ok || read.value.type !== expected) throw new Error(`${command.type} was answered with ${JSON.stringify(answer)}`)
    return read.value as Extract<QueueAnswer, { readonly type: T }>
  }

  produce(count: number): void {
    const messages = Array.from({ length: count }, (): Message => ({ ...plain, ...this.#fields }))
    const { results } = this.do({ type: 'produce', queue, producer: null, messages }, 'produced')
    if (results.some(({ type }) => type !== 'enqueued')) throw new Error('a message was refused')
  }

  consume(max: number): readonly Receipt[] {
    const command: QueueCommand = { type: 'consume', queue, consumer, max, bytesMax: 8e6, visibilityMs: null }
    return this.do(command, 'delivered').messages.map(({ id, lease }) => ({ id, lease }))
  }

  ack(receipts: readonly Receipt[]): void {
    const { results } = this.do({ type: 'ack', receipts }, 'results')
    if (results.some((result) => result !== 'acknowledged')) throw new Error('a message was not acknowledged')
  }
}

const plain: Message = {
  key: null,
  priority: 0,
  delay: { type: 'none' },
  ttlMs: null,
  dedupeId: null,
  headers: [],
  source: null,
  body,
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Of this process after a collection, in bytes. */
function memory(): number {
  collect()
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** Of this thread, in milliseconds: other processes on the machine do not count. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}

/** Each message is produced, consumed and acked. */
function messagesPerSecond(target: Queue, batch: number): number {
  const startedAt = cpuMs()
  const end = startedAt + Number(options.seconds) * 1_000
  let messages = 0
  for (; cpuMs() < end; messages += batch) {
    target.produce(batch)
    const receipts = target.consume(batch)
    if (receipts.length !== batch) throw new Error('a message was not delivered')
    target.ack(receipts)
  }
  return (messages / (cpuMs() - startedAt)) * 1_000
}

const repeated = (measure: () => number): number[] => Array.from({ length: rounds }, measure)
const show = ({ min, median, max }: ReturnType<typeof spread>): string => [min, median, max].map((value) => value.toFixed(0)).join(' / ')
const mebibytes = (bytes: number): number => bytes / 2 ** 20

function rate(what: string, batch: number, target: Queue): ReturnType<typeof spread> {
  messagesPerSecond(target, batch)
  const measured = spread(repeated(() => messagesPerSecond(target, batch)))
  console.log(`${what}, produced, consumed and acked: ${show(measured)} messages/s`)
  return measured
}

const rates = {
  batches: rate('in batches of 100', 100, new Queue()),
  singly: rate('one by one', 1, new Queue()),
  prioritised: rate('with a priority, in batches of 100', 100, new Queue({ priority: 5 })),
}

/** A backlog of so many, brought in batches of so many: what it weighs, and how fast it goes in and out. */
function deepQueue(batch: number): { readonly mib: number; readonly inPerSecond: number; readonly outPerSecond: number } {
  const before = memory()
  const target = new Queue()
  const startedAt = cpuMs()
  for (let at = 0; at < deep; at += batch) target.produce(batch)
  const producedAt = cpuMs()
  const mib = mebibytes(memory() - before)
  const beganAt = cpuMs()
  for (let left = deep; left > 0;) {
    const receipts = target.consume(100)
    target.ack(receipts)
    left -= receipts.length
  }
  const [inSeconds, outSeconds] = [(producedAt - startedAt) / 1_000, (cpuMs() - beganAt) / 1_000]
  const result = { mib, inPerSecond: deep / inSeconds, outPerSecond: deep / outSeconds }
  const after = mebibytes(memory() - before)
  console.log(
    `${deep} ready messages brought in batches of ${batch}: ${mib.toFixed(1)} MiB, in ${result.inPerSecond.toFixed(0)}/s, ` +
      `out and acked ${result.outPerSecond.toFixed(0)}/s, ${after.toFixed(1)} MiB left`,
  )
  return result
}

const backlog = { batches: deepQueue(100), singly: deepQueue(1) }

if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify({ rates, deep, backlog }, null, 2)}\n`)
