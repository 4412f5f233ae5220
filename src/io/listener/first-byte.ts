import type { Socket } from 'node:net'

/** What a connection over TLS begins with: a record of the handshake. */
const handshakeRecord = 0x16

interface Sorting {
  readonly limitMs: number
  readonly tls: (socket: Socket) => void
  readonly other: (socket: Socket) => void
}

/** Hands a new connection on by its first byte, which stays to be read; one that says nothing in time is closed. */
export function byFirstByte(socket: Socket, { limitMs, tls, other }: Sorting): void {
  const timer = setTimeout(() => socket.destroy(), limitMs)
  const give = (): void => void socket.destroy()
  const look = (): void => {
    const chunk = socket.read() as Buffer | null
    // It has ended, or there is nothing yet after all.
    if (chunk === null) return
    clearTimeout(timer)
    socket.off('readable', look)
    socket.off('error', give)
    socket.unshift(chunk)
    if (chunk[0] === handshakeRecord) tls(socket)
    else other(socket)
  }
  socket.on('readable', look)
  socket.on('error', give)
  socket.once('end', give)
  socket.once('close', () => clearTimeout(timer))
}
