import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { anonymousBytes } from '#bench/kit/anonymous-memory.ts'
import { HttpPool } from '#bench/kit/http-pool.ts'
import { QueueCluster } from '#test/harness/queue-cluster.ts'

/**
 * A deep queue: messages go in until all are there, then out, over HTTP in batches, through three real nodes. Every so many the rate, the anonymous
 * memory of each node, and how large its store is. `--messages` says how many; the goal is 5 000 000 of 256 bytes in 600 MiB per node.
 */
const { values: options } = parseArgs({
  options: {
    messages: { type: 'string', default: '5000000' },
    bytes: { type: 'string', default: '256' },
    batch: { type: 'string', default: '500' },
    connections: { type: 'string', default: '6' },
    partitions: { type: 'string', default: '1' },
    every: { type: 'string', default: '500000' },
    json: { type: 'string' },
  },
})
const [messages, batch, every] = [Number(options.messages), Number(options.batch), Number(options.every)]
const queue = 'deep'
const mebibyte = 1024 * 1024

interface Row {
  readonly phase: 'in' | 'out'
  readonly messages: number
  readonly perSecond: number
  readonly anonymousMiB: readonly number[]
  readonly storeMiB: readonly number[]
}

await using cluster = await QueueCluster.start()
const rows: Row[] = []

/** Counts messages, and prints a line for every so many. */
class Meter {
  #count = 0
  #lineAt = every
  #since = performance.now()
  #countThen = 0
  readonly #phase: Row['phase']

  constructor(phase: Row['phase']) {
    this.#phase = phase
  }

  get count(): number {
    return this.#count
  }

  add(count: number): void {
    this.#count += count
    if (this.#count < this.#lineAt && this.#count < messages) return
    const now = performance.now()
    const perSecond = Math.round((this.#count - this.#countThen) / ((now - this.#since) / 1_000))
    const anonymousMiB = cluster.nodes.map(({ pid }) => Math.round(anonymousBytes(pid ?? 0) / mebibyte))
    const storeMiB = cluster.nodes.map(({ data }) => Math.round(statSync(join(data, 'data.mdb')).size / mebibyte))
    const row = { phase: this.#phase, messages: this.#count, perSecond, anonymousMiB, storeMiB }
    rows.push(row)
    const columns = [`${row.messages} ${row.phase}`.padStart(12), `${perSecond}/s`.padStart(10)]
    process.stdout.write(`${columns.join('')}   anonymous ${anonymousMiB.join(' / ')} MiB   store ${storeMiB.join(' / ')} MiB\n`)
    this.#lineAt += every
    this.#since = now
    this.#countThen = this.#count
  }
}

const nodes = cluster.nodes.map(({ options: { address } }) => new HttpPool(address))

async function post(pool: HttpPool, path: string, body: string): Promise<string> {
  const { status, text } = await pool.askUntilTaken('POST', path, body)
  if (status !== 200) throw new Error(`${path} was answered with ${status}: ${text}`)
  return text
}

/** So many calls at a time, over all nodes, until each finds nothing more to do. */
async function drive(work: (pool: HttpPool) => Promise<boolean>): Promise<void> {
  const pools = Array.from({ length: Number(options.connections) }, (_, at) => nodes[at % nodes.length] as HttpPool)
  await Promise.all(
    pools.map(async (pool) => {
      while (await work(pool));
    }),
  )
}

const [node] = cluster.nodes
if (node === undefined) throw new Error('there are three nodes')
await cluster.ask(node, 'PUT', `/queues/${queue}`, { body: { partitions: Number(options.partitions) } })
const text = 'x'.repeat(Number(options.bytes) - 2)
const produced = JSON.stringify({ queue, messages: Array.from({ length: batch }, () => ({ message: text })) })
const goingIn = new Meter('in')
let asked = 0
await drive(async (pool) => {
  if (asked >= messages) return false
  asked += batch
  await post(pool, '/produce', produced)
  goingIn.add(batch)
  return true
})

const goingOut = new Meter('out')
const consumed = JSON.stringify({ queue, consumer_id: 'bench', max: batch, wait_ms: 0 })
await drive(async (pool) => {
  const ids = (await post(pool, '/consume', consumed)).match(/(?<="message_id":")[^"]+/g)
  if (ids !== null) {
    await post(pool, '/ack', JSON.stringify({ message_ids: ids }))
    goingOut.add(ids.length)
  }
  return goingOut.count < asked
})
for (const pool of nodes) pool[Symbol.dispose]()
if (goingOut.count !== asked) throw new Error(`${asked} went in, ${goingOut.count} came out`)
if (options.json !== undefined) writeFileSync(options.json, JSON.stringify(rows, null, 2))
