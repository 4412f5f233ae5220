import type { QueueView } from '#api/queues/queues.ts'

/** What was seen of the queues lately, for their curves. */
export interface QueueHistory {
  readonly all: readonly QueueSample[]
  readonly queues: ReadonlyMap<string, readonly QueueSample[]>
}

export interface QueueSample {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly depth: number
  readonly inFlight: number
  readonly enqueued: number
  readonly delivered: number
  readonly acknowledged: number
}

export const historyMs = 240_000
const queuesMax = 64
const sampleMs = 1_000

export const noHistory: QueueHistory = { all: [], queues: new Map() }

export function remembered(history: QueueHistory, queues: readonly QueueView[], at: number): QueueHistory {
  const samples = queues.map((queue) => [queue.queue, sampleOf(queue, at)] as const)
  const next = samples.slice(0, queuesMax).map(([name, sample]) => [name, extended(history.queues.get(name) ?? [], sample)] as const)
  return { all: extended(history.all, samples.map(([, sample]) => sample).reduce(added, nothing(at))), queues: new Map(next) }
}

const sampleOf = ({ ready, delayed, in_flight: inFlight, rates }: QueueView, at: number): QueueSample => ({
  at,
  depth: ready + delayed,
  inFlight,
  ...rates,
})

const nothing = (at: number): QueueSample => ({ at, depth: 0, inFlight: 0, enqueued: 0, delivered: 0, acknowledged: 0 })

const added = (one: QueueSample, other: QueueSample): QueueSample => ({
  at: one.at,
  depth: one.depth + other.depth,
  inFlight: one.inFlight + other.inFlight,
  enqueued: one.enqueued + other.enqueued,
  delivered: one.delivered + other.delivered,
  acknowledged: one.acknowledged + other.acknowledged,
})

/** The last point moves until it is so far from the one before. One point before the window is kept, where a curve comes in. */
function extended(samples: readonly QueueSample[], sample: QueueSample): readonly QueueSample[] {
  const from = samples.findLastIndex(({ at }) => at < sample.at - historyMs)
  const before = samples.at(-2)
  const end = before !== undefined && sample.at - before.at < sampleMs ? -1 : samples.length
  return [...samples.slice(Math.max(0, from), end), sample]
}
