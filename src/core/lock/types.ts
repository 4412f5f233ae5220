import type { Brand, Millis, WallMillis } from '#base/brand.ts'

/**
 * The vocabulary of the lock machine: what may be asked of it, what it answers, and what it reports. All of it is plain data.
 *
 * A *client* is whoever wants locks; the deadlock detector takes it for one thread of control. What it holds is carried by a *session*,
 * which is kept alive outside of the log, or, without one, by a lease of each lock that is renewed by commands. A *wait* is a request
 * in the queues of its resources.
 *
 * Obstacles, and what answers them:
 * - An answer may be lost: a command that bears an identity (session, sequence) is carried out once and its answer kept (decision L2).
 * - Who waits may be gone: every wait ends by itself, in machine time or with a session, and a cancellation is a command whose place in the
 *   log decides between it and the grant (decision L3).
 * - Renewals of sessions are not in the log: only the leader that would have given them may end one, in the term it leads (decision L1).
 * - A holder may not know that it holds no more: every grant has a larger token than all before it (decision L6).
 */

export type ClientId = Brand<string, 'ClientId'>
export type SessionId = Brand<string, 'SessionId'>
export type ResourceName = Brand<string, 'ResourceName'>
/** An integer under 2^53 that grows with every grant of any resource. */
export type FencingToken = Brand<number, 'FencingToken'>

export const clientId = (value: string): ClientId => value as ClientId
export const sessionId = (value: string): SessionId => value as SessionId
export const resourceName = (value: string): ResourceName => value as ResourceName
export const fencingToken = (value: number): FencingToken => value as FencingToken

export type LockMode = 'shared' | 'exclusive'

export interface Item {
  readonly resource: ResourceName
  readonly mode: LockMode
}

/** Where and when an entry is in the log. */
export interface LockContext {
  readonly index: number
  readonly term: number
  /** Machine time: every length of time is measured in it. */
  readonly time: Millis
  /** For people only. */
  readonly wall: WallMillis
}

/** A request under a session: of the client itself, or of the node that asks on behalf of a client without one. */
export interface Attempt {
  readonly session: SessionId
  /** From 1, each used for one command. */
  readonly sequence: number
}

/** Makes a command be carried out at most once. */
export interface Identity extends Attempt {
  /** The session has seen the answers of all its commands up to here. */
  readonly confirmed: number
}

/** Without a session a request speaks for the client as a whole: it finds what the client holds or waits for by any of its sessions. */
export interface OwnerRef {
  readonly client: ClientId
  readonly session: SessionId | null
}

/** Which grant is meant, so that a late copy of a command does not meet a newer one (decision L10). */
export type Proof =
  | { readonly type: 'token'; readonly token: FencingToken }
  /** Whatever was granted up to this log index, which was read when the request came in. */
  | { readonly type: 'as-of'; readonly index: number }

/** One item, or several that are granted together or not at all (decision L7). Exclusive on top of an own shared lock is an upgrade. */
export interface Acquire {
  readonly type: 'acquire'
  readonly identity: Identity | null
  readonly owner: OwnerRef
  readonly items: readonly Item[]
  /** 0: until released. Means nothing under a session, whose lease carries the lock. */
  readonly ttlMs: number
  /** How long the resource stays closed after the lock was lost rather than released (decision L11). */
  readonly lockDelayMs: number
  /** 0: now or never. Null: in the background, for as long as it is asked for again within its ttl, or as its session lives. */
  readonly waitMs: number | null
}

/** Gives a lock back, or leaves the queue. */
export interface Release {
  readonly type: 'release'
  readonly identity: Identity | null
  readonly owner: OwnerRef
  readonly resource: ResourceName
  readonly proof: Proof
}

export interface Downgrade extends Omit<Release, 'type'> {
  readonly type: 'downgrade'
}

export interface Extend {
  readonly type: 'extend'
  readonly identity: Identity | null
  readonly owner: OwnerRef
  readonly resource: ResourceName
  readonly ttlMs: number
  readonly token: FencingToken | null
}

/** Nobody waits for the answer to `attempt` any more: its time is over, it was aborted, or the client is gone (decision L3). */
export interface Cancel {
  readonly type: 'cancel'
  readonly attempt: Attempt
  /** What becomes of a grant that came first: `keep` when there is still somebody to be told. */
  readonly ifGranted: 'keep' | 'release'
}

export interface OpenSession {
  readonly type: 'open-session'
  readonly session: SessionId
  readonly client: ClientId
  readonly ttlMs: number
  readonly lockDelayMs: number
}

/** A node's own: the waits that are parked at it end with it. */
export interface OpenNodeSession {
  readonly type: 'open-node-session'
  readonly session: SessionId
  readonly node: string
  readonly ttlMs: number
}

/** Ends sessions that were not kept alive. Only in the term in which it was decided (decision L1). */
export interface ExpireSessions {
  readonly type: 'expire-sessions'
  readonly term: number
  readonly sessions: readonly SessionId[]
}

/** Takes away whatever was locked: exclusion is broken, and only the fencing token protects. */
export interface ForceRelease {
  readonly type: 'force-release'
  readonly resource: ResourceName
  /** Null: of everybody. */
  readonly client: ClientId | null
}

/**
 * The first three find a cycle and choose whose wait ends: of the request that closed it, of the youngest client, or of the one with the
 * fewest locks. The other two prevent cycles by age: `wait-die` lets only the older wait for the younger; under `wound-wait` the older tells the
 * younger holder to give up.
 */
export type DeadlockMode = 'requester' | 'youngest' | 'fewest-locks' | 'wait-die' | 'wound-wait'

