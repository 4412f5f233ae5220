import type { Millis } from '#base/brand.ts'
import type { AgentId, Copy, Grant, HomeTerm, Key, Operation, Outcome, RequestNumber, SessionId, SlotId, Value, Version } from './types.ts'

/**
 * What agents and homes say to each other. A message may be lost, doubled, late and overtaken. Each names its slot and term, and the session
 * it belongs to (rule 11); the cluster is that of the connection.
 */
interface Addressed {
  readonly slot: SlotId
  readonly term: HomeTerm
  readonly session: SessionId
}

/** A value at the level `owner` that memory does not have yet. */
export interface Dirty {
  readonly grant: Grant
  readonly sequence: number
  readonly value: Value
}

/** What the new home is told of a dirty line (rule 10). */
export interface Push {
  readonly key: Key
  readonly version: Version
  readonly value: Value
  /** The line was never given up; otherwise a snoop took it, and only the answer to that is in doubt. */
  readonly held: boolean
  /** The write that it travelled with, which may have been carried out, and have deleted the key after it. */
  readonly carriedBy: RequestNumber | null
}

export type RequestBody =
  /** BusRd. */
  | { readonly type: 'read' }
  /** BusRdX, BusUpgr, or Flush with something to do: all operations are carried out, then the line is granted. */
  | {
      readonly type: 'write'
      /** The grant under which the line is held here, and the sequence number for the first operation; the others count on. */
      readonly held: { readonly grant: Grant; readonly sequence: number } | null
      /** An earlier value at the level `owner`, which is committed with it (rule 6). */
      readonly dirty: Dirty | null
      readonly operations: readonly Operation[]
    }
  /** Flush: a value at the level `owner`, and nothing else. */
  | { readonly type: 'flush'; readonly dirty: Dirty }
  /** Like a read, but whoever finds nothing may be the one to load it (decision C10). */
  | { readonly type: 'fill' }

export type ToHome =
  | {
      readonly type: 'open'
      readonly slot: SlotId
      readonly term: HomeTerm
      readonly agent: AgentId
      /** Grows with each session that the agent asks for. */
      readonly nonce: number
      readonly sentAt: Millis
    }
  /** Of a session that was open under an earlier home: all lines of the slot are dropped, and this is what was dirty. */
  | (Addressed & { readonly type: 'arrive'; readonly pushes: readonly Push[]; readonly sentAt: Millis })
  | (Addressed & { readonly type: 'renew'; readonly oldest: RequestNumber; readonly sentAt: Millis })
  /** The agent has dropped all it had and wants nothing more: nobody needs to wait for its lease. */
  | (Addressed & { readonly type: 'leave' })
  | (Addressed & {
      readonly type: 'request'
      readonly number: RequestNumber
      /** All requests before this one are answered. */
      readonly oldest: RequestNumber
      readonly key: Key
      readonly body: RequestBody
    })
  | (Addressed & {
      readonly type: 'snooped'
      readonly key: Key
      /** The number of the snoop. */
      readonly grant: Grant
      /** A copy is still here; or none, and the home is to tell of changes all the same. */
      readonly kept: boolean
      readonly dirty: Dirty | null
    })

export type ReplyBody =
  | { readonly type: 'granted'; readonly rights: 'shared' | 'exclusive'; readonly grant: Grant; readonly copy: Copy }
  | {
      readonly type: 'written'
      readonly outcomes: readonly Outcome[]
      /** Agents that were told to drop their copies for it. */
      readonly invalidated: number
      /** The line with what is in memory now; null when the home keeps it, because many write it. */
      readonly line: { readonly grant: Grant; readonly sequence: number; readonly copy: Copy } | null
    }
  | { readonly type: 'flushed'; readonly grant: Grant; readonly sequence: number }
  /** Nothing is there, and this agent may load it. */
  | { readonly type: 'load'; readonly token: Grant }
  | { readonly type: 'overloaded' }

export type ToAgent =
  | {
      readonly type: 'opened'
      readonly slot: SlotId
      readonly term: HomeTerm
      readonly session: SessionId
      readonly nonce: number
      /** Of the message that this answers: the lease counts from there (rule 8). */
      readonly sentAt: Millis
    }
  | (Addressed & { readonly type: 'welcome'; readonly sentAt: Millis })
  | (Addressed & { readonly type: 'renewed'; readonly sentAt: Millis })
  | (Addressed & { readonly type: 'session-lost' })
  | (Addressed & { readonly type: 'reply'; readonly number: RequestNumber; readonly key: Key; readonly body: ReplyBody })
  | (Addressed & {
      readonly type: 'snoop'
      readonly key: Key
      /** Every right that was granted up to here is meant. */
      readonly grant: Grant
      /** Of what memory holds, for a downgrade (decision C1); null invalidates. */
      readonly downgradeTo: Version | null
    })
