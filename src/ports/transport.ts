import type { PeerMessage } from '#wire/peer-message.ts'

/** Where a node can be reached: `host:port`. */
export type Address = string

/** A node of one cluster: its configured name and the incarnation of its store (a wiped disk is another incarnation). */
export interface NodeKey {
  readonly name: string
  /** 64 random bits, as 16 hexadecimal digits. */
  readonly incarnation: string
}

/**
 * Messages between nodes: at most once, in order within a lane while a connection lasts, lost without notice when it breaks.
 * Nothing here retries; the protocols above do. `send` never blocks and never throws: what does not fit the bounded outbox is dropped,
 * bulk first (the urgent lane is never refused for overload, decision R7).
 */
export interface Transport {
  /** From here on peers are dialled and answered. The handlers are called in the order things happened, never from within `send`. */
  start(handlers: TransportHandlers): void
  /** Names the peers to keep connections to; replaces the previous list. */
  setPeers(peers: readonly Peer[]): void
  /** To the process that now answers for that name; use `message.to` inside where the incarnation matters. */
  send(to: string, lane: Lane, message: PeerMessage): void
  stop(done: () => void): void
}

export interface Peer {
  /** Null while only the address is known: then whoever answers there is the peer. */
  readonly name: string | null
  readonly address: Address
}

/** `urgent`: votes, heartbeats and their answers, snoops, leases. `bulk`: everything else. */
export type Lane = 'urgent' | 'bulk'

export interface TransportHandlers {
  message(from: NodeKey, message: PeerMessage): void
  /** A connection was made and both sides proved the secret, the cluster id and the protocol version. */
  up(peer: NodeKey): void
  /** It ended; messages of both directions may be lost. */
  down(peer: NodeKey, reason: string): void
}
