import type { IncomingMessage, Server as PlainServer } from 'node:http'
import type { Server as SecureServer } from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Cancel } from '#ports/clock.ts'

/** Of HTTP, or of HTTPS. */
export type Server = PlainServer | SecureServer

/** Node 24.9 and later: without it, a server with an upgrade listener treats no request with an `Upgrade` header as an ordinary one. */
interface UpgradingServer extends PlainServer {
  shouldUpgradeCallback: (this: PlainServer, request: IncomingMessage) => boolean
}

/** What a connection asks for: `GET path` with `Upgrade: protocol`. */
export interface Upgrade {
  readonly path: string
  readonly protocol: string
}

export const peerPath = '/lockstep/peer'
export const peerUpgrade: Upgrade = { path: peerPath, protocol: 'lockstep' }
export const clientUpgrade: Upgrade = { path: '/lockstep/client', protocol: 'lockstep-client' }

/** What becomes of sockets whose requests ask for an upgrade. */
interface Admission {
  readonly accept: (socket: Socket, head: Uint8Array) => void
  /** Those that it does not are answered with 403; all of them, unless given. */
  readonly admits?: ((socket: Socket) => boolean) | undefined
}

/**
 * Takes the sockets of requests that ask for the upgrade, and answers them with 101. Every other request the server treats as before,
 * also one that asks for some other upgrade.
 */
export function onUpgrade(ofNode: Server, upgrade: Upgrade, { accept, admits = () => true }: Admission): Cancel {
  return takeUpgrades(ofNode, upgrade, (socket, head) => {
    if (!admits(socket)) return answer(socket, forbidden)
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${upgrade.protocol}\r\n\r\n`)
    accept(socket, head)
  })
}

function takeUpgrades(ofNode: Server, upgrade: Upgrade, take: (socket: Socket, head: Uint8Array) => void): Cancel {
  const server = ofNode as UpgradingServer
  const others = server.listenerCount('upgrade') > 0
  const before = server.shouldUpgradeCallback
  const should = (request: IncomingMessage): boolean => isWanted(request, upgrade) || (others && before.call(server, request))
  const listener = (request: IncomingMessage, stream: Duplex, head: Uint8Array): void => {
    // The server of a node listens on TCP, so its streams are sockets (of TLS, perhaps).
    if (isWanted(request, upgrade)) take(stream as Socket, head)
  }
  server.shouldUpgradeCallback = should
  server.on('upgrade', listener)
  return () => {
    server.off('upgrade', listener)
    if (server.shouldUpgradeCallback === should) server.shouldUpgradeCallback = before
  }
}

/**
 * Answers 503 to requests for the upgrade until it is cancelled: a node listens before it has loaded its store, and whoever dials it then
 * shall know that it starts.
 */
export function refuseUpgrades(ofNode: Server, upgrade: Upgrade): Cancel {
  return takeUpgrades(ofNode, upgrade, (socket) => answer(socket, starting))
}

const starting = 'HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n'
/** In the shape of all errors of the API. */
const refusal = JSON.stringify({
  error: { code: 'certificate_refused', message: 'other nodes show a certificate of the CA of this cluster', retryable: false },
})
const forbidden = `HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${refusal.length}\r\n\r\n${refusal}`

function answer(socket: Socket, text: string): void {
  // Who hangs up at once has no interest in the answer.
  socket.on('error', () => socket.destroy())
  socket.end(text)
}

/** A request with a body is not one of ours: whatever follows the headers is read as frames. */
function isWanted({ method, url, headers }: IncomingMessage, { path, protocol }: Upgrade): boolean {
  const bodiless = headers['content-length'] === undefined && headers['transfer-encoding'] === undefined
  return bodiless && method === 'GET' && url === path && headers.upgrade?.toLowerCase() === protocol
}
