import type { PartitionView } from '#core/queue/queries.ts'
import { viewPartitions } from '#core/queue/queries.ts'
import type { QueueState } from '#core/queue/state.ts'
import { queueServiceLimits as limits } from './limits.ts'

export interface QueueDepth {
  /** Empty for all that are not among the deepest together. */
  readonly queue: string
  readonly messages: Readonly<Record<DepthState, number>>
  /** Of the oldest message that is not settled; 0 without one. */
  readonly oldestAgeMs: number
}

/** As `GET /status` calls them. */
const depthStates = ['ready', 'in_flight', 'delayed', 'dead', 'dead_pending'] as const
type DepthState = (typeof depthStates)[number]

/**
 * How many messages are in the queues of these slots: the deepest queues by name, the others together, so that what watches a cluster of many thousand
 * queues is not told of each.
 */
export function depthsOf(slots: Iterable<QueueState>, wall: number): readonly QueueDepth[] {
  const queues = new Map<string, QueueDepth>()
  for (const state of slots) {
    for (const view of viewPartitions(state)) {
      const known = queues.get(view.name)
      const depth = depthOf(view, wall)
      queues.set(view.name, known === undefined ? depth : together(known, depth))
    }
  }
  const deepestFirst = [...queues.values()].sort((left, right) => sizeOf(right) - sizeOf(left))
  const [named, others] = [deepestFirst.slice(0, limits.measuredQueuesMax), deepestFirst.slice(limits.measuredQueuesMax)]
  return others.length === 0 ? named : [...named, { ...others.reduce(together), queue: '' }]
}

const depthOf = ({ name, ready, inFlight, scheduled, dead, moving, oldestAt }: PartitionView, wall: number): QueueDepth => ({
  queue: name,
  messages: { ready, in_flight: inFlight, delayed: scheduled, dead, dead_pending: moving },
  oldestAgeMs: oldestAt === null ? 0 : Math.max(0, wall - oldestAt),
})

function together(one: QueueDepth, other: QueueDepth): QueueDepth {
  const messages = { ...one.messages }
  for (const state of depthStates) messages[state] += other.messages[state]
  return { queue: one.queue, messages, oldestAgeMs: Math.max(one.oldestAgeMs, other.oldestAgeMs) }
}

const sizeOf = ({ messages }: QueueDepth): number => depthStates.reduce((sum, state) => sum + messages[state], 0)

type Gauge = 'lockstep_queue_depth' | 'lockstep_queue_oldest_age_seconds'
type Readings = Readonly<Record<Gauge, () => Iterable<{ readonly labels: Readonly<Record<string, string>>; readonly value: number }>>>

/** What is read whenever somebody looks at the metrics of a node. */
export const queueReadings = (depths: () => readonly QueueDepth[]): Readings => ({
  lockstep_queue_depth: () =>
    depths().flatMap(({ queue, messages }) => depthStates.map((state) => ({ labels: { queue, state }, value: messages[state] }))),
  lockstep_queue_oldest_age_seconds: () => depths().map(({ queue, oldestAgeMs }) => ({ labels: { queue }, value: oldestAgeMs / 1_000 })),
})
