import { assert } from '#base/assert.ts'
import { queueClientLimits } from '#wire/queue-client-limits.ts'

/** Times and bounds of a client of the queues, besides those of all clients. */
export const queueSdkLimits = {
  /** Calls that are not answered: beyond, one fails as overloaded. */
  callsMax: 8_000,
  /** For a node to answer what it was asked while it led, before the next leader is asked. */
  patienceMs: 1_000,
  /** Messages of a batch, and their bodies together; one is always sent. */
  batchMax: 1_000,
  batchBytes: queueClientLimits.batchBytes,
  /** Messages that wait to be sent: beyond, a send fails as overloaded. */
  unsentMax: 100_000,
  unsentBytesMax: 64 * 1_048_576,
  /** A producer that was idle for longer begins anew, long before its partition forgets it. */
  producerIdleMs: 60_000,
  /** Of messages received or settled in one call. */
  receiptsMax: 1_000,
  visibilityMsMin: 1_000,
  /** Of how many queues a client remembers how they are spread, and who it was to them that sent: those that were used last. */
  queuesMax: 10_000,
  /** How old what is known of a queue is when it is asked for again beside its use. */
  placeFreshMs: 10_000,
  /** A wait at a node lasts at most that long, and that share of the lease that follows: it is counted from when the wait began. */
  waitMsMax: 20_000,
  waitShare: 1 / 3,
  /** How often the lease of a message that is being handled is prolonged in its time. */
  extendsPerLease: 3,
  concurrencyMax: 1_000,
  /** Before a worker whose receive has failed asks again: at first, and at most. */
  restMs: 50,
  restMsMax: 2_000,
} as const

assert(queueSdkLimits.waitMsMax <= queueClientLimits.waitMsMax, 'a node waits as long as it is asked to')
