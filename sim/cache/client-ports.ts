import type { Result } from '#base/result.ts'
import type { CacheApi } from '#api/cache/cache-api.ts'
import type { Fault } from '#api/errors.ts'
import type { Answer } from '#core/cache/agent-state.ts'
import type { Ack, AgentId, Change, Handle, SlotId } from '#core/cache/types.ts'
import { cacheKey } from '#core/cache/types.ts'
import type { ClientHost } from '#ports/client.ts'
import type { AgentHost } from '#runtime/cache/agent-host.ts'
import type { Actor } from '#sim/clients/actor.ts'
import type { SimNode } from '#sim/cluster.ts'
import type { CacheClientMessage, CacheServerMessage } from '#wire/cache-client-message.ts'
import type { Addends } from './addends.ts'
import type { Claims } from './claims.ts'
import type { OwnValues } from './own-values.ts'
import type { CacheOptions } from './options.ts'

/** A node of the cache in one of its lives, as clients reach it. */
export interface CacheNode {
  readonly cache: CacheApi
  /** For applications. */
  readonly clients: ClientHost<CacheClientMessage, CacheServerMessage>
  /** For who has it in the own process. */
  readonly host: AgentHost
  readonly agent: AgentId
  /** Null before the node belongs to a cluster. */
  readonly slotOf: (key: string) => SlotId | null
}

/** What a client of the cache is given. */
export interface ClientPorts {
  readonly actor: Actor<CacheNode>
  readonly claims: Claims
  readonly ownValues: OwnValues
  readonly options: CacheOptions
  readonly keys: readonly string[]
  /** Never the same value twice. */
  readonly nextValue: () => number
  readonly addends: Addends
  /** Counts what clients do. */
  readonly did: (action: string) => void
  readonly isOver: () => boolean
  /** What is found where nobody waits for it. */
  readonly failed: (error: unknown) => void
  /** Those that are up. */
  readonly nodes: () => readonly SimNode[]
}

/** What a node answers to a change. */
export interface Done {
  readonly version: string
  /** The sum of an addition. */
  readonly number: number | null
  readonly agent: AgentId
}

export type Answered<T> = Promise<Result<T, Fault>>

/** The agent of a node, used by a program in the same process under a name of its own. */
export class Resident {
  readonly #node: CacheNode
  readonly #handle: Handle

  constructor(node: CacheNode, handle: Handle) {
    this.#node = node
    this.#handle = handle
  }

  /** Null when it was not answered while somebody waited. */
  read(key: string, fill: boolean, signal: AbortSignal): Promise<Answer | null> {
    return this.#ask(signal, (slot, done) => this.#node.host.read({ slot, key: cacheKey(key), handle: this.#handle }, fill, done), key)
  }

  write(key: string, { ack, change }: { readonly ack: Ack; readonly change: Change }, signal: AbortSignal): Promise<Answer | null> {
    const operation = { change, identity: null }
    return this.#ask(
      signal,
      (slot, done) => this.#node.host.write({ slot, key: cacheKey(key), handle: this.#handle }, { ack, operation }, done),
      key,
    )
  }

  #ask(signal: AbortSignal, start: (slot: SlotId, done: (answer: Answer) => void) => () => boolean, key: string): Promise<Answer | null> {
    const slot = this.#node.slotOf(key)
    if (slot === null) return Promise.resolve(null)
    return new Promise((resolve) => {
      const giveUp = start(slot, resolve)
      signal.addEventListener('abort', () => {
        giveUp()
        resolve(null)
      })
    })
  }
}
