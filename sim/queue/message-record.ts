import type { Message, MessageId } from '#core/queue/types.ts'

/** Why a message is not there any more. */
export type MessageEnd = 'acknowledged' | 'expired' | 'dropped' | 'cancelled' | 'purged' | 'deleted' | 'forwarded'

/** One delivery, as the log has it. `from` and `until` are true time: that of the first replica to apply it. */
export interface LeaseRecord {
  readonly number: number
  readonly consumer: string
  readonly failed: number
  readonly from: number
  /** By machine time. */
  deadline: number
  until: number | null
}

/** A message of one slot, and what became of it. */
export interface MessageRecord {
  readonly id: MessageId
  readonly text: string
  readonly queue: string
  readonly generation: number
  readonly partition: number
  readonly message: Message
  /** In true time. */
  readonly enqueuedAt: number
  /** When it may be delivered first: by machine time, or by the wall clock of some entry. */
  readonly due: { readonly time: number } | { readonly wall: number }
  /** By machine time; infinite for one without a ttl, and for one that was dead. */
  expires: number
  readonly leases: LeaseRecord[]
  /** Dead, or on its way to another queue. */
  isResting: boolean
  /** Why it is not delivered again, though a lease of it may last. */
  settled: { readonly at: number; readonly how: MessageEnd } | null
  /** It is gone. */
  end: { readonly at: number; readonly how: MessageEnd } | null
}

export const leaseOf = ({ leases }: MessageRecord): LeaseRecord | null => leases.at(-1) ?? null

/** Whether it still has its place before others of its key. */
export const holdsUpItsKey = ({ end, isResting }: MessageRecord): boolean => end === null && !isResting
