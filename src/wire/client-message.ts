import type { Grants } from '#core/access/types.ts'
import type { FencingToken, ResourceName, SessionId } from '#core/lock/types.ts'

/**
 * What a client and a node say to each other on a connection of their own, which carries many calls at once.
 *
 * A client numbers its calls. It may make one again under another number, on this connection or on another, with any node: a command that bears
 * an identity is carried out once (decision L2), and so nothing needs to be remembered about a connection that is gone. Of two answers to
 * one call the first counts.
 */
export type ClientMessage =
  /** An encoded lock command of a kind that a client may send. */
  | { readonly type: 'command'; readonly call: number; readonly command: Uint8Array }
  /** These sessions are to live on (decision L1). */
  | { readonly type: 'keep-alive'; readonly call: number; readonly sessions: readonly SessionId[] }
  | { readonly type: 'query'; readonly call: number; readonly query: ClientQuery }

/** A question about the state of the locks, answered linearizably. */
export type ClientQuery =
  | { readonly type: 'locks'; readonly prefix: string; readonly after: string | null; readonly limit: number }
  | { readonly type: 'lock'; readonly resource: string }
  | { readonly type: 'deadlocks' }
  | { readonly type: 'check'; readonly resource: string; readonly token: number }

export type ServerMessage =
  /** The answer of the lock machine, encoded. A request that waits is answered `queued` now, and `settled` later. */
  | { readonly type: 'answered'; readonly call: number; readonly answer: Uint8Array }
  /** The end of a wait, also when nobody was told yet that it waits. */
  | { readonly type: 'settled'; readonly call: number; readonly answer: Uint8Array }
  /** The code is one of the registry of the API. */
  | { readonly type: 'failed'; readonly call: number; readonly code: string; readonly message: string }
  /** In the order in which the sessions were named. */
  | { readonly type: 'kept'; readonly call: number; readonly sessions: readonly KeptState[] }
  /** JSON, as the HTTP API has it. */
  | { readonly type: 'view'; readonly call: number; readonly view: Uint8Array }
  /** Another node leads the locks now. */
  | { readonly type: 'leader'; readonly leader: Place }
  /** One of the sessions that this connection opened or kept alive is over. */
  | { readonly type: 'session-ended'; readonly session: SessionId }
  /** An operator has taken away what such a session held. */
  | { readonly type: 'forced'; readonly session: SessionId; readonly resource: ResourceName; readonly token: FencingToken }
  /** This node is about to stop: another one will serve. */
  | { readonly type: 'going' }

/**
 * `wounded`: kept, but an older client waits for a lock of this one (decision L5). `lost`: the session has ended, or never was. `unknown`:
 * nobody could say in time.
 */
export type KeptState = 'kept' | 'wounded' | 'lost' | 'unknown'

/** A node, and where it can be reached. */
export interface Place {
  readonly node: string
  readonly address: string
}

/** What a client says first. */
export interface ClientHello {
  /** Protocol versions that it speaks. */
  readonly oldest: number
  readonly newest: number
  /** Which service it wants. */
  readonly service: string
  /** Name and version of its software, for people. */
  readonly software: string
  /** The secret of its token; null when it has none. */
  readonly token: string | null
}

/** What the node answers. */
export interface Welcome {
  readonly version: number
  readonly clusterId: string
  readonly node: string
  readonly software: string
  readonly members: readonly Place[]
  /** The node that leads the locks, as far as this one knows. */
  readonly leader: string | null
  /** What the token of the client allows; null where no tokens are asked for. */
  readonly grants: Grants | null
}
