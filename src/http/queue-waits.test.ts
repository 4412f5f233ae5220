import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { err, ok as fine } from '#base/result.ts'
import type { Call } from '#api/call.ts'
import { callEndOf } from '#api/call.ts'
import { stopping } from '#api/common/faults.ts'
import { queueLimitMet, unknownQueue } from '#api/queues/faults.ts'
import type { QueueApi } from '#api/queues/queue-api.ts'
import { deliveryOf, idOf, ServedQueues } from './testkit-queues.ts'

const body = JSON.stringify({ queue: 'orders', consumer_id: 'c', wait_ms: 60_000 })
const longPoll = `POST /consume HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`
const stream = (query: string): string => `GET /consume/stream?queue=orders&consumer_id=c&${query} HTTP/1.1\r\nhost: x\r\n\r\n`

async function connected(served: ServedQueues): Promise<Socket> {
  const socket = connect(Number(new URL(await served.listen()).port), '127.0.0.1')
  await once(socket, 'connect')
  return socket
}

/** All that came until it has this. */
async function until(socket: Socket, pattern: RegExp): Promise<string> {
  let text = ''
  while (!pattern.test(text)) {
    const [chunk] = (await once(socket, 'data')) as [Buffer]
    text += chunk.toString()
  }
  return text
}

type Consume = QueueApi['consume']
type Outcome = Awaited<ReturnType<Consume>>

/** Consumes that are answered when the test says so; each wait also ends with its call. */
class Consumes {
  readonly calls: Call[] = []
  readonly returned: (readonly string[])[] = []
  readonly #arrivals: (() => void)[] = []
  readonly #answers: ((outcome: Outcome) => void)[] = []

