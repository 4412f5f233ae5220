import { assert } from '#base/assert.ts'

/** What the one port of a node bears with from whoever connects. */
export const listenerLimits = {
  /** The first line and the headers of a request. */
  headBytesMax: 16 * 1024,
  /** For them to arrive. A connection that says nothing at all has no longer. */
  headMs: 10_000,
  /** How often those that take too long are looked for. */
  checkMs: 2_000,
  /** Connections that the system holds while the node is busy: who is beyond them hears nothing, and tries again after one, three and seven seconds. */
  acceptBacklog: 4_096,
  /** Sockets that listen beside the first one, each of which accepts one connection in a turn of the event loop. */
  entrances: 15,
  /** Open at one time: requests, clients and other nodes. */
  connectionsMax: 30_000,
  /** For a handshake of TLS, and before it for the first byte. */
  handshakeMs: 5_000,
  /** For the answer to whom the port is closed to leave. */
  partingMs: 500,
  /** How often files with certificates are looked at. What has changed is taken when the next look finds the same. */
  lookMs: 1_000,
} as const

export type ListenerLimits = { readonly [K in keyof typeof listenerLimits]: number }

assert(listenerLimits.checkMs < listenerLimits.headMs, 'who takes too long is found soon after')
