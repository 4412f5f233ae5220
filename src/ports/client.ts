import type { Result } from '#base/result.ts'
import type { Caller } from '#core/access/types.ts'
import type { ClientHello, ClientMessage, ServerMessage, Welcome } from '#wire/client-message.ts'
import type { ClientProtocol } from '#wire/client-protocol.ts'
import type { PartingCode } from '#wire/control.ts'
import type { Address } from './transport.ts'

/**
 * Connections between clients and nodes: messages in order while a connection lasts, lost without notice when it breaks. Nothing here
 * retries. Each service has messages of its own; those of the locks are meant where none are named.
 */

/** One connection, as the node sees it. Neither call blocks or throws; after `close` both do nothing. */
export interface ClientChannel<FromNode = ServerMessage> {
  send(message: FromNode): void
  close(code: PartingCode, detail: string): void
}

/** Who serves one connection. Nothing is received after `gone`. */
export interface ClientPeer<FromClient = ClientMessage> {
  received(message: FromClient): void
  gone(): void
}

/** A service that clients connect to. */
export interface ClientHost<FromClient = ClientMessage, FromNode = ServerMessage> {
  /** What clients must speak to be let in. */
  readonly protocol: ClientProtocol<FromClient, FromNode>
  /** What to answer a client that greets; null while this node does not belong to a cluster. */
  welcome(): Omit<Welcome, 'version' | 'grants'> | null
  /** Who it is, is known where that is asked. */
  serve(channel: ClientChannel<FromNode>, caller?: Caller): ClientPeer<FromClient>
}

/** Who is let in. */
export interface ClientAccess {
  /** By the secret that it has sent, if it has; an error says why it is not let in. */
  identify(secret: string | null, address: string): Result<Caller, { readonly message: string }>
  /** False when it would not be let in any more. */
  isCurrent(caller: Caller): boolean
}

/** One connection, as the client sees it. Nothing is sent before it is up. */
export interface ClientLink<FromClient = ClientMessage> {
  send(message: FromClient): void
  /** Ends the attempt, or the connection; nothing is heard from it any more. */
  close(): void
}

/** `up` comes first and once, then messages, and `down` once and last, also when it never was up; none of them from within `dial` or `send`. */
export interface ClientLinkEvents<FromNode = ServerMessage> {
  up(welcome: Welcome): void
  message(message: FromNode): void
  down(reason: string, code?: PartingCode): void
}

/** The token is the business of who makes connections. */
export type Greeting = Omit<ClientHello, 'token'>

/** Makes connections to nodes. */
export interface ClientDialer<FromClient = ClientMessage, FromNode = ServerMessage> {
  dial(address: Address, hello: Greeting, events: ClientLinkEvents<FromNode>): ClientLink<FromClient>
}
