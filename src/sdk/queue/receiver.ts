import type { Millis } from '#base/brand.ts'
import { millis } from '#base/brand.ts'
import { queueLimits } from '#core/queue/limits.ts'
import { LockstepError, abortedBy } from '#sdk/errors.ts'
import { checkSignal, invalid } from '#sdk/options.ts'
import { slotOf } from '#core/ring/partition.ts'
import type { Asking } from './asking.ts'
import type { OpenCall, Outcome } from './calls.ts'
import { Lease } from './lease.ts'
import { queueSdkLimits as limits } from './limits.ts'
import { Message, receiptOf } from './message.ts'
import type { MessagePorts } from './message.ts'
import { checkInteger, checkName } from './options.ts'
import type { Places, QueuePlace } from './places.ts'

export interface ReceiveOptions {
  /** Up to so many, 1 unless given. It never waits for more than one. */
  readonly max?: number | undefined
  /** How long to wait for a first message, in milliseconds; 0 unless given. */
  readonly waitMs?: number | undefined
  /** For how long nobody else gets what is delivered; as the queue says unless given. */
  readonly visibilityTimeoutMs?: number | undefined
  /** Who receives, for people who look at the service. */
  readonly consumerId?: string | undefined
  /** Ends the wait. */
  readonly signal?: AbortSignal | undefined
}

export interface ReceiverPorts extends Asking, MessagePorts {
  readonly places: Places
  readonly client: string
}

interface Wanted {
  readonly queue: string
  readonly place: QueuePlace
  readonly max: number
  readonly consumer: string
  readonly visibilityMs: number
  /** For everything, however often it is asked. */
  readonly deadline: Millis
  readonly signal: AbortSignal | undefined
}

/** Receives messages. A long wait is made of short ones, so that a lease can be counted from when it was asked for. */
export async function receive<T>(ports: ReceiverPorts, queue: string, options: ReceiveOptions = {}): Promise<readonly Message<T>[]> {
  const { max = 1, waitMs = 0, visibilityTimeoutMs, consumerId = ports.client, signal } = options
  checkSignal(signal)
  checkInteger('max', max, 1, limits.receiptsMax)
  if (!(waitMs >= 0)) throw invalid('waitMs', 'a number of milliseconds')
  checkName('consumerId', consumerId)
  if (visibilityTimeoutMs !== undefined) {
    checkInteger('visibilityTimeoutMs', visibilityTimeoutMs, limits.visibilityMsMin, queueLimits.visibilityMsMax)
  }
  const end = ports.clock.now() + waitMs
  const deadline = millis(end + ports.timeoutMs)
  for (;;) {
    if (signal?.aborted === true) throw abortedBy(signal)
    const place = ports.places.known(queue) ?? (await unlessAborted(signal, ports.places.find(queue, { create: false, deadline })))
    const visibilityMs = visibilityTimeoutMs ?? Math.max(place.visibilityMs, limits.visibilityMsMin)
    const wanted = { queue, place, max, consumer: consumerId, visibilityMs, deadline, signal }
    const sliceMs = Math.max(0, Math.min(end - ports.clock.now(), visibilityMs * limits.waitShare, limits.waitMsMax))
    const messages = await take<T>(ports, wanted, Math.ceil(sliceMs)).catch((error: unknown) => {
      if (isHeldUp(error) && ports.clock.now() < end) return []
      throw error
    })
    if (messages.length > 0 || ports.clock.now() >= end) return messages
  }
}

/** As much is in flight as may be, which may be over before the wait is. */
const isHeldUp = (error: unknown): boolean => error instanceof LockstepError && error.code === 'in_flight_full'

function unlessAborted<T>(signal: AbortSignal | undefined, promise: Promise<T>): Promise<T> {
  if (signal === undefined) return promise
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(abortedBy(signal))
    signal.addEventListener('abort', onAbort, { once: true })
    void promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

/** One consume. What is delivered after the signal has aborted is given back. */
async function take<T>(ports: ReceiverPorts, wanted: Wanted, waitMs: number): Promise<readonly Message<T>[]> {
  const { queue, visibilityMs, signal } = wanted
  const sentAt = { value: ports.leaseClock.now() }
  const outcome = await consume(ports, wanted, { waitMs, sent: () => (sentAt.value = ports.leaseClock.now()) })
  if (outcome.type === 'failed') {
    if (outcome.error.code === 'unknown_queue') ports.places.forget(queue)
    throw outcome.error
  }
  if (outcome.answer.type !== 'delivered') throw new LockstepError('internal', `the service answered ${outcome.answer.type}`)
  const { messages } = outcome.answer
  // It came in the turn in which the signal aborted.
  if (signal?.aborted === true) {
    giveBack(ports, messages)
    throw abortedBy(signal)
  }
  return messages.map((each) => {
    const lease = new Lease(ports.leaseClock, { sentAt: sentAt.value, visibilityMs })
    return new Message<T>(each, { queue, lease, visibilityMs }, ports)
  })
}

function consume(
  { calls, clock, timeoutMs }: ReceiverPorts,
  { queue, place, max, consumer, visibilityMs, deadline, signal }: Wanted,
  { waitMs, sent }: { readonly waitMs: number; readonly sent: () => void },
): Promise<Outcome> {
  return new Promise((resolve) => {
    const end = clock.now() + waitMs
    // It may fail at once.
    let call: OpenCall | null = null
    const onAbort = (): void => {
      if (call !== null) calls.leave(call)
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    call = calls.begin({
      message: (number) => {
        sent()
        const leftMs = Math.max(0, Math.ceil(end - clock.now()))
        return { type: 'consume', call: number, queue, consumer, max, waitMs: leftMs, visibilityMs }
      },
      slot: place.partitions === 1 ? slotOf(queue, 0, place.slots) : null,
      deadline: millis(Math.min(end + timeoutMs, deadline)),
      repeatable: true,
      keeps: false,
      done: (outcome) => {
        signal?.removeEventListener('abort', onAbort)
        resolve(outcome)
      },
    })
  })
}

/** Without penalty, and whether or not anybody hears of it: its lease ends by itself. */
export function giveBack(
  { settler }: Pick<MessagePorts, 'settler'>,
  messages: readonly { readonly id: string; readonly deliveries: number }[],
): void {
  for (const message of messages) {
    settler.settle(receiptOf(message), { type: 'nack', kind: 'release', delayMs: 0 }).catch(() => {})
  }
}