  readonly api: Partial<QueueApi> = {
    consume: (_request, call) => {
      const { promise, resolve } = Promise.withResolvers<Outcome>()
      this.calls.push(call)
      this.#answers.push(resolve)
      for (const arrive of this.#arrivals.splice(0)) arrive()
      return promise
    },
    undelivered: (receipts) => {
      this.returned.push(receipts)
      for (const arrive of this.#arrivals.splice(0)) arrive()
    },
  }

  /** Resolves when that many consumes, and that many returns, have been seen. */
  async seen(calls: number, returned = 0): Promise<void> {
    while (this.calls.length < calls || this.returned.length < returned) {
      await new Promise<undefined>((resolve) => this.#arrivals.push(() => resolve(undefined)))
    }
  }

  call(at: number): Call {
    const call = this.calls[at]
    ok(call !== undefined)
    return call
  }

  answer(...numbers: readonly number[]): void {
    this.end(fine({ messages: numbers.map((number) => deliveryOf(number)), paused: false }))
  }

  end(outcome: Outcome): void {
    this.#answers.shift()?.(outcome)
  }
}

const abortOf = (call: Call): Promise<string | null> =>
  new Promise((resolve) => {
    if (call.signal.aborted) resolve(callEndOf(call))
    else call.signal.addEventListener('abort', () => resolve(callEndOf(call)))
  })

test('a consumer that hangs up while it waits aborts its call', async () => {
  const consumes = new Consumes()
  await using served = new ServedQueues(consumes.api)
  const socket = await connected(served)
  socket.write(longPoll)
  await consumes.seen(1)
  const aborted = abortOf(consumes.call(0))
  socket.destroy()
  equal(await aborted, 'client-gone')
  consumes.answer()
  await served.http.drain(10_000)
  deepEqual([consumes.returned, served.failures], [[], []], 'nothing was delivered, so nothing is given back')
})

test('decision Q10: what was leased for a consumer that is gone is given back', async () => {
  const consumes = new Consumes()
  await using served = new ServedQueues(consumes.api)
  const socket = await connected(served)
  socket.write(longPoll)
  await consumes.seen(1)
  const aborted = abortOf(consumes.call(0))
  socket.destroy()
  await aborted
  consumes.answer(1)
  await consumes.seen(1, 1)
  deepEqual(consumes.returned, [[`${idOf(1)}.1`]])
})

test('what was delivered is not given back when its connection is closed later', async () => {
  const consumes = new Consumes()
  await using served = new ServedQueues(consumes.api)
  const socket = await connected(served)
  socket.write(longPoll)
  await consumes.seen(1)
  consumes.answer(1)
  match(await until(socket, /\}$/), /"status":"delivered"/)
  socket.destroy()
  await served.http.drain(10_000)
  deepEqual(consumes.returned, [])
})

test('a node that stops ends the waits, and their clients are told', async () => {
  const consumes = new Consumes()
  await using served = new ServedQueues(consumes.api)
  const socket = await connected(served)
  socket.write(longPoll)
  await consumes.seen(1)
  const aborted = abortOf(consumes.call(0))
  const drained = served.http.drain(10_000)
  equal(await aborted, 'stopping')
  consumes.answer()
  match(await until(socket, /\}$/), /"status":"empty"/)
  await drained
  socket.destroy()
})

const names = (text: string): readonly string[] => [...text.matchAll(/^event: (.+)$/gm)].map(([, name = '']) => name)

test('a stream delivers as messages come, and ends when its credit is used up', async () => {
  const asked: unknown[] = []
  const consumes = new Consumes()
  const consume: Consume = (request, call) => {
    asked.push(request)
    return consumes.api.consume?.(request, call) ?? Promise.reject(new Error('never'))
  }
  await using served = new ServedQueues({ ...consumes.api, consume }, { heartbeatMs: 7 })
  const socket = await connected(served)
  socket.write(stream('credit=3&visibility_ms=500'))
  await consumes.seen(1)
  consumes.answer(1)
  await consumes.seen(2)
  consumes.answer()
  await consumes.seen(3)
  consumes.answer(2, 3)
  const text = await until(socket, /event: end[^]*\n\n/)
  match(text, /^HTTP\/1.1 200 OK\r\n[^]*content-type: text\/event-stream/)
  deepEqual(names(text), ['message', 'message', 'message', 'end'])
  match(text, /: alive/)
  match(text, /data: \{"reason":"credit"\}/)
  const demand = { queue: 'orders', consumer_id: 'c', visibility_ms: 500 }
  deepEqual(asked, [
    { ...demand, max: 3, wait_ms: 0 },
    { ...demand, max: 2, wait_ms: 7 },
    { ...demand, max: 2, wait_ms: 7 },
  ])
  socket.destroy()
  await served.http.drain(10_000)
  deepEqual(consumes.returned, [])
})

test('a message with line breaks between its tokens is one event', async () => {
  const messages = [deliveryOf(1, '{\n"a":\r\n1,\r"b":2}')]
  await using served = new ServedQueues({ consume: async () => fine({ messages, paused: false }) })
  const { body: text } = await served.http.fastify.inject('/consume/stream?queue=q&consumer_id=c&credit=1')
  const [event = ''] = text.split('\n\n')
  const data = event.split('\n').flatMap((line) => (line.startsWith('data: ') ? [line.slice(6)] : []))
  deepEqual(JSON.parse(data.join('\n')), { ...messages[0], message: { a: 1, b: 2 } })
  equal(event.split('\n').length, 1 + data.length, 'nothing of it is lost in between')
})

test('decision Q10: what a stream did not send any more is given back, and its wait ends', async () => {
  const consumes = new Consumes()
  await using served = new ServedQueues(consumes.api)
  const socket = await connected(served)
  socket.write(stream('credit=10'))
  await consumes.seen(1)
  consumes.answer(1)
  await until(socket, /event: message[^]*\n\n/)
  await consumes.seen(2)
  const aborted = abortOf(consumes.call(1))
  socket.destroy()
  equal(await aborted, 'client-gone')
  consumes.answer(2, 3)
  await consumes.seen(2, 1)
  deepEqual(consumes.returned, [[`${idOf(2)}.1`, `${idOf(3)}.1`]])
  await served.http.drain(10_000)
  deepEqual([consumes.calls.length, served.failures], [2, []])
})

test('a stream to a reader that takes nothing asks for no more', async () => {
  const big = { ...deliveryOf(1, JSON.stringify('x'.repeat(1_000_000))) }
  let asked = 0
  const { promise: gone, resolve: leave } = Promise.withResolvers<undefined>()
  await using served = new ServedQueues({
    consume: async () => {
      asked++
      return fine({ messages: [{ ...big, receipt: `${idOf(asked)}.1` }], paused: false })
    },
    undelivered: () => leave(undefined),
  })
  const socket = await connected(served)
  socket.pause()
  socket.write(stream('credit=1000'))
  await once(served.http.fastify.server, 'request')
  socket.destroy()
  await gone
  await served.http.drain(10_000)
  ok(asked < 100, `${asked} MB were asked for`)
})

test('a stream is told that the node stops', async () => {
  const consumes = new Consumes()
  await using served = new ServedQueues(consumes.api)
  const socket = await connected(served)
  socket.write(stream('credit=10'))
  await consumes.seen(1)
  consumes.answer()
  await consumes.seen(2)
  const aborted = abortOf(consumes.call(1))
  const drained = served.http.drain(10_000)
  equal(await aborted, 'stopping')
  consumes.end(err(stopping()))
  match(await until(socket, /event: end[^]*\n\n/), /data: \{"reason":"stopping"\}/)
  await drained
  socket.destroy()
})

test('what is wrong from the start is an answer, and what goes wrong later an event', async () => {
  const consumes = new Consumes()
  await using served = new ServedQueues(consumes.api)
  const refused = served.http.fastify.inject('/consume/stream?queue=q&consumer_id=c')
  await consumes.seen(1)
  consumes.end(err(unknownQueue('q')))
  equal((await refused).statusCode, 404)
  const failing = served.http.fastify.inject('/consume/stream?queue=q&consumer_id=c')
  await consumes.seen(2)
  consumes.answer(1)
  await consumes.seen(3)
  consumes.end(err(queueLimitMet('in_flight_full', 10_000, 500)))
  const { statusCode, body: text } = await failing
  deepEqual([statusCode, names(text)], [200, ['message', 'failed']])
  match(text, /data: \{"error":\{"code":"in_flight_full","message":"[^"]+","retryable":true,"retry_after_ms":500\}\}/)
})

test('a stream whose service fails is broken off, and told to the log', async () => {
  let asked = 0
  await using served = new ServedQueues({
    consume: async () => {
      asked++
      if (asked > 1) throw new Error('secret')
      return fine({ messages: [deliveryOf(1)], paused: false })
    },
  })
  const socket = await connected(served)
  socket.write(stream('credit=10'))
  socket.resume()
  await once(socket, 'close')
  deepEqual(
    served.failures.map(({ error, path }) => [error.message, path]),
    [['secret', '/consume/stream']],
  )
})

test('decision Q10: a list that was cut off half way is given back', async () => {
  const json = JSON.stringify('x'.repeat(1_000_000))
  const messages = Array.from({ length: 32 }, (_, at) => deliveryOf(at, json))
  const { promise: returned, resolve: giveBack } = Promise.withResolvers<readonly string[]>()
  await using served = new ServedQueues({ consume: async () => fine({ messages, paused: false }), undelivered: giveBack })
  const socket = await connected(served)
  const many = JSON.stringify({ queue: 'orders', consumer_id: 'c', max: 32 })
  socket.write(`POST /consume HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${many.length}\r\n\r\n${many}`)
  await once(socket, 'data')
  socket.destroy()
  deepEqual(
    await returned,
    messages.map(({ receipt }) => receipt),
  )
})
