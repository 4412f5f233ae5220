import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import type { InjectOptions } from 'fastify'
import { err, ok as fine } from '#base/result.ts'
import * as common from '#api/common/faults.ts'
import type { ErrorCode, Fault } from '#api/errors.ts'
import { errorRegistry, faultOf } from '#api/errors.ts'
import { queueErrors } from '#api/queues/errors.ts'
import * as faults from '#api/queues/faults.ts'
import type { CancelFault, ProduceItemFault, QueueApi, SettleFault } from '#api/queues/queue-api.ts'
import { queueRoutes } from '#api/queues/routes.ts'
import { documentOf, isDocumented } from './testkit-document.ts'
import { goodRequests, idOf, ServedQueues } from './testkit-queues.ts'

type QueueCall = keyof typeof queueRoutes
const calls = Object.keys(goodRequests) as QueueCall[]

const batch = { producer: 'p', sequence: 3 }

/** One of each kind that the queue service answers with. */
const samples: { readonly [Code in ErrorCode]?: Fault<Code> } = {
  no_leader: common.noLeader(),
  unavailable: common.unavailable('the slot moves'),
  overloaded: common.overloaded('the inbox is full', 2_500),
  stopping: common.stopping(),
  unknown: common.unknownOutcome(),
  disk_full: faultOf('disk_full', 'x', { retry_after_ms: 10_000 }),
  internal: common.internal('id'),
  unknown_queue: faults.unknownQueue('orders'),
  queue_deleting: faults.queueDeleting('orders'),
  partitions_fixed: faults.partitionsFixed('orders', 4),
  stale_revision: faults.staleRevision('orders', { expected: 8, revision: 9 }),
  dead_letter_cycle: faults.deadLetterCycle('orders', 'dead'),
  redrive_active: faults.redriveActive('orders'),
  no_redrive: faults.noRedrive('orders'),
  unknown_message: faults.unknownMessage(idOf(1)),
  stale_receipt: faults.staleReceipt(idOf(1)),
  not_delivered: faults.notDelivered(idOf(1)),
  not_scheduled: faults.notScheduled(idOf(1)),
  message_too_large: faults.messageTooLarge('message', 2_000_000),
  wrong_partition: faults.wrongPartition('orders', 3),
  out_of_sequence: faults.outOfSequence(batch, 2),
  already_answered: faults.alreadyAnswered(batch),
  unknown_producer: faults.unknownProducer('p'),
  queue_full: faults.queueLimitMet('queue_full', 10),
  dedupe_full: faults.queueLimitMet('dedupe_full', 100_000),
  slot_full: faults.queueLimitMet('slot_full', 10),
  in_flight_full: faults.queueLimitMet('in_flight_full', 10_000, 500),
  too_many_queues: faults.queueLimitMet('too_many_queues', 10_000),
  too_many_partitions: faults.queueLimitMet('too_many_partitions', 10),
  too_many_consumers: faults.queueLimitMet('too_many_consumers', 10),
  too_many_producers: faults.queueLimitMet('too_many_producers', 10),
}

const sampleOf = (code: ErrorCode): Fault => {
  const sample = samples[code]
  ok(sample !== undefined, `no sample of ${code}`)
  return sample
}

/** Of an unknown outcome of these, the second time might do harm. */
const once: readonly QueueCall[] = ['produce', 'deleteQueue', 'purge', 'redrive']

test('every error of every call leaves with its status, its details, and when to ask again', async () => {
  const seen = new Set<ErrorCode>()
  let fault = sampleOf('no_leader')
  // Every call ends so, whatever it may end with by its type.
  const refuse = async (): Promise<unknown> => err(fault)
  const methods = [...calls.filter((call) => call !== 'consumeStream'), 'undelivered']
  await using served = new ServedQueues(Object.fromEntries(methods.map((method) => [method, refuse])) as Partial<QueueApi>)
  const document = await documentOf(served)
  for (const call of calls) {
    for (const code of queueRoutes[call].errors) {
      fault = sampleOf(code)
      const response = await served.http.fastify.inject(goodRequests[call])
      const { status, retryable } = errorRegistry[code]
      equal(response.statusCode, status)
      const isRetryable = code === 'unknown' ? !once.includes(call) : retryable
      deepEqual(response.json(), { error: { code, message: fault.message, retryable: isRetryable, ...fault.details } })
      equal(response.headers['retry-after'] !== undefined, 'retry_after_ms' in fault.details, code)
      isDocumented(response, call, document)
      seen.add(code)
    }
  }
  const codes = Object.keys(queueErrors) as readonly ErrorCode[]
  deepEqual(
    codes.filter((code) => !seen.has(code)),
    [],
    'each queue error is one of some call',
  )
})

