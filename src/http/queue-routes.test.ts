import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { err, ok as fine } from '#base/result.ts'
import { noLeader } from '#api/common/faults.ts'
import type { QueueEventView } from '#api/queues/events.ts'
import { queueEvents } from '#api/queues/events.ts'
import type { ProduceFault, QueueApi, ServiceFault } from '#api/queues/queue-api.ts'
import { queueRoutes } from '#api/queues/routes.ts'
import { instantOf } from '#api/schemas.ts'
import { documentOf, faultsAgainst, isDocumented } from './testkit-document.ts'
import { deliveryOf, goodRequests, idOf, ServedQueues } from './testkit-queues.ts'

type QueueCall = keyof typeof queueRoutes
const calls = Object.keys(goodRequests) as QueueCall[]
const at = instantOf(Date.UTC(2026, 0, 31, 12))

const post = async (served: ServedQueues, url: string, payload: object): Promise<readonly [number, string]> => {
  const { statusCode, body } = await served.http.fastify.inject({ method: 'POST', url, payload })
  return [statusCode, body]
}

test('every queue call is answered as its document says', async () => {
  deepEqual(calls, Object.keys(queueRoutes))
  await using served = new ServedQueues()
  const document = await documentOf(served)
  for (const call of calls) {
    const response = await served.http.fastify.inject(goodRequests[call])
    equal(response.statusCode, 200, call)
    if (call !== 'consumeStream') isDocumented(response, call, document)
    equal(served.asked.at(-1)?.method, call === 'consumeStream' ? 'consume' : call)
  }
})

test('the calls of the walk-through answer as written', async () => {
  let isEmpty = false
  await using served = new ServedQueues({
    consume: async () => fine({ messages: isEmpty ? [] : [deliveryOf(1)], paused: false }),
  })
  deepEqual(await post(served, '/produce', { queue: 'orders', message: 'New order #123' }), [
    200,
    `{"status":"enqueued","message_id":"${idOf(0)}","queue":"orders","node":"queue-node-3"}`,
  ])
  deepEqual(await post(served, '/consume', { queue: 'orders', consumer_id: 'order_processor' }), [
    200,
    `{"status":"delivered","message_id":"${idOf(1)}","message":"New order #123","queue":"orders","delivery_count":1,"receipt":"${idOf(1)}.1","enqueued_at":"${at}","visible_until":"${at}","failed_count":0,"priority":0}`,
  ])
  deepEqual(await post(served, '/ack', { message_id: idOf(1) }), [200, '{"status":"acknowledged"}'])
  isEmpty = true
  deepEqual(await post(served, '/consume', { queue: 'orders', consumer_id: 'order_processor' }), [200, '{"status":"empty","message":null}'])
  const { body } = await served.http.fastify.inject('/status')
  for (const field of ['ring', 'slots', 'ready', 'in_flight', 'delayed', 'dead', 'oldest_age_ms', 'rates', 'lag', 'engine']) {
    ok(body.includes(`"${field}":`), field)
  }
  const root = (await served.http.fastify.inject('/')).json<Record<string, unknown>>()
  deepEqual([root['service'], root['node_id']], ['queue', 'queue-node-1'])
  equal((root['ring'] as { slot_count: number }).slot_count, 32)
})

test('a message carries the trace of the request that brought it, unless it has one of its own', async () => {
  await using served = new ServedQueues()
  const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  const headersSent = async (traceparent: string, item: object): Promise<unknown> => {
    const payload = { queue: 'orders', messages: [{ message: 1, ...item }] }
    equal((await served.http.fastify.inject({ method: 'POST', url: '/produce', headers: { traceparent }, payload })).statusCode, 200)
    const { request } = served.asked.at(-1) as { readonly request: unknown }
    return (request as { readonly messages: readonly { readonly headers?: object }[] }).messages[0]?.headers
  }
  deepEqual(await headersSent(trace, {}), { traceparent: trace })
  deepEqual(await headersSent(trace, { headers: { a: 'b' } }), { a: 'b', traceparent: trace })
  deepEqual(await headersSent(trace, { headers: { traceparent: 'own' } }), { traceparent: 'own' })
  const full = Object.fromEntries(Array.from({ length: 64 }, (_, number) => [`h${number}`, 'x']))
  deepEqual(await headersSent(trace, { headers: full }), full)
  for (const none of ['', 'x', trace.replace('00-', 'ff-'), `00-${'0'.repeat(32)}-b7ad6b7169203331-01`, `${trace}-more`])
    equal(await headersSent(none, {}), undefined, none)
})