export type LockCommand =
  | Acquire
  | Release
  | Downgrade
  | Extend
  | Cancel
  | OpenSession
  | OpenNodeSession
  | { readonly type: 'close-session'; readonly session: SessionId }
  | ExpireSessions
  /** Ends every lease, wait and lock delay that is over by machine time. */
  | { readonly type: 'expire-due' }
  | ForceRelease
  | { readonly type: 'configure'; readonly mode: DeadlockMode }
  /** Leaves out tokens that may have been given by replicas which are given up (decision R3). */
  | { readonly type: 'skip-tokens'; readonly count: number }

export interface Grant extends Item {
  readonly token: FencingToken
}

export interface Holder {
  readonly client: ClientId
  readonly mode: LockMode
  readonly token: FencingToken
}

export interface Granted {
  readonly type: 'granted'
  readonly grants: readonly Grant[]
  /** What is left of the shortest lease; null when it has no end of its own. */
  readonly ttlMs: number | null
  /** For people only (decision L9). */
  readonly expiresAt: WallMillis | null
}

export interface Queued {
  readonly type: 'queued'
  /** 1 is next. */
  readonly position: number
  /** The first few. */
  readonly holders: readonly Holder[]
  /** How long the wait lives by itself; null while its session lives. */
  readonly ttlMs: number | null
}

export interface TimedOut {
  readonly type: 'timed-out'
  readonly holders: readonly Holder[]
  /** When it may be free, as far as that is known. */
  readonly retryAfterMs: number | null
}

/** A client that waits in the queue of `resource` for the next one of the list; the last waits for the first. */
export interface Hop {
  readonly client: ClientId
  readonly resource: ResourceName
  readonly behind: 'holder' | 'waiter'
}

export interface Deadlock {
  readonly type: 'deadlock'
  /** The first few. */
  readonly cycle: readonly Hop[]
  readonly length: number
}

interface Released {
  readonly type: 'released'
  /** Who got the resource in the same entry: the first few. */
  readonly grantedTo: readonly Holder[]
}

export interface Refused {
  readonly type: 'refused'
  readonly code: RefusalCode
  /** Which field is wrong, or which bytes. */
  readonly detail: string
}

export type LockAnswer =
  | Granted
  | Queued
  | TimedOut
  | Deadlock
  | { readonly type: 'cancelled' }
  | Released
  | { readonly type: 'extended'; readonly token: FencingToken; readonly ttlMs: number | null; readonly expiresAt: WallMillis | null }
  | { readonly type: 'session'; readonly session: SessionId; readonly ttlMs: number }
  /** How much was ended; `more` when a limit left some for the next command. */
  | { readonly type: 'ended'; readonly count: number; readonly more: boolean }
  | { readonly type: 'configured'; readonly mode: DeadlockMode }
  | { readonly type: 'skipped'; readonly last: FencingToken }
  | Refused

/** Stable: clients act on them. */
export type RefusalCode =
  | 'malformed'
  | 'invalid'
  /** The session has ended, or was never there: nothing was carried out. */
  | 'session_lost'
  | 'session_exists'
  | 'wrong_client'
  /** The answer was confirmed as seen, or is too old to be kept; the command is not carried out (again). */
  | 'already_answered'
  | 'unknown_resource'
  | 'not_holder'
  /** The client has a part of it already by another request. */
  | 'conflicting_request'
  /** A newer request of the client for the same resources took the place in the queue over. */
  | 'superseded'
  /** The shared lock that was to be upgraded is gone. */
  | 'hold_ended'
  /** Its client has left the queue, or given back what the request built on. */
  | 'withdrawn'
  /** What the client has of it came after what was meant. */
  | 'newer'
  /** The lock is carried by its session: keep that alive instead. */
  | 'carried_by_session'
  | 'queue_full'
  | 'too_many_resources'
  | 'too_many_holders'
  | 'too_many_locks'
  | 'too_many_waits'
  | 'too_many_sessions'
  /** Under wait-die: an older client is in the way. */
  | 'wait_die'
  /** Under wound-wait: an older client waits for a lock of this one, which must release all it holds before it gets more. */
  | 'wounded'
  /** Decided by a leader that leads no more. */
  | 'stale_term'

/** `released-elsewhere`: by the name of its client, so that the session which carries it does not know. */
export type HoldEnd = 'released' | 'released-elsewhere' | 'lease-expired' | 'session-expired' | 'session-closed' | 'forced' | 'abandoned'

export interface DeadlockRecord {
  readonly index: number
  readonly wall: WallMillis
  readonly mode: DeadlockMode
  readonly cycle: readonly Hop[]
  readonly length: number
  /** Whose wait ended. */
  readonly victim: ClientId
}

/** What an entry brought about, besides its answer; the same on every replica. */
export type LockEvent =
  | { readonly type: 'granted'; readonly owner: OwnerRef; readonly grants: readonly Grant[] }
  /** The final answer to a request that was queued: to be told to whoever waits for `attempt`. */
  | { readonly type: 'settled'; readonly attempt: Attempt; readonly answer: LockAnswer }
  | { readonly type: 'wait-ended'; readonly owner: OwnerRef; readonly items: readonly Item[]; readonly answer: LockAnswer }
  | { readonly type: 'hold-ended'; readonly owner: OwnerRef; readonly grant: Grant; readonly reason: HoldEnd }
  | { readonly type: 'downgraded'; readonly owner: OwnerRef; readonly grant: Grant }
  | { readonly type: 'session-opened'; readonly session: SessionId; readonly ttlMs: number }
  | { readonly type: 'session-ended'; readonly session: SessionId; readonly reason: 'expired' | 'closed' }
  | { readonly type: 'deadlock'; readonly record: DeadlockRecord }
  | { readonly type: 'wounded'; readonly client: ClientId; readonly by: ClientId }

export interface Applied {
  readonly answer: LockAnswer
  readonly events: readonly LockEvent[]
}