const produced: readonly ProduceItemFault[] = ['queue_full', 'dedupe_full', 'slot_full', 'no_leader', 'unknown']
const settled: readonly SettleFault[] = ['unknown_message', 'stale_receipt', 'not_delivered', 'unknown']
const unscheduled: readonly CancelFault[] = ['unknown_message', 'not_scheduled', 'stopping']
const perMessage: readonly (readonly [call: 'produce' | 'ack' | 'nack' | 'extend' | 'cancel', codes: readonly ErrorCode[]])[] = [
  ['produce', produced],
  ['ack', settled],
  ['nack', settled],
  ['extend', settled],
  ['cancel', unscheduled],
]

test('how the one message of a call went is how the call went', async () => {
  for (const [call, codes] of perMessage) {
    for (const code of codes) {
      const fault = sampleOf(code)
      await using served = new ServedQueues({ [call]: async () => fine([err(fault)]) })
      const response = await served.http.fastify.inject(goodRequests[call])
      equal(response.statusCode, errorRegistry[code].status)
      equal(response.json<{ error: { code: string } }>().error.code, code)
      isDocumented(response, call, await documentOf(served))
    }
  }
})

const ids = [idOf(1), idOf(2)]
const lists: Readonly<Record<(typeof perMessage)[number][0], InjectOptions>> = {
  produce: { method: 'POST', url: '/produce', payload: { queue: 'orders', messages: [{ message: 1 }, { message: 2 }] } },
  ack: { method: 'POST', url: '/ack', payload: { message_ids: ids } },
  nack: { method: 'POST', url: '/nack', payload: { message_ids: ids } },
  extend: { method: 'POST', url: '/extend', payload: { message_ids: ids, visibility_ms: 5 } },
  cancel: { method: 'POST', url: '/cancel', payload: { message_ids: ids } },
}

test('of a list each message is told by itself, in order', async () => {
  for (const [call, codes] of perMessage) {
    for (const code of codes) {
      const fault = sampleOf(code)
      await using served = new ServedQueues()
      const good = (await served.http.fastify.inject(lists[call])).json<{ status: string; results: object[] }>()
      const [first] = good.results
      await using half = new ServedQueues({ [call]: async () => fine([fine(first), err(fault)]) })
      const response = await half.http.fastify.inject(lists[call])
      equal(response.statusCode, 200)
      const { status, results } = response.json<{ status: string; results: { error?: object; message_id?: string }[] }>()
      equal(status, 'partial')
      deepEqual(results[0], first)
      const { retryable } = errorRegistry[code]
      const after = 'retry_after_ms' in fault.details ? { retry_after_ms: fault.details.retry_after_ms } : {}
      const isRetryable = code === 'unknown' ? call !== 'produce' : retryable
      deepEqual(results[1]?.error, { code, message: fault.message, retryable: isRetryable, ...after })
      equal(results[1]?.message_id, call === 'produce' ? undefined : idOf(2))
      isDocumented(response, call, await documentOf(half))
    }
  }
})

test('a list of which none was taken is refused, and it is no error of the call', async () => {
  await using served = new ServedQueues({ ack: async () => fine([err(faults.unknownMessage('a')), err(faults.staleReceipt('b'))]) })
  const response = await served.http.fastify.inject(lists.ack)
  deepEqual([response.statusCode, response.json<{ status: string }>().status], [200, 'refused'])
  isDocumented(response, 'ack', await documentOf(served))
})

test('a service that answers for more or fewer messages than were asked about is at fault', async () => {
  const result = fine({ status: 'acknowledged', message_id: idOf(1) } as const)
  for (const results of [[], [result, result]]) {
    await using served = new ServedQueues({ ack: async () => fine(results) })
    equal((await served.http.fastify.inject(goodRequests.ack)).statusCode, 500)
    equal(served.failures.length, 1)
  }
  await using served = new ServedQueues({ ack: async () => fine([result]) })
  equal((await served.http.fastify.inject(lists.ack)).statusCode, 500)
})

test('a node that starts says so', async () => {
  await using served = new ServedQueues()
  served.isStarting = true
  for (const call of calls) {
    const response = await served.http.fastify.inject(goodRequests[call])
    equal(response.statusCode, 503)
    equal(response.json<{ error: { code: string } }>().error.code, 'unavailable')
    equal(response.headers['retry-after'], '1')
  }
})
