import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { overloaded } from '#api/common/faults.ts'
import { addressKey } from '#core/access/address-key.ts'
import { answerBytes } from './bad-bytes.ts'

/** Whatever comes over them: requests, links of clients, and other nodes. One too many is told so, and closed. */
export function limitConnections(server: Server, perAddress: number): void {
  const open = new Map<string, number>()
  server.on('connection', (socket: Socket) => {
    const key = addressKey(socket.remoteAddress ?? '')
    const count = (open.get(key) ?? 0) + 1
    open.set(key, count)
    socket.once('close', () => {
      const left = (open.get(key) ?? 1) - 1
      if (left === 0) open.delete(key)
      else open.set(key, left)
    })
    if (count > perAddress) answerBytes(socket, overloaded(`${perAddress} connections of one address are open already`))
  })
}
