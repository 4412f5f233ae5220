import type { Brand } from '#base/brand.ts'

/**
 * The vocabulary of the coherent cache. All of it is plain data.
 *
 * An *agent* is a process that keeps *lines*, copies of values, in one of the states of MESI. The *home* of a key is the leader of its slot:
 * the one place that orders what happens to it. *Memory* is the slot's replicated state machine: the values themselves.
 */

export type Key = Brand<string, 'Key'>
export type SlotId = Brand<number, 'CacheSlot'>
/** A process that keeps lines; another one after each restart. */
export type AgentId = Brand<string, 'AgentId'>
/** From a counter of the slot's memory, so no number is used twice. */
export type SessionId = Brand<number, 'AgentSession'>
export type HomeTerm = Brand<number, 'HomeTerm'>
/** A number from the counter of a slot in a term: the fencing token of a line, and the number of a snoop (decision C5). */
export type Grant = Brand<number, 'Grant'>
/** From 1 for each agent; a request keeps its number until it is answered. */
export type RequestNumber = Brand<number, 'RequestNumber'>
/** Whoever uses an agent under one name: what one handle has written at the level `owner`, another must not see yet (decision C8). */
export type Handle = Brand<number, 'Handle'>

export const cacheKey = (value: string): Key => value as Key
export const slotId = (value: number): SlotId => value as SlotId
export const agentId = (value: string): AgentId => value as AgentId
export const agentSession = (value: number): SessionId => value as SessionId
export const homeTerm = (value: number): HomeTerm => value as HomeTerm
export const grant = (value: number): Grant => value as Grant
export const requestNumber = (value: number): RequestNumber => value as RequestNumber
export const handle = (value: number): Handle => value as Handle

/** A value as it is stored. The bytes may be made only when they are asked for: a line is read and written without them. */
export interface Value {
  /** About how much memory it takes. */
  readonly size: number
  readonly bytes: Uint8Array
}

/** Totally ordered for each key, whatever is evicted, deleted or forgotten in between (rule 13). */
export interface Version {
  readonly term: HomeTerm
  readonly grant: Grant
  /** Of the writes under that grant. */
  readonly sequence: number
}

export const noVersion: Version = { term: homeTerm(0), grant: grant(0), sequence: 0 }

export function compareVersions(left: Version, right: Version): number {
  if (left.term !== right.term) return left.term - right.term
  if (left.grant !== right.grant) return left.grant - right.grant
  return left.sequence - right.sequence
}

/** What memory holds of a key; a value of null says that it is absent, which may be known as surely as any value. */
export interface Copy {
  readonly value: Value | null
  readonly version: Version
  /** What is left of its life; null when it has no end. */
  readonly ttlMs: number | null
}

/** The level of a write: known to a majority, or to the process that owns the line, which tells memory soon after. */
export type Ack = 'replicated' | 'owner'

export type Condition =
  | { readonly type: 'none' }
  | { readonly type: 'absent' }
  | { readonly type: 'version'; readonly version: Version }
  /** Only while the home still honours this fill token, which it checks itself (decision C10). */
  | { readonly type: 'token'; readonly token: Grant }

export type Change =
  | { readonly type: 'set'; readonly value: Value; readonly ttlMs: number | null; readonly condition: Condition }
  | { readonly type: 'delete'; readonly condition: Condition }
  /** An absent value counts as 0. */
  | { readonly type: 'add'; readonly by: number }

/** Makes a change of a client be carried out at most once, by whichever agent it comes (decision C6). */
export interface Identity {
  readonly client: string
  /** From 1, each used for one change. */
  readonly sequence: number
  /** The client has seen the outcomes of all its changes up to here. */
  readonly confirmed: number
  /** It may have been carried out long ago. */
  readonly retry: boolean
  /** It may have been carried out a moment ago: it was sent before within the same call. */
  readonly again: boolean
}

export interface Operation {
  readonly change: Change
  readonly identity: Identity | null
}

/** Some say that nothing was carried out of this attempt, and nothing of one before it. */
export const isOfThisAttempt = (refusal: Refusal): boolean => refusal === 'too_many_requests' || refusal === 'too_many_clients'

export type Refusal = 'not_a_number' | 'out_of_range' | 'memory_full' | 'too_many_clients' | 'token_lost' | 'too_many_requests' | 'invalid'

/** What became of a change. */
export type Outcome =
  | { readonly type: 'done'; readonly version: Version; readonly number: number | null }
  | { readonly type: 'mismatch'; readonly version: Version }
  | { readonly type: 'refused'; readonly code: Refusal }
  /** Perhaps carried out, perhaps not, and nobody will ever know (rule 12). */
  | { readonly type: 'unknown' }
