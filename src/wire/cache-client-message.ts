import type { AgentId } from '#core/cache/types.ts'
import type { Place } from './client-message.ts'

/**
 * What an application that is an agent of the cache, and a node, say to each other on a connection of their own. Most of it are messages of the
 * protocol of the cache, each encoded as on the bus between nodes.
 */
export type CacheClientMessage =
  /** First, and once: who speaks on this connection. An earlier connection of the same agent is over. */
  | { readonly type: 'enter'; readonly agent: AgentId }
  /** One message to a home: here, or wherever it is. Or the question who leads a slot. */
  | { readonly type: 'bus'; readonly content: Uint8Array }
  /** Empties a namespace in one slot, whose home must be here. */
  | { readonly type: 'clear'; readonly call: number; readonly slot: number; readonly namespace: string }

export type CacheServerMessage =
  /** Who leads which slot: all that is known after the client has entered, and then what changes. */
  | { readonly type: 'leaders'; readonly slots: number; readonly leaders: readonly HomePlace[]; readonly members: readonly Place[] }
  /** One message to the agent. */
  | { readonly type: 'bus'; readonly content: Uint8Array }
  | { readonly type: 'cleared'; readonly call: number }
  /** The code is one of the registry of the API: nothing was carried out, but for `unknown`. */
  | { readonly type: 'failed'; readonly call: number; readonly code: string; readonly message: string }
  /** This node is about to stop. */
  | { readonly type: 'going' }

export interface HomePlace {
  readonly slot: number
  readonly term: number
  readonly node: string
}
