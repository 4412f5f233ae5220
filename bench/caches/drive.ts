import { setImmediate as turn } from 'node:timers/promises'
import { Meter } from '#bench/queues/meter.ts'
import type { Metered } from '#bench/queues/meter.ts'
import type { CacheClient } from './cache-client.ts'

export interface Plan {
  /**
   * `here` and `owner` use the memory of the process, `hit` and `set` ask the cache, `turns` writes by one client and by the other in turns, and `stale`
   * writes by one and, when that is confirmed, reads by the other, which has read the key before.
   */
  readonly work: 'here' | 'hit' | 'owner' | 'set' | 'turns' | 'stale'
  /** Under way at once. */
  readonly calls: number
  /** All of them are written before, or as many as there is time for. */
  readonly keys: number
  readonly fillMs: number
  /** What is confirmed is at the level `owner`: a lease that ends takes what memory does not have yet along. */
  readonly mayLose: boolean
  /** Whether the client that reads is in a process of its own. */
  readonly apart: boolean
  /** `stale` goes on behind what is measured until it has so many pairs, for as long as it may take. */
  readonly pairs: number
  readonly pairsMs: number
  /** What its keys begin with; no other run has it. */
  readonly prefix: string
  readonly warmMs: number
  readonly measuredMs: number
  /** Of the servers. */
  readonly pids: readonly number[]
}

export interface Measured extends Metered {
  /** Of the whole run: reads that began after a write was confirmed, and those of them that got an older value. */
  readonly probes: number
  readonly stale: number
  /** Keys whose last write was lost, as may happen at the level `owner`: with a lease that ended. */
  readonly lost: number
  /** As many as were written before, where that is done. */
  readonly keys: number
}

const valueBytes = 100
/** To write and to read the keys before. */
const hurry = 64
/** Reads and writes that need no turn of the event loop, between two looks at the clock. */
const block = 1_000
/** Who answers from memory would let nothing else happen in the process: leases would end, and time not pass. */
const turnMs = 5
/** One of so many reads is timed. */
const timedEvery = 64

const keyOf = (prefix: string, at: number): string => `${prefix}:${at}`
/** Tells which one it is by its beginning. */
export const valueOf = (number: number): string => `${number} `.padEnd(valueBytes, 'x')
const numberOf = (value: string): number => Number.parseInt(value, 10)

/** The clients are two programs: what one of them has in its memory the other has not. */
export interface Clients {
  readonly writer: CacheClient
  readonly reader: CacheClient
}

/** Carries out a plan on keys of its own. Throws when a value is lost or wrong; how many were stale is told. */
export async function drive(clients: Clients, plan: Plan): Promise<Measured> {
  const meter = new Meter(plan.pids)
  const counts = { probes: 0, stale: 0, lost: 0, keys: plan.keys }
  const run = { ...clients, plan, meter, counts }
  switch (plan.work) {
    case 'here':
      await readHere(run)
      break
    case 'hit':
      await readAgain(run)
      break
    case 'owner':
      await writeHere(run)
      break
    case 'set':
      await write(run)
      break
    case 'turns':
      await writeInTurns(run)
      break
    case 'stale':
      await probe(run)
      break
  }
  return { ...meter.result(), ...counts }
}

interface Run extends Clients {
  readonly plan: Plan
  readonly meter: Meter
  readonly counts: { probes: number; stale: number; lost: number; keys: number }
}

/** Opens the meter and, so long after that really happened, closes it: a process that stood still has measured nothing. */
function measure({ plan: { warmMs, measuredMs }, meter }: Run): void {
  setTimeout(() => {
    meter.open()
    setTimeout(() => meter.close(), measuredMs)
  }, warmMs)
}

/** The turns of the event loop that work in memory has to leave to others; all that share it wait for the same one. */
class Turns {
  /** What is to be awaited now; null for nothing. */
  waiting: Promise<void> | null = null
  #next = performance.now() + turnMs

  look(): void {
    if (this.waiting !== null || performance.now() < this.#next) return
    this.waiting = turn().then(() => {
      this.waiting = null
      this.#next = performance.now() + turnMs
    })
  }
}

async function inParallel(calls: number, work: (call: number) => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: calls }, (_, call) => work(call)))
}

/** Every key is written, and read, so that whoever keeps copies has one; or those that there is time for. */
async function fill({ writer, plan: { prefix, keys, fillMs }, counts }: Run, readers: readonly CacheClient[]): Promise<readonly string[]> {
  const until = performance.now() + fillMs
  const filled: string[] = []
  await inParallel(hurry, async () => {
    while (filled.length < keys && (filled.length === 0 || performance.now() < until)) {
      const number = filled.length
      const key = keyOf(prefix, number)
      filled.push(key)
      await writer.set(key, valueOf(number))
      for (const reader of readers) expectValue(await reader.get(key), number)
    }
  })
  counts.keys = filled.length
  return filled
}

function expectValue(value: string | undefined, number: number): void {
  if (value !== valueOf(number)) throw new Error(`a wrong value: ${value ?? 'none'} instead of ${number}`)
}

/** In an order that no hardware foresees, and the same for everybody. */
function shuffled(keys: readonly string[]): readonly string[] {
  // Each key comes once if the step has no factor in common with their number.
  const step = [617, 619, 631].find((prime) => keys.length % prime !== 0) ?? 1
  return keys.map((_, at) => keys[(at * step + 331) % keys.length] ?? '')
}

