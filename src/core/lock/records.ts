import type { Millis } from '#base/brand.ts'
import type { HeapItem } from '#base/indexed-heap.ts'
import type { Outcomes } from './outcomes.ts'
import type { ClientId, FencingToken, Item, LockAnswer, LockMode, ResourceName, SessionId } from './types.ts'

/**
 * The records that make up the state. They refer to each other: a resource to its holders and waiters in order, an owner to what it holds, a
 * client to what it waits for. Records that nothing refers to any more are forgotten.
 *
 * Nothing may depend on an order that a restored replica would not have. Such orders are: queues, by number; holders, by token; sessions, as
 * they were opened; waits of a client, by number. The order of an owner's locks is none of them.
 */

/** Exists while it is held, waited for or closed. */
export interface Resource {
  readonly name: ResourceName
  /** Ascending by token. Invariant: one that is exclusive is the only one. */
  firstHold: Hold | null
  lastHold: Hold | null
  holdCount: number
  /** Made when there are many. */
  byOwner: Map<Owner, Hold> | null
  /** Upgrades, then ascending by number. */
  firstPlace: Place | null
  lastPlace: Place | null
  placeCount: number
  /** The token of the last exclusive grant; 0 if there was none. */
  lastExclusive: number
  /** While it is there nothing is granted (decision L11). */
  closure: Deadline | null
}

/** Exists while it has a session, a lock or a wait. One node of the wait-for graph. */
export interface Client {
  readonly id: ClientId
  /** What it holds and waits for without a session. */
  own: Owner | null
  readonly sessions: ClientSession[]
  /** Ascending by number. */
  firstWait: Wait | null
  lastWait: Wait | null
  waitCount: number
  held: number
  /** Items of all its waits. */
  wanted: number
  /** Under wound-wait: gets nothing more before it has released everything. */
  wounded: boolean
  /** The last search for a cycle that came by; says nothing about the state. */
  searched: number
}

/** A session of a client, or the client without one. */
export interface Owner {
  readonly client: Client
  /** Never changes once the owner is made. */
  session: ClientSession | null
  /** The first of what it holds, in no order that means anything. */
  firstHold: Hold | null
  verdicts: readonly Verdict[]
}

interface SessionBase {
  readonly id: SessionId
  readonly ttlMs: number
  /** The log index at which it was opened. */
  readonly index: number
  readonly outcomes: Outcomes
}

export interface ClientSession extends SessionBase {
  readonly type: 'client'
  readonly owner: Owner
  readonly lockDelayMs: number
}

export interface NodeSession extends SessionBase {
  readonly type: 'node'
  readonly node: string
}

export type Session = ClientSession | NodeSession

/** A request under a session, which may have ended since. */
export interface SessionAttempt {
  readonly session: Session
  readonly sequence: number
}

export interface Hold {
  readonly resource: Resource
  readonly owner: Owner
  mode: LockMode
  token: FencingToken
  /** The log index at which the owner got it; an upgrade does not change that. */
  readonly index: number
  lockDelayMs: number
  /** Null when a session carries it, or until it is released. */
  lease: Deadline | null
  /** The last request that was told of it. */
  attempt: SessionAttempt | null
  /** Among the holders of its resource. */
  before: Hold | null
  after: Hold | null
  /** Among the locks of its owner. */
  ownerBefore: Hold | null
  ownerAfter: Hold | null
}

export interface Wait {
  /** Numbers grow with every wait. */
  readonly number: number
  /** The log index at which it was queued. */
  readonly index: number
  readonly owner: Owner
  /** One for each item. */
  readonly places: readonly Place[]
  /** Goes ahead of the queue; its owner holds the resource shared. */
  readonly upgrade: boolean
  ttlMs: number
  lockDelayMs: number
  deadline: Deadline | null
  attempt: SessionAttempt | null
  /** Set when it ends. */
  answer: LockAnswer | null
  /** Among the waits of its client. */
  before: Wait | null
  after: Wait | null
}

/** A wait in the queue of one resource. */
export interface Place {
  readonly wait: Wait
  readonly resource: Resource
  readonly mode: LockMode
  /** Orders the queue. */
  readonly order: number
  before: Place | null
  after: Place | null
}

/** How a background wait ended that nobody was told of: the next time its request is sent it is answered with this (decision L5). */
export interface Verdict {
  readonly number: number
  readonly owner: Owner
  readonly items: readonly Item[]
  readonly answer: LockAnswer
  deadline: Deadline | null
}

export type Deadline = HeapItem & { at: Millis; readonly id: number } & DeadlineSubject

/** What is over at a deadline; those of one moment come in this order, each kind by `id`. */
type DeadlineSubject =
  | { readonly type: 'lease'; readonly hold: Hold }
  | { readonly type: 'wait'; readonly wait: Wait }
  | { readonly type: 'closure'; readonly resource: Resource }
  | { readonly type: 'verdict'; readonly verdict: Verdict }
