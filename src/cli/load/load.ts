import type { Lockstep } from '#sdk/lockstep.ts'
import { CommandError } from '#cli/command-error.ts'
import { exitCodes } from '#cli/exit-codes.ts'
import { cacheWork } from './cache-work.ts'
import { lockWork } from './lock-work.ts'
import { queueWork } from './queue-work.ts'
import { refusalOf } from './refusal.ts'
import { runWorks } from './work.ts'
import type { WorkDone } from './work.ts'

interface LoadOptions {
  readonly services: readonly ('lock' | 'queue' | 'cache')[]
  /** A connection of its own each time, to the services that are used. */
  readonly connect: () => Promise<Lockstep>
  /** Behind the names of what is made, and removed at the end. */
  readonly tag: string
  readonly clients: number
  /** For each service. */
  readonly ms: number
  readonly signal: AbortSignal
  readonly progress: (line: string) => void
}

export interface LoadDone {
  readonly works: readonly WorkDone[]
  /** Messages that were delivered more than once, which they may be after a failure. */
  readonly deliveredAgain: number
  /** Reads of the cache that were answered from the memory of the client, in percent; null when there were none. */
  readonly hitPercent: number | null
}

/** For what was sent to come. */
const drainMs = 30_000

/** Uses one service after the other as a program would, with many clients at a time, and checks the answers. */
export async function runLoad(options: LoadOptions): Promise<LoadDone> {
  try {
    return await allLoads(options)
  } catch (error) {
    options.signal.throwIfAborted()
    const { code, message } = refusalOf(error)
    throw new CommandError(exitCodes.unavailable, `${code}: ${message}`)
  }
}

async function allLoads(options: LoadOptions): Promise<LoadDone> {
  const { services, connect } = options
  await using sync = await connect()
  const works: WorkDone[] = []
  let deliveredAgain = 0
  let hitPercent: number | null = null
  if (services.includes('lock')) works.push(...(await runWorks([lockWork(sync, options)], options)))
  if (services.includes('queue')) {
    const messages = await messageLoad(sync, options)
    works.push(...messages.works)
    deliveredAgain = messages.again
  }
  if (services.includes('cache')) {
    const values = await cacheLoad(sync, options)
    works.push(...values.works)
    hitPercent = values.hitPercent
  }
  return { works, deliveredAgain, hitPercent }
}

async function messageLoad(
  sync: Lockstep,
  { tag, clients, signal, progress, ms }: LoadOptions,
): Promise<{ readonly works: readonly WorkDone[]; readonly again: number }> {
  const queue = sync.queue<number>(`bench-${tag}`)
  await queue.create({})
  try {
    const work = queueWork(queue, clients)
    const works = await runWorks([work.produce, work.consume], { ms, signal, progress })
    const again = await work.drained({ ms: drainMs, signal })
    // What was missing at the end is known only now.
    return { works: works.map((done) => (done.name === work.consume.name ? { ...done, wrong: [...work.consume.wrong] } : done)), again }
  } finally {
    await removed(() => queue.delete())
  }
}

async function cacheLoad(
  sync: Lockstep,
  { connect, tag, clients, signal, progress, ms }: LoadOptions,
): Promise<{ readonly works: readonly WorkDone[]; readonly hitPercent: number }> {
  await using other = await connect()
  const namespace = `bench-${tag}`
  const [writer, reader] = [await sync.cache<number>({ namespace }), await other.cache<number>({ namespace })]
  const work = cacheWork({ writer, reader, clients })
  try {
    const works = await runWorks([work.read, work.write], { ms, signal, progress })
    const { hits, misses } = reader.statistics()
    return { works, hitPercent: (100 * hits) / Math.max(1, hits + misses) }
  } finally {
    for (const key of work.keys) await removed(() => writer.delete(key))
  }
}

const removeTries = 3

/** As far as that goes: what the work has come to is not lost with it. */
async function removed(remove: () => Promise<void>): Promise<void> {
  for (let tried = 0; tried < removeTries; tried++) {
    try {
      await remove()
      return
    } catch (error) {
      refusalOf(error)
    }
  }
}
