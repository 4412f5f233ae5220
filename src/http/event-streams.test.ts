import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { test } from 'node:test'
import type { NodeEvent } from '#api/common/events.ts'
import { documentOf, faultsAgainst, operationsOf } from './testkit-document.ts'
import { Served } from './testkit.ts'

async function openStream(served: Served, address: string): Promise<IncomingMessage> {
  const asked = request(`${address}/events`).end()
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  response.setEncoding('utf8')
  // A stream that is cut off is what some tests are about.
  response.on('error', () => {})
  equal(served.node.listeners.size > 0, response.statusCode === 200)
  return response
}

/** Reads until the text so far has what is looked for. */
async function readUntil(response: IncomingMessage, wanted: RegExp): Promise<string> {
  let text = ''
  for await (const chunk of response.iterator({ destroyOnReturn: false })) {
    text += String(chunk)
    if (wanted.test(text)) return text
  }
  return text
}

const eventsIn = (text: string): readonly (NodeEvent & Record<string, unknown>)[] =>
  [...text.matchAll(/^data: (?<data>.*)$/gm)].map(({ groups }) => JSON.parse(groups?.['data'] ?? '') as NodeEvent & Record<string, unknown>)

const at = '2026-01-31T12:00:00.000Z'
const wounded = (number: number): NodeEvent & Record<string, unknown> => ({ type: 'wounded', at, client_id: `c${number}`, by: 'old' })

test('a stream begins with a hello, and then has every event in order, as documented', async () => {
  await using served = new Served()
  const stream = await openStream(served, await served.listen())
  match(String(stream.headers['content-type']), /^text\/event-stream/)
  match(String(stream.headers['x-request-id']), /^\w+-\w+$/)
  for (const number of [1, 2, 3]) served.node.publish(wounded(number))
  const text = await readUntil(stream, /"c3"/)
  match(text, /^retry: 2000\n\n/)
  match(text, /\nid: 1\nevent: wounded\ndata: \{"type":"wounded".*\}\n\n/)
  const events = eventsIn(text)
  deepEqual(events, [{ type: 'hello', at, node_id: 'lock-node-1' }, wounded(1), wounded(2), wounded(3)])

  const document = await documentOf(served)
  const { operation } = operationsOf(document).find((each) => each.operation.operationId === 'events') ?? {}
  const schema = operation?.responses['200']?.content['text/event-stream']?.schema ?? {}
  for (const event of events) deepEqual(faultsAgainst(schema, event, document), [])
  ok(faultsAgainst(schema, { type: 'nonsense', at }, document).length > 0)
  stream.destroy()
})

test('nobody listens when no stream is open', async () => {
  await using served = new Served()
  const address = await served.listen()
  equal(served.node.listeners.size, 0)
  const streams = [await openStream(served, address), await openStream(served, address)]
  equal(served.node.listeners.size, 1, 'one listener serves all streams')
  const left = new Promise<void>((resolve) => {
    const { listeners } = served.node
    const drop = listeners.delete.bind(listeners)
    listeners.delete = (listener) => {
      resolve()
      return drop(listener)
    }
  })
  for (const stream of streams) stream.destroy()
  await left
  equal(served.node.listeners.size, 0)
})

test('a quiet stream shows that it is alive', async () => {
  await using served = new Served({}, { limits: { heartbeatMs: 5 } })
  const stream = await openStream(served, await served.listen())
  match(await readUntil(stream, /(?:: alive\n\n){2}/), /: alive/)
  stream.destroy()
})

test('a reader that is too slow is told how many events it missed, and the rest is in order', async () => {
  await using served = new Served({}, { limits: { eventsBufferedMax: 8 } })
  const stream = await openStream(served, await served.listen())
  const large = 'x'.repeat(100_000)
  const total = 200
  // All in one turn, so the reader cannot keep up, and far more than the socket holds.
  for (let number = 1; number <= total; number++) served.node.publish({ type: 'wounded', at, number, large } as NodeEvent)
  const events = eventsIn(await readUntil(stream, new RegExp(`"number":${total},"large":"x+"\\}\\n`)))
  const missed = events.filter(({ type }) => type === 'missed').reduce((sum, { count }) => sum + Number(count), 0)
  const numbers = events.flatMap(({ number }) => (typeof number === 'number' ? [number] : []))
  ok(missed > 0)
  equal(numbers.length + missed, total)
  deepEqual(
    numbers,
    numbers.toSorted((left, right) => left - right),
  )
  equal(numbers.at(-1), total)
  stream.destroy()
})

test('a reader that takes nothing is let go', async () => {
  await using served = new Served({}, { limits: { heartbeatMs: 5, heartbeatsBlockedMax: 2, eventsBufferedMax: 8 } })
  const stream = await openStream(served, await served.listen())
  stream.pause()
  const large = 'x'.repeat(1_000_000)
  for (let number = 1; number <= 20; number++) served.node.publish({ type: 'wounded', at, large } as NodeEvent)
  const { listeners } = served.node
  await new Promise<void>((resolve) => {
    const drop = listeners.delete.bind(listeners)
    listeners.delete = (listener) => {
      resolve()
      return drop(listener)
    }
  })
  stream.destroy()
})

test('there are only so many streams, and a node that stops ends them', async () => {
  await using served = new Served({}, { limits: { eventStreamsMax: 1 } })
  const address = await served.listen()
  const first = await openStream(served, address)
  const second = await openStreamRefused(address)
  deepEqual([second.statusCode, second.headers['retry-after']], [429, '5'])
  second.destroy()
  const rest = readUntil(first, /never/)
  await served.http.drain(10_000)
  match(await rest, /event: hello/)
})

async function openStreamRefused(address: string): Promise<IncomingMessage> {
  const asked = request(`${address}/events`, { agent: false }).end()
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  return response
}
