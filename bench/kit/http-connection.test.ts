import { deepEqual, rejects } from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { test } from 'node:test'
import { HttpConnection } from './http-connection.ts'

/** What a server writes to each request, in pieces of so many bytes. */
async function answering(answer: string, pieceBytes: number): Promise<{ readonly address: string } & AsyncDisposable> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket.setNoDelay())
    const bytes = Buffer.from(answer)
    const write = (at: number): void => {
      if (at < bytes.length) socket.write(bytes.subarray(at, at + pieceBytes), () => write(at + pieceBytes))
    }
    socket.on('data', () => write(0))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const stop = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
  return { address, [Symbol.asyncDispose]: stop }
}

const head = (length: number): string => `HTTP/1.1 409 Conflict\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`

for (const pieceBytes of [1, 7, 1_000]) {
  test(`an answer that comes in pieces of ${pieceBytes} is put together, and the next one after it`, async () => {
    const body = '{"a":"ä€"}'
    await using server = await answering(head(Buffer.byteLength(body)) + body, pieceBytes)
    const connection = await HttpConnection.open(server.address)
    for (const path of ['/one', '/two']) deepEqual(await connection.post(path, '{}'), { status: 409, text: body })
    connection.close()
  })
}

test('a question whose connection ends, or whose answer has no length, fails', async () => {
  await using server = await answering('HTTP/1.1 200 OK\r\n\r\n', 100)
  const connection = await HttpConnection.open(server.address)
  await rejects(connection.post('/', '{}'), /without a length/)
  const other = await HttpConnection.open(server.address)
  const asked = other.post('/', '{}')
  other.close()
  await rejects(asked, /closed the connection/)
  await rejects(other.post('/', '{}'), /closed the connection/)
})