test('a service is asked about many, with what was left out of a call filled in', async () => {
  await using served = new ServedQueues()
  for (const call of calls) await served.http.fastify.inject(goodRequests[call])
  const message = Buffer.from('"New order #123"')
  const meant = { refs: [{ message_id: idOf(1), lease: 1 }] }
  deepEqual(
    served.asked.map(({ request }) => request),
    [
      { queue: 'orders', messages: [{ message }] },
      { queue: 'orders', consumer_id: 'order_processor', max: 1, wait_ms: 0 },
      { queue: 'orders', consumer_id: 'c', max: 2, wait_ms: 0 },
      { refs: [{ message_id: idOf(1), lease: null }] },
      { ...meant, kind: 'fail', delay_ms: 5 },
      { ...meant, visibility_ms: 5_000 },
      { message_ids: [idOf(1)] },
      { queue: 'orders', partitions: 4, ttl_ms: null, retry: { growth: 'fixed' } },
      { queue: 'orders' },
      { queue: 'orders', dead: true },
      { queue: 'orders', from: 'ready', rate: 10 },
      { queue: 'orders' },
      { limit: 10, prefix: 'or' },
      { queue: 'orders' },
      { queue: 'orders', state: 'dead', limit: 5 },
      { queue: 'orders' },
      {},
    ],
  )
})

const terms = {
  key: 'customer-7',
  delay_ms: 0,
  priority: 9,
  ttl_ms: 1,
  dedupe_id: 'd',
  message_id: 'mine',
  headers: { trace: 'a\nb' },
}

test('a message travels with all its fields, alone and in a list', async () => {
  await using served = new ServedQueues()
  const message = Buffer.from('{"id":1}')
  const expected = { ...terms, message }
  equal((await post(served, '/produce', { queue: 'q', message: { id: 1 }, ...terms }))[0], 200)
  deepEqual(served.asked.at(-1)?.request, { queue: 'q', messages: [expected] })
  const producer = { producer_id: 'p', partition: 3, sequence: 1 }
  equal((await post(served, '/produce', { queue: 'q', messages: [{ message: { id: 1 }, ...terms }, { message: null }], producer }))[0], 200)
  deepEqual(served.asked.at(-1)?.request, { queue: 'q', messages: [expected, { message: Buffer.from('null') }], producer })
})

test('a message that was there before is answered with the id of the first', async () => {
  const before = fine({ status: 'enqueued', message_id: idOf(7), node: 'queue-node-1', duplicate: true } as const)
  await using served = new ServedQueues({ produce: async () => fine([before]) })
  const response = await served.http.fastify.inject(goodRequests.produce)
  deepEqual(response.json(), { status: 'enqueued', message_id: idOf(7), queue: 'orders', node: 'queue-node-1', duplicate: true })
  isDocumented(response, 'produce', await documentOf(served))
})

test('a consume for a list answers with a list, also with one message and with none', async () => {
  let messages = [deliveryOf(1)]
  await using served = new ServedQueues({ consume: async () => fine({ messages, paused: messages.length === 0 }) })
  const document = await documentOf(served)
  const consume = (max: number) =>
    served.http.fastify.inject({ method: 'POST', url: '/consume', payload: { queue: 'q', consumer_id: 'c', max } })
  const one = await consume(5)
  equal(one.json<{ messages: object[] }>().messages.length, 1)
  isDocumented(one, 'consume', document)
  messages = []
  const none = await consume(5)
  deepEqual(none.json(), { status: 'empty', message: null, messages: [], paused: true })
  isDocumented(none, 'consume', document)
})

test('all that belongs to a delivery goes out with it', async () => {
  const delivery = {
    ...deliveryOf(1, '{"b": 1,  "a": 12345678901234567890}'),
    key: 'k',
    headers: { a: 'b', '"': '\\' },
    dead_letter: { queue: 'orders', message_id: idOf(9), reason: 'failures', delivery_count: 20, failed_count: 20 },
  } as const
  await using served = new ServedQueues({ consume: async () => fine({ messages: [delivery], paused: false }) })
  const response = await served.http.fastify.inject(goodRequests.consume)
  ok(response.body.includes('"message":{"b": 1,  "a": 12345678901234567890},"queue"'), response.body)
  deepEqual(response.json<{ headers: object }>().headers, delivery.headers)
  isDocumented(response, 'consume', await documentOf(served))
})

test('a service that delivers more than it was asked for is at fault', async () => {
  await using served = new ServedQueues({ consume: async () => fine({ messages: [deliveryOf(1), deliveryOf(2)], paused: false }) })
  equal((await served.http.fastify.inject(goodRequests.consume)).statusCode, 500)
})

const exact = [
  '1e400',
  '-0.0',
  '12345678901234567890',
  '"\\u00e9\\ud800 ü ☃ \u007f"',
  '{"z":1,"a":{"message":[1 , 2]},"z":2}',
  '[ ]',
  '{\r\n\t"spaces" : true }',
  'null',
  '""',
  '{"__proto__":{"constructor":1}}',
]

