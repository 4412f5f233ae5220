import { isDeepStrictEqual } from 'node:util'
import type { PlainStore } from '#core/queue/plain-store.ts'
import { viewMessages, viewPartition } from '#core/queue/queries.ts'
import type { QueueState } from '#core/queue/state.ts'
import type { PartitionRef } from '#core/queue/types.ts'

/** Holds the state of a replica against a plain list of messages. */

/** How many there are of each kind; null when both agree. */
export function checkCounts(state: QueueState, store: PlainStore): string | null {
  for (const { ref } of store.partitions.values()) {
    const view = viewPartition(state, ref)
    const told = view === null ? null : [view.ready, view.inFlight, view.scheduled, view.dead, view.moving]
    const expected = countsOf(store, ref)
    if (!isDeepStrictEqual(told, expected))
      return `partition ${nameOf(ref)} counts ready, in flight, scheduled, dead and moving ${JSON.stringify(told)} instead of ${JSON.stringify(expected)}`
  }
  return null
}

/** Message by message. */
export function checkViews(state: QueueState, store: PlainStore): string | null {
  for (const { ref } of store.partitions.values()) {
    const views = [...viewMessages(state, ref)].map((view) => ({
      id: view.id,
      state: view.state,
      lease: view.delivered,
      failed: view.failed,
      priority: view.priority,
      key: view.key,
      consumer: view.consumer,
    }))
    const expected = store
      .of(ref)
      .filter(({ settled }) => !settled)
      .map((each) => ({
        id: each.id,
        state: each.state,
        lease: each.lease,
        failed: each.failed,
        priority: each.priority,
        key: each.key,
        consumer: each.consumer,
      }))
    if (!isDeepStrictEqual(views, expected))
      return `partition ${nameOf(ref)} has ${JSON.stringify(views)} instead of ${JSON.stringify(expected)}`
  }
  return null
}

function countsOf(store: PlainStore, ref: PartitionRef): number[] {
  const name = nameOf(ref)
  const counts = { ready: 0, leased: 0, scheduled: 0, dead: 0, moving: 0 }
  for (const { queue, state } of store.messages) if (queue === name) counts[state]++
  return [counts.ready, counts.leased, counts.scheduled, counts.dead, counts.moving]
}

const nameOf = ({ generation, partition }: PartitionRef): string => `${generation}/${partition}`
