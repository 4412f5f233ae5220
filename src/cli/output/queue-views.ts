import type { Peeked } from '#api/queues/messages.ts'
import type { DeliveredMessage } from '#cli/service/queue-messages.ts'
import { onOneLine } from '#cli/service/queue-messages.ts'
import type { QueueDetail, QueueView } from '#api/queues/queues.ts'
import { roughDuration } from '#cli/flags/duration.ts'
import { printable, tableOf } from './table.ts'
import type { Screen } from './terminal.ts'

type Paper = Pick<Screen, 'isTerminal' | 'paint'>

export function queuesTable(queues: readonly QueueView[], paper: Paper): string {
  const rows = queues.map((queue) => [
    printable(queue.queue) + (queue.paused ? ' (paused)' : ''),
    String(queue.ready),
    String(queue.in_flight),
    String(queue.delayed),
    String(queue.dead + queue.dead_pending),
    queue.oldest_age_ms === null ? '-' : roughDuration(queue.oldest_age_ms),
    String(queue.consumer_count),
  ])
  return tableOf(['QUEUE', 'READY', 'IN FLIGHT', 'DELAYED', 'DEAD', 'OLDEST', 'CONSUMERS'], rows, paper)
}

/** What is counted, then what is set: a name and a value to a line. */
export function queueText(detail: QueueDetail, paper: Paper): string {
  const { retry, ...settings } = detail.settings
  const counts = {
    partitions: detail.partitions,
    ready: detail.ready,
    in_flight: detail.in_flight,
    delayed: detail.delayed,
    dead: detail.dead,
  }
  const rows = [
    ...Object.entries({ ...counts, dead_pending: detail.dead_pending, consumers: detail.consumer_count }),
    ...Object.entries(settings),
    ...Object.entries(retry).map(([name, value]) => [`retry.${name}`, value] as const),
  ].map(([name, value]) => [name, value === null ? '-' : printable(String(value))])
  return tableOf([paper.paint('bold', printable(detail.queue)), ''], rows, paper)
}

type Shown = Omit<Peeked['messages'][number], 'message'> & Pick<DeliveredMessage, 'message'>

/** One to a line: id, deliveries, failures, key, and the message as JSON. */
export function messagesTable(messages: readonly Shown[], paper: Paper): string {
  const rows = messages.map((each) => [
    each.message_id,
    String(each.delivery_count),
    String(each.failed_count),
    each.key === undefined ? '-' : printable(each.key),
    onOneLine(each.message),
  ])
  return tableOf(['ID', 'DELIVERED', 'FAILED', 'KEY', 'MESSAGE'], rows, paper)
}
