import type { QueueEventView } from '#api/queues/events.ts'
import type { QueueState } from '#core/queue/state.ts'
import type { QueueEvent } from '#core/queue/types.ts'

/** What may become of messages. */
export const counted = ['enqueued', 'delivered', 'acknowledged', 'returned', 'failed', 'dead', 'forwarded', 'expired', 'dropped'] as const

/** What happened in a slot, for people; null for what concerns nobody, and for queues that are gone. */
export function eventViewOf(event: QueueEvent, slot: number, state: QueueState, at: string): QueueEventView | null {
  if (event.type === 'transfers-due' || event.type === 'queue-deleted') return null
  const generation = event.type === 'queue-configured' ? event.generation : event.queue.generation
  const definition = state.queues.get(generation)?.definition
  if (definition === undefined) return null
  const { name: queue, partitions, settings } = definition
  switch (event.type) {
    case 'changed': {
      const { type: _, queue: ref, available: __, freed: ___, ...counts } = event
      return { type: 'messages-moved', at, queue, partition: ref.partition, slot, ...counts }
    }
    case 'queue-configured':
      return { type: 'queue-configured', at, queue, partitions, paused: settings.paused }
    case 'redrive-ended':
      return { type: 'redrive-ended', at, queue, partition: event.queue.partition, moved: event.moved }
  }
}