test('a message reaches the service as the very bytes that were sent, and goes out so', async () => {
  const stored: Uint8Array[] = []
  await using served = new ServedQueues({
    produce: async ({ messages }) => {
      stored.push(...messages.map(({ message }) => message))
      return fine(messages.map((_message, index) => fine({ status: 'enqueued', message_id: idOf(index), node: 'n' } as const)))
    },
    consume: async () => fine({ messages: stored.map((bytes, index) => deliveryOf(index, Buffer.from(bytes).toString())), paused: false }),
  })
  const headers = { 'content-type': 'application/json' }
  for (const json of exact) {
    const payload = `{ "message" : ${json} , "queue":"q"}`
    equal((await served.http.fastify.inject({ method: 'POST', url: '/produce', headers, payload })).statusCode, 200, json)
  }
  const list = `{"queue":"q","messages":[${exact.map((json) => `{"key":"k","message":${json}}`).join(' ,\n')}]}`
  equal((await served.http.fastify.inject({ method: 'POST', url: '/produce', headers, payload: list })).statusCode, 200)
  deepEqual(
    stored.map((bytes) => Buffer.from(bytes).toString()),
    [...exact, ...exact],
  )
  const payload = { queue: 'q', consumer_id: 'c', max: 100 }
  const { body } = await served.http.fastify.inject({ method: 'POST', url: '/consume', payload })
  for (const json of exact) ok(body.includes(`"message":${json},"queue"`), json)
})

test('what is peeked at goes out byte for byte too', async () => {
  await using served = new ServedQueues()
  for (const url of ['/queues/q/peek', '/queues/q/scheduled']) {
    match((await served.http.fastify.inject(url)).body, /"message":\{"n": 1e400\},"partition":0/)
  }
})

test('a queue is created with 201, and changed with 200', async () => {
  const put: QueueApi['putQueue'] = async ({ queue }) => {
    const { settings } = (await created.http.fastify.inject('/queues/q')).json<{ settings: never }>()
    return fine({ status: 'created', queue, partitions: 1, revision: 1, settings })
  }
  await using created = new ServedQueues({ putQueue: put })
  const response = await created.http.fastify.inject(goodRequests.putQueue)
  equal(response.statusCode, 201)
  isDocumented(response, 'putQueue', await documentOf(created))
})

test('a name in the path may have any character but a control character', async () => {
  await using served = new ServedQueues()
  for (const name of ['a/b', 'ü ☃', '%2F', 'a?b#c', '\'"<>&', '__proto__', 'x'.repeat(256), '☃'.repeat(85)]) {
    const url = `/queues/${encodeURIComponent(name)}`
    for (const [method, path] of [
      ['GET', ''],
      ['PUT', ''],
      ['DELETE', ''],
      ['GET', '/peek'],
      ['GET', '/scheduled'],
      ['POST', '/purge'],
      ['POST', '/redrive'],
      ['DELETE', '/redrive'],
    ] as const) {
      const payload = method === 'PUT' || method === 'POST' ? { payload: {} } : {}
      const { statusCode, body } = await served.http.fastify.inject({ method, url: `${url}${path}`, ...payload })
      equal(statusCode, 200, `${method} ${path}: ${body}`)
      deepEqual(served.asked.at(-1)?.request, { queue: name })
    }
  }
})

test('what befell all messages of a call alike is its fault, also of a list', async () => {
  const alike: readonly (ServiceFault | ProduceFault)[] = ['no_leader', 'queue_deleting']
  ok(alike.every((code) => (queueRoutes.produce.errors as readonly string[]).includes(code)))
  await using served = new ServedQueues({ produce: async () => err(noLeader()) })
  deepEqual((await post(served, '/produce', { queue: 'q', messages: [{ message: 1 }, { message: 2 }] }))[0], 503)
})

test('each event of the service is one of its documented ones', async () => {
  await using served = new ServedQueues()
  const document = await documentOf(served)
  const none = { returned: 0, failed: 0, dead: 0, forwarded: 0, expired: 0, dropped: 0 }
  const events: readonly QueueEventView[] = [
    { type: 'messages-moved', at, queue: 'q', partition: 0, slot: 7, enqueued: 1, delivered: 1, acknowledged: 0, ...none },
    { type: 'queue-configured', at, queue: 'q', partitions: 1, paused: true },
    { type: 'queue-deleted', at, queue: 'q' },
    { type: 'redrive-ended', at, queue: 'q', partition: 0, moved: 3 },
  ]
  equal(events.length, Object.keys(queueEvents).length)
  const schema = document.paths['/events']?.['get']?.responses['200']?.content['text/event-stream']?.schema ?? {}
  for (const event of events) deepEqual(faultsAgainst(schema, event, document), [], event.type)
  ok(faultsAgainst(schema, { type: 'queue-deleted', at }, document).length > 0, 'one that lacks a field is noticed')
})
