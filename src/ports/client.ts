import type { ClientHello, ClientMessage, ServerMessage, Welcome } from '#wire/client-message.ts'
import type { PartingCode } from '#wire/control.ts'
import type { Address } from './transport.ts'

/**
 * Connections between clients and nodes: messages in order while a connection lasts, lost without notice when it breaks. Nothing here
 * retries.
 */

/** One connection, as the node sees it. Neither call blocks or throws; after `close` both do nothing. */
export interface ClientChannel {
  send(message: ServerMessage): void
  close(code: PartingCode, detail: string): void
}

/** Who serves one connection. Nothing is received after `gone`. */
export interface ClientPeer {
  received(message: ClientMessage): void
  gone(): void
}

/** A service that clients connect to. */
export interface ClientHost {
  /** What to answer a client that greets; null while this node does not belong to a cluster. */
  welcome(): Omit<Welcome, 'version'> | null
  serve(channel: ClientChannel): ClientPeer
}

/** One connection, as the client sees it. Nothing is sent before it is up. */
export interface ClientLink {
  send(message: ClientMessage): void
  /** Ends the attempt, or the connection; nothing is heard from it any more. */
  close(): void
}

/** `up` comes first and once, then messages, and `down` once and last, also when it never was up; none of them from within `dial` or `send`. */
export interface ClientLinkEvents {
  up(welcome: Welcome): void
  message(message: ServerMessage): void
  down(reason: string): void
}

/** Makes connections to nodes. */
export interface ClientDialer {
  dial(address: Address, hello: ClientHello, events: ClientLinkEvents): ClientLink
}
