import type { Result } from '#base/result.ts'
import type { Call } from '#api/call.ts'
import type { serviceErrors } from '#api/common/errors.ts'
import type { Fault } from '#api/errors.ts'
import type { ConsumeMany, Deliveries } from './consume.ts'
import type { Peeked, PeekQuery, ScheduledQuery, ScheduledView } from './messages.ts'
import type { EnqueuedItem, ProduceMany } from './produce.ts'
import type {
  Purged,
  PurgeRequest,
  PutQueueRequest,
  QueueDeleted,
  QueueDetail,
  QueuePath,
  QueuePut,
  QueuesQuery,
  QueuesView,
  RedriveCancelled,
  Redriven,
  RedriveRequest,
} from './queues.ts'
import type { Acknowledged, AckMany, Cancelled, CancelMany, ExtendMany, NackMany, Returned, VisibilityExtended } from './settle.ts'
import type { QueueStatus } from './status.ts'

/**
 * What the queue service does for its callers, whatever carries the calls. Requests have been checked: they fit their schemas and the rules
 * in `rules.ts`. Fields left out are theirs to fill in, from `queueDefaults` unless configured otherwise.
 *
 * An expected outcome is a value: an answer, or a fault. What a method throws is a bug.
 *
 * Calls about messages are about many. They answer with one result for each, in order; what befell all of them alike, as that no leader was
 * found, is the fault of the call. Who carries a call for one makes the result of that one the answer, or the fault.
 */
export interface QueueApi {
  /**
   * Each is answered `enqueued` once a majority has it durably; a queue that is not there is created. The messages of one slot are taken in one
   * step, in their order. Of one whose outcome is not known the fault is `unknown`, never another (decision Q6).
   */
  produce(request: ProduceMany, call: Call): Promise<Result<Items<EnqueuedItem, ProduceItemFault>, Fault<ProduceFault>>>

  /**
   * Leases up to `max` messages; it never waits for a second one. Empty when there was none until `wait_ms` was over. `call.signal` ends a
   * wait now:
   * - after `stopping`, answer what is then true: messages that were leased meanwhile, or none;
   * - after `client-gone`, nothing must be leased any more, and what was is to be released; the answer is thrown away.
   */
  consume(request: ConsumeMany, call: Call): Promise<Result<Deliveries, Fault<ConsumeFault>>>

  /** Deliveries of an answer that could not be written are released without penalty (decision Q10). Receipts that are stale do no harm. */
  undelivered(receipts: readonly string[]): void

  ack(request: AckMany, call: Call): Promise<Result<Items<Acknowledged, SettleFault>, Fault<ServiceFault>>>
  nack(request: NackMany, call: Call): Promise<Result<Items<Returned, SettleFault>, Fault<ServiceFault>>>
  extend(request: ExtendMany, call: Call): Promise<Result<Items<VisibilityExtended, SettleFault>, Fault<ServiceFault>>>
  cancel(request: CancelMany, call: Call): Promise<Result<Items<Cancelled, CancelFault>, Fault<ServiceFault>>>

  queues(request: QueuesQuery, call: Call): Promise<Result<QueuesView, Fault<ServiceFault>>>
  queue(request: QueuePath, call: Call): Promise<Result<QueueDetail, Fault<ServiceFault | 'unknown_queue'>>>
  /** What is left out stays as it is; in a new queue it has its default. */
  putQueue(request: QueuePath & PutQueueRequest, call: Call): Promise<Result<QueuePut, Fault<PutQueueFault>>>
  /** Answered when every slot has carried it out (decision Q9). One that is being deleted already is waited for. */
  deleteQueue(request: QueuePath, call: Call): Promise<Result<QueueDeleted, Fault<ServiceFault | 'unknown_queue'>>>
  /** What is ready, delayed or in flight is dropped, and the window of dedupe ids is cleared. */
  purge(request: QueuePath & PurgeRequest, call: Call): Promise<Result<Purged, Fault<QueueFault>>>
  redrive(request: QueuePath & RedriveRequest, call: Call): Promise<Result<Redriven, Fault<QueueFault | 'redrive_active'>>>
  cancelRedrive(request: QueuePath, call: Call): Promise<Result<RedriveCancelled, Fault<QueueFault | 'no_redrive'>>>
  /** Has no effect whatever. A page holds `limit` messages or `requestBytesMax` bytes of them, and at least one if there is one. */
  peek(request: PeekQuery, call: Call): Promise<Result<Peeked, Fault<QueueFault>>>
  /** As `peek`. */
  scheduled(request: ScheduledQuery, call: Call): Promise<Result<ScheduledView, Fault<QueueFault>>>
  status(request: QueuesQuery, call: Call): Promise<Result<QueueStatus, Fault<ServiceFault>>>
}

export type Items<Value, Code extends Fault['code']> = readonly Result<Value, Fault<Code>>[]

/** Any call may end so. */
export type ServiceFault = (typeof serviceErrors)[number]
type QueueFault = ServiceFault | 'unknown_queue' | 'queue_deleting'

export type ProduceItemFault = ServiceFault | 'queue_full' | 'dedupe_full' | 'slot_full'
export type ProduceFault =
  | ServiceFault
  | 'wrong_partition'
  | 'queue_deleting'
  | 'too_many_queues'
  | 'too_many_partitions'
  | 'out_of_sequence'
  | 'already_answered'
  | 'unknown_producer'
  | 'too_many_producers'
export type ConsumeFault = QueueFault | 'in_flight_full' | 'too_many_consumers'
export type SettleFault = ServiceFault | 'unknown_message' | 'stale_receipt' | 'not_delivered'
export type CancelFault = ServiceFault | 'unknown_message' | 'not_scheduled'
type PutQueueFault =
  | ServiceFault
  | 'queue_deleting'
  | 'partitions_fixed'
  | 'stale_revision'
  | 'dead_letter_cycle'
  | 'too_many_queues'
  | 'too_many_partitions'
