import { formatMessageId } from '#core/queue/message-id.ts'
import type { MessageView, PartitionView } from '#core/queue/queries.ts'
import { peek, viewMessages, viewPartitions } from '#core/queue/queries.ts'
import type { QueueState } from '#core/queue/state.ts'
import type { Header, MessageId, PartitionRef, QueueName } from '#core/queue/types.ts'
import type { Rates } from './rates.ts'

/** What the leader of a slot tells of it, as JSON. */
export type SlotQuestion =
  | { readonly type: 'partitions'; readonly generations: readonly number[] }
  | {
      readonly type: 'messages'
      readonly queue: PartitionRef
      readonly which: 'ready' | 'in-flight' | 'dead' | 'scheduled'
      /** From this place on; for `ready` so many are skipped instead. */
      readonly from: { readonly index: number; readonly offset: number } | null
      readonly skip: number
      readonly limit: number
    }

export interface PartitionStat extends Omit<PartitionView, 'oldestAt'> {
  readonly oldestAgeMs: number | null
  readonly rates: Rates
  readonly consumers: readonly { readonly id: string; readonly inFlight: number; readonly waiting: boolean }[]
}

export interface MessageStat extends Omit<MessageView, 'until' | 'enqueuedAt' | 'id'> {
  readonly id: string
  readonly place: { readonly index: number; readonly offset: number }
  readonly enqueuedAt: number
  readonly ageMs: number
  /** By the wall clock of the leader. */
  readonly untilWall: number | null
  readonly headers: readonly Header[]
  /** In base64; null when it could not be read. */
  readonly body: string | null
}

/** Of one partition. */
export interface MessagesShown {
  readonly messages: readonly MessageStat[]
  /** The first that was asked for and left out, as there are enough bytes without it. */
  readonly next: MessageStat['place'] | null
}

export interface Instant {
  readonly wall: number
  readonly machineTime: number
}

type Stat = Omit<PartitionStat, 'rates' | 'consumers'>

export function* statsOf(state: QueueState, generations: ReadonlySet<number>, wall: number): IterableIterator<Stat> {
  for (const { oldestAt, ...view } of viewPartitions(state)) {
    if (generations.has(view.queue.generation)) yield { ...view, oldestAgeMs: oldestAt === null ? null : Math.max(0, wall - oldestAt) }
  }
}

export const untouchedStat = (queue: PartitionRef, name: QueueName): Stat => ({
  queue,
  name,
  ready: 0,
  deliverable: 0,
  inFlight: 0,
  scheduled: 0,
  dead: 0,
  moving: 0,
  length: 0,
  oldestAgeMs: null,
  redrive: null,
})

/** Up to so many messages of that kind, in their order. */
export function messagesOf(
  state: QueueState,
  { queue, which, from, skip, limit }: Extract<SlotQuestion, { type: 'messages' }>,
): readonly MessageView[] {
  const found: MessageView[] = []
  let passed = 0
  const all = which === 'ready' ? peek(state, queue) : viewMessages(state, queue, from ?? undefined)
  for (const view of all) {
    if (!isOf(which, view)) continue
    if (passed++ < skip) continue
    found.push(view)
    if (found.length === limit) break
  }
  return found
}

function isOf(which: Extract<SlotQuestion, { type: 'messages' }>['which'], { state }: MessageView): boolean {
  switch (which) {
    case 'ready':
      return true
    case 'in-flight':
      return state === 'leased'
    case 'dead':
      return state === 'dead' || state === 'moving'
    case 'scheduled':
      return state === 'scheduled'
  }
}

export function messageStat(
  view: MessageView,
  message: { readonly headers: readonly Header[]; readonly body: Uint8Array } | null,
  now: Instant,
): MessageStat {
  const { id, until, enqueuedAt, ...rest } = view
  return {
    ...rest,
    id: formatMessageId(id),
    place: placeOf(id),
    enqueuedAt,
    ageMs: Math.max(0, now.wall - enqueuedAt),
    untilWall: until === null ? null : 'wall' in until ? until.wall : now.wall + (until.time - now.machineTime),
    headers: message?.headers ?? [],
    body: message === null ? null : Buffer.from(message.body).toString('base64'),
  }
}

export const placeOf = ({ index, offset }: MessageId): { readonly index: number; readonly offset: number } => ({ index, offset })
