import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { HttpPool } from './http-pool.ts'

async function serving(
  listener: RequestListener,
): Promise<{ readonly address: string; readonly connections: () => number } & AsyncDisposable> {
  let connections = 0
  const server = createServer(listener).on('connection', () => connections++)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const stop = async (): Promise<void> => {
    server.closeAllConnections()
    server.close()
  }
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, connections: () => connections, [Symbol.asyncDispose]: stop }
}

const answerOf = (text: string): { readonly status: number; readonly text: string } => ({ status: 200, text })

test('calls that are under way have a connection each, which later ones use again', async () => {
  await using server = await serving((_, response) => response.end('yes'))
  using pool = new HttpPool(server.address)
  for (let round = 0; round < 3; round++) {
    const answers = await Promise.all([1, 2, 3].map((at) => pool.ask('GET', `/${at}`, '')))
    deepEqual(
      answers,
      [1, 2, 3].map(() => answerOf('yes')),
    )
  }
  equal(server.connections(), 3)
})

test('a call without an answer in time fails with its code, and so does one to a node that is not there; the next have new connections', async () => {
  await using server = await serving(({ url }, response) => void (url === '/never' || response.end('yes')))
  using pool = new HttpPool(server.address, 500)
  await rejects(pool.ask('GET', '/never', ''), { code: 'deadline' })
  deepEqual(await pool.ask('GET', '/', ''), answerOf('yes'))
  equal(server.connections(), 2)
  await server[Symbol.asyncDispose]()
  using late = new HttpPool(server.address)
  await rejects(late.ask('GET', '/', ''), { code: 'ECONNREFUSED' })
})

test('what a busy node refuses is asked again', async () => {
  const statuses = [429, 503, 504, 200]
  await using server = await serving((_, response) => response.writeHead(statuses.shift() ?? 500, { 'content-length': 3 }).end('yes'))
  using pool = new HttpPool(server.address)
  deepEqual(await pool.askUntilTaken('PUT', '/', '{}'), { status: 504, text: 'yes' })
  statuses.unshift(504)
  deepEqual(await pool.askUntilTaken('PUT', '/', '{}', true), answerOf('yes'))
})

test('a busy node is not asked for ever, and a connection that it closes after its answer is not used again', async () => {
  await using server = await serving((_, response) => response.writeHead(503, { 'content-length': 3, connection: 'close' }).end('yes'))
  using pool = new HttpPool(server.address, 150)
  deepEqual(await pool.askUntilTaken('PUT', '/', '{}'), { status: 503, text: 'yes' })
  ok(server.connections() >= 2)
})
