import { deepEqual, equal, match, rejects } from 'node:assert/strict'
import type { RequestListener } from 'node:http'
import { test } from 'node:test'
import { cacheRoutes } from '#api/cache/routes.ts'
import { CommandError } from '#cli/command-error.ts'
import { freePorts } from '#test/harness/free-ports.ts'
import type { ServerEvent } from '#base/event-parser.ts'
import { ServiceClient } from './service-client.ts'
import { FakeNode, fault } from './testkit.ts'

const stream = (text: string, ends: boolean): RequestListener => {
  return (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' }).write(text)
    if (ends) response.end()
  }
}

/** Follows until so many events have come. */
async function heard(urls: readonly string[], wanted: number): Promise<readonly ServerEvent[]> {
  const enough = new AbortController()
  const events: ServerEvent[] = []
  const client = new ServiceClient({ urls, timeoutMs: 10_000, service: 'cache' })
  const onEvent = (event: ServerEvent): void => {
    events.push(event)
    if (events.length === wanted) enough.abort(new Error('enough'))
  }
  await rejects(client.follow(cacheRoutes.watch, { key: 'a/b' }, { signal: enough.signal, onEvent }), /enough/)
  return events
}

test('a stream that ends, and nodes that cannot serve, are followed by the next node', async () => {
  await using busy = await FakeNode.of(fault(503, 'unavailable'))
  await using one = await FakeNode.of(stream('event: value\ndata: 1\n\n', true))
  await using two = await FakeNode.of(stream('event: value\ndata: 2\n\n', false))
  deepEqual(
    (await heard([busy.url, one.url, two.url], 2)).map(({ data }) => data),
    ['1', '2'],
  )
  deepEqual(two.asked, ['GET /watch/a%2Fb'])
})

test('what is refused is not asked for again', async () => {
  await using one = await FakeNode.of(fault(400, 'invalid_request'))
  await using two = await FakeNode.of(stream('', false))
  const client = new ServiceClient({ urls: [one.url, two.url], timeoutMs: 10_000, service: 'cache' })
  const following = client.follow(cacheRoutes.watch, { key: 'k' }, { signal: new AbortController().signal, onEvent: () => {} })
  await rejects(following, /^CommandError: invalid_request/)
  equal(two.asked.length, 0)
})

test('when nobody listens that is said at once', async () => {
  const urls = (await freePorts(2)).map((port) => `http://127.0.0.1:${port}`)
  const client = new ServiceClient({ urls, timeoutMs: 600_000, service: 'cache' })
  const following = client.follow(cacheRoutes.watch, { key: 'k' }, { signal: new AbortController().signal, onEvent: () => {} })
  await rejects(following, (error: Error) => {
    match(error.message, /^no cache node could answer[^]*connection refused/)
    return error instanceof CommandError && error.exitCode === 69
  })
})
