import type { Millis } from '#base/brand.ts'
import type { Capacity } from './memory-state.ts'
import type { Dirty, Push } from './messages.ts'
import type { AgentId, Grant, HomeTerm, Key, Operation, Outcome, RequestNumber, SessionId, Version } from './types.ts'

/** What a home asks of memory. Carried out only if the entry has the term in which the home decided it; otherwise another home may know better. */
export type MemoryCommand = { readonly term: HomeTerm } & (
  | {
      /** The agent has given up everything it had under an earlier session. */
      readonly type: 'open-session'
      readonly agent: AgentId
      readonly nonce: number
    }
  | { readonly type: 'close-session'; readonly session: SessionId }
  | WriteCommand
  /** A value at the level `owner`, from the one who holds the line. */
  | { readonly type: 'flush'; readonly key: Key; readonly dirty: Dirty }
  /** The same, from under an earlier home. */
  | { readonly type: 'push'; readonly session: SessionId; readonly push: Push }
  /** The life of exactly that version is over (decision C9). */
  | { readonly type: 'expire'; readonly key: Key; readonly version: Version; readonly grant: Grant }
  /** Makes room; equals a delete (decision C11). */
  | { readonly type: 'evict'; readonly key: Key; readonly grant: Grant }
  /** The same for all replicas, whatever their nodes were told (decision C11). */
  | { readonly type: 'set-capacity'; readonly capacity: Capacity }
  /** Everything in a namespace. */
  | { readonly type: 'clear'; readonly namespace: string; readonly grant: Grant }
)

export interface WriteCommand {
  readonly type: 'write'
  readonly key: Key
  /** Carried out once: a request that comes again, also under another home, gets the outcomes it had. */
  readonly session: SessionId
  readonly request: RequestNumber
  readonly oldest: RequestNumber
  /** Of the version that the first operation makes; the others count on. */
  readonly grant: Grant
  readonly sequence: number
  /** Committed before the operations. */
  readonly dirty: Dirty | null
  readonly operations: readonly Operation[]
}

export type MemoryAnswer =
  | { readonly type: 'session'; readonly session: SessionId; readonly closed: SessionId | null }
  | { readonly type: 'written'; readonly outcomes: readonly Outcome[] }
  | { readonly type: 'done' }
  | { readonly type: 'refused'; readonly code: 'stale_term' | 'session_closed' | 'too_many_sessions' | 'malformed' }

/** Where and when an entry is in the log. */
export interface MemoryContext {
  readonly term: number
  /** Machine time (decision R5). */
  readonly time: Millis
  /** The slot has lost what it had once, and with it who had asked for what (decision C12). */
  readonly isReborn: boolean
}