async function readHere(run: Run): Promise<void> {
  const { reader, meter } = run
  const here = reader.here ?? missing()
  const keys = shuffled(await fill(run, [reader]))
  const turns = new Turns()
  measure(run)
  for (let first = 0; !meter.isClosed; first = (first + block) % keys.length) {
    const gone: string[] = []
    const from = performance.now()
    for (let at = first; at < first + block; at++) {
      const key = keys[at % keys.length] ?? ''
      const value = here.get(key)
      if (value === undefined) gone.push(key)
      else if (value.length !== valueBytes) throw new Error(`a wrong value of ${key}`)
    }
    meter.took((performance.now() - from) / block)
    meter.count(block - gone.length)
    // A lease may end, and with it what is here.
    for (const key of new Set(gone)) await reader.get(key)
    turns.look()
    if (turns.waiting !== null) await turns.waiting
  }
}

async function writeHere(run: Run): Promise<void> {
  const { writer, meter } = run
  const here = writer.here ?? missing()
  const keys = shuffled(await fill(run, []))
  const turns = new Turns()
  const last = new Map<string, number>()
  const confirmed = new Map<string, number>()
  measure(run)
  for (let number = 0; !meter.isClosed;) {
    const refused: string[] = []
    const from = performance.now()
    for (let at = 0; at < block; at++, number++) {
      const key = keys[number % keys.length] ?? ''
      if (here.set(key, valueOf(number))) last.set(key, number)
      else refused.push(key)
    }
    meter.took((performance.now() - from) / block)
    meter.count(block - refused.length)
    await Promise.all(
      refused.map(async (key) => {
        await writer.set(key, valueOf(number))
        last.set(key, number)
        confirmed.set(key, number)
      }),
    )
    turns.look()
    if (turns.waiting !== null) await turns.waiting
  }
  for (const [key, number] of last) {
    const value = (await writer.get(key)) ?? ''
    const seen = numberOf(value)
    if (value !== valueOf(seen) || seen > number || seen < (confirmed.get(key) ?? 0))
      throw new Error(`a wrong value: ${value} instead of ${number}`)
    if (seen < number) run.counts.lost++
  }
}

async function readAgain(run: Run): Promise<void> {
  const { reader, meter, plan } = run
  const keys = shuffled(await fill(run, [reader]))
  const turns = new Turns()
  measure(run)
  await inParallel(plan.calls, async (call) => {
    for (let at = call; !meter.isClosed; at++) {
      const isTimed = at % timedEvery === 0
      const from = isTimed ? performance.now() : 0
      const value = await reader.get(keys[at % keys.length] ?? '')
      if (value?.length !== valueBytes) throw new Error(`a wrong value: ${value ?? 'none'}`)
      meter.count(1)
      if (isTimed) {
        meter.took(performance.now() - from)
        turns.look()
      }
      if (turns.waiting !== null) await turns.waiting
    }
  })
}

/** Calls have keys of their own, as far as there are enough; so what one of them wrote last is what must be there. */
async function write(run: Run): Promise<void> {
  const { writer, reader, meter, plan, counts } = run
  const keys = await fill(run, [])
  const last = new Map<string, Map<number, number>>()
  measure(run)
  await inParallel(plan.calls, async (call) => {
    const own = Math.max(1, Math.ceil((keys.length - call) / plan.calls))
    for (let round = 0; !meter.isClosed; round++) {
      const key = keys[(call + (round % own) * plan.calls) % keys.length] ?? ''
      const number = keys.length + round * plan.calls + call
      const from = performance.now()
      await writer.set(key, valueOf(number))
      meter.took(performance.now() - from)
      meter.count(1)
      const ofKey = last.get(key)
      if (ofKey === undefined) last.set(key, new Map([[call, number]]))
      else ofKey.set(call, number)
    }
  })
  const written = [...last]
  await inParallel(hurry, async (call) => {
    for (let at = call; at < written.length; at += hurry) {
      const [key, ofKey] = written[at] ?? ['', new Map<number, number>()]
      const value = (await reader.get(key)) ?? ''
      const seen = numberOf(value)
      const isWritten = value === valueOf(seen)
      if (isWritten && [...ofKey.values()].includes(seen)) continue
      if (!plan.mayLose || !isWritten || seen > Math.max(...ofKey.values())) throw new Error(`a wrong value of ${key}: ${value}`)
      counts.lost++
    }
  })
}

/** Each write takes the key from the other program. */
async function writeInTurns(run: Run): Promise<void> {
  const { writer, reader, meter, plan } = run
  measure(run)
  await inParallel(plan.calls, async (call) => {
    const key = keyOf(plan.prefix, call)
    let number = 0
    for (; !meter.isClosed; number++) {
      const from = performance.now()
      await (number % 2 === 0 ? writer : reader).set(key, valueOf(number))
      meter.took(performance.now() - from)
      meter.count(1)
    }
    for (const each of [writer, reader]) expectValue(await each.get(key), number - 1)
  })
}

async function probe(run: Run): Promise<void> {
  const { writer, reader, meter, plan, counts } = run
  const until = performance.now() + plan.pairsMs
  const isOver = (): boolean => meter.isClosed && (counts.probes >= plan.pairs || performance.now() >= until)
  measure(run)
  await inParallel(plan.calls, async (call) => {
    const key = keyOf(plan.prefix, call)
    await writer.set(key, valueOf(0))
    expectValue(await reader.get(key), 0)
    for (let number = 1; !isOver(); number++) {
      const from = performance.now()
      await writer.set(key, valueOf(number))
      const value = (await reader.get(key)) ?? ''
      meter.took(performance.now() - from)
      meter.count(1)
      counts.probes++
      const seen = numberOf(value)
      if (seen < number) counts.stale++
      else if (value !== valueOf(number)) throw new Error(`a value that nobody wrote: ${value}`)
    }
  })
}

function missing(): never {
  throw new Error('this client has nothing in its process')
}
