import { deepEqual, equal, match } from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { cacheRoutes } from '#api/cache/routes.ts'
import { ServiceClient } from '#cli/service/service-client.ts'
import { FakeNode, fault } from '#cli/service/testkit.ts'
import { changed } from './request.ts'

const written = { key: 'n', value: 1, state: 'M', version: '1.2.3', invalidated: 0 }

test('a change whose answer was lost is sent again under the same id, and another one has another', async () => {
  const bodies: string[] = []
  const listen = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    bodies.push(await text(request))
    if (bodies.length === 1) response.destroy()
    else if (bodies.length === 2) fault(504, 'unknown')(request, response)
    else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(written))
  }
  await using node = await FakeNode.of((request, response) => void listen(request, response))
  const client = new ServiceClient({ urls: [node.url], timeoutMs: 10_000, service: 'cache' })
  const increment = () => changed(client, cacheRoutes.increment, (identity) => ({ key: 'n', by: 2, ...identity }))
  deepEqual(await increment(), written)
  await increment()
  const [first, second, third, other] = bodies
  match(first ?? '', /^\{"by":2,"operation_id":"[0-9a-f-]{36}"\}$/)
  deepEqual([second, third], [first, first])
  equal(first === other, false)
})
