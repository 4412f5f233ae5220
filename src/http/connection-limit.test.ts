import { match } from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { connect } from 'node:net'
import { test } from 'node:test'
import { limitConnections } from './connection-limit.ts'

test('one connection too many is told so and closed, and makes room when another is gone', { timeout: 10_000 }, async (context) => {
  const server = createServer((_request, response) => response.end('welcome')).listen(0, '127.0.0.1')
  context.after(() => {
    server.closeAllConnections()
    server.close()
  })
  limitConnections(server, 2)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const opened = async (): Promise<{ readonly socket: Socket; readonly gone: Promise<unknown> }> => {
    const accepted = once(server, 'connection')
    const socket = connect(port, '127.0.0.1')
    const [there] = (await accepted) as [NodeJS.EventEmitter]
    return { socket, gone: once(there, 'close') }
  }
  const said = async (socket: NodeJS.ReadableStream): Promise<string> => {
    let text = ''
    for await (const chunk of socket) text += String(chunk)
    return text
  }
  const first = await opened()
  await opened()
  const third = await opened()
  const refusal = await said(third.socket)
  match(refusal, /^HTTP\/1\.1 429 .*retry-after: 1\r\n.*"code":"overloaded".*2 connections of one address/s)
  first.socket.destroy()
  await first.gone
  await third.gone
  const { socket } = await opened()
  socket.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
  match(await said(socket), /^HTTP\/1\.1 200 .*welcome/s)
})
