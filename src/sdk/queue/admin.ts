import type { Purged, QueueDetail, QueuePut, QueuesView, RedriveCancelled, Redriven } from '#api/queues/queues.ts'
import { LockstepError } from '#sdk/errors.ts'
import { queueClientLimits } from '#wire/queue-client-limits.ts'
import { queueLimits } from '#core/queue/limits.ts'
import type { QueueLook, QueueOrder, SeenMessage } from '#wire/queue-client-message.ts'
import type { Asking } from './asking.ts'
import { ask } from './asking.ts'
import { checkInteger, checkName, checkPlace } from './options.ts'
import type { CreateOptions, QueueDefinition } from './settings.ts'
import { changeOf, definitionOf } from './settings.ts'

export interface PurgeOptions {
  /** The dead too. */
  readonly dead?: boolean
}

export interface RedriveOptions {
  /** `dead` (default): the dead of this queue are made ready again. `ready`: what is ready here goes back to the queues it came from. */
  readonly from?: 'dead' | 'ready'
  /** Messages per second; as fast as it goes unless given. */
  readonly rate?: number
  /** Up to so many; all that are there unless given. */
  readonly max?: number
}

export interface PeekOptions {
  /** Which: `ready` unless given. */
  readonly state?: 'ready' | 'in-flight' | 'dead' | 'scheduled'
  /** How many, 10 unless given. */
  readonly limit?: number
  /** Go on behind this place: `next` of the page before. */
  readonly after?: string | null
}

/** A message that was looked at: nothing was delivered or counted. */
export interface PeekedMessage<T> extends Omit<SeenMessage, 'headers' | 'body' | 'enqueuedAt' | 'until' | 'deliveries' | 'failures'> {
  /** Null, whatever was sent, when `unreadable` is true. */
  readonly payload: T | null
  readonly headers: Readonly<Record<string, string>>
  readonly enqueuedAt: Date
  readonly deliveryCount: number
  readonly failedCount: number
  /** Until when it is in flight, or when it is due; null for any other. */
  readonly until: Date | null
}

export interface Peeked<T> {
  readonly messages: readonly PeekedMessage<T>[]
  /** Null: this was the last page. */
  readonly next: string | null
}

export type QueueStatus = Omit<QueueDetail, 'node_id'>
export type QueueList = Omit<QueuesView, 'node_id'>

/** What befalls whole queues, as the service words it. */
export class Admin {
  readonly #asking: Asking

  constructor(asking: Asking) {
    this.#asking = asking
  }

  async put(queue: string, options: CreateOptions): Promise<QueueDefinition> {
    const { partitions = null, ifRevision = null } = options
    const change = changeOf(options)
    // With a revision a second attempt would meet what the first one made.
    const order = { type: 'put', queue, partitions, ifRevision, change } as const
    return definitionOf(await this.#manage<QueuePut>(order, ifRevision === null))
  }

  async status(queue: string): Promise<QueueStatus> {
    const { node_id: _, ...status } = await this.#look<QueueDetail>({ type: 'queue', queue })
    return status
  }

  async queues({
    prefix,
    after,
    limit,
  }: {
    readonly prefix: string
    readonly after: string | null
    readonly limit: number
  }): Promise<QueueList> {
    checkInteger('limit', limit, 1, queueClientLimits.pageMax)
    if (prefix !== '') checkName('prefix', prefix)
    if (after !== null) checkName('after', after)
    const { node_id: _, ...list } = await this.#look<QueuesView>({ type: 'queues', prefix, after, limit })
    return list
  }

  async delete(queue: string): Promise<void> {
    await this.#manage({ type: 'delete', queue }, false)
  }

  async purge(queue: string, { dead = false }: PurgeOptions): Promise<number> {
    const { count } = await this.#manage<Purged>({ type: 'purge', queue, dead }, false)
    return count
  }

  async redrive(queue: string, { from = 'dead', rate, max }: RedriveOptions): Promise<{ readonly moved: number; readonly done: boolean }> {
    if (rate !== undefined) checkInteger('rate', rate, 1, queueLimits.redriveRateMax)
    if (max !== undefined) checkInteger('max', max, 1, Number.MAX_SAFE_INTEGER)
    const { moved, status } = await this.#manage<Redriven>({ type: 'redrive', queue, from, rate: rate ?? null, max: max ?? null }, false)
    return { moved, done: status === 'done' }
  }

  async cancelRedrive(queue: string): Promise<number> {
    const { moved } = await this.#manage<RedriveCancelled>({ type: 'cancel-redrive', queue }, false)
    return moved
  }

  async peek<T>(queue: string, { state: which = 'ready', limit = 10, after = null }: PeekOptions): Promise<Peeked<T>> {
    checkInteger('limit', limit, 1, queueClientLimits.messagesPageMax)
    if (after !== null) checkPlace('after', after)
    const { messages, next } = await ask(this.#asking, {
      expects: 'messages',
      message: (call) => ({ type: 'look', call, question: { type: 'messages', queue, which, after, limit } }),
    })
    return { messages: messages.map((each) => peekedOf<T>(each)), next }
  }

  async #look<View>(question: QueueLook): Promise<View> {
    const { view } = await ask(this.#asking, { expects: 'view', message: (call) => ({ type: 'look', call, question }) })
    return viewOf(view) as View
  }

  async #manage<View>(order: QueueOrder, repeatable: boolean): Promise<View> {
    const { view } = await ask(this.#asking, { expects: 'view', message: (call) => ({ type: 'manage', call, order }), repeatable })
    return viewOf(view) as View
  }
}

/** The service wrote it by the schema that the type of the view is made of. */
function viewOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch (error) {
    throw new LockstepError('internal', 'an answer cannot be read', { cause: error })
  }
}

function peekedOf<T>({ body, headers, enqueuedAt, until, deliveries, failures, ...rest }: SeenMessage): PeekedMessage<T> {
  return {
    ...rest,
    payload: JSON.parse(new TextDecoder().decode(body)) as T | null,
    headers: Object.fromEntries(headers.map(({ name, value }) => [name, value])),
    enqueuedAt: new Date(enqueuedAt),
    deliveryCount: deliveries,
    failedCount: failures,
    until: until === null ? null : new Date(until),
  }
}
