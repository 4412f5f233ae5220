import { deepEqual, equal } from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { httpLimits } from '#http/limits.ts'
import { Served } from '#http/testkit.ts'
import { Listener } from '#io/listener/listener.ts'

test('the server of the one port keeps the limits of the API, and refuses who names no host in the shape of errors', async () => {
  const listener = new Listener({ certificates: null, refusals: { plain: '', uncertified: () => '' } })
  await using served = new Served({}, { serverFactory: (handler) => listener.createServer(handler) })
  const { server } = served.http.fastify
  deepEqual([server.requestTimeout, server.keepAliveTimeout], [httpLimits.requestTimeoutMs, httpLimits.keepAliveMs])
  const { port } = new URL(await served.listen())
  const socket = connect(Number(port), '127.0.0.1')
  socket.write('GET /healthz HTTP/1.1\r\nconnection: close\r\n\r\n')
  let received = ''
  for await (const chunk of socket) received += String(chunk)
  const [head = '', body = ''] = received.split('\r\n\r\n')
  equal(head.split('\r\n')[0], 'HTTP/1.1 400 Bad Request')
  equal((JSON.parse(body) as { readonly error: { readonly field: string } }).error.field, 'host')
})
