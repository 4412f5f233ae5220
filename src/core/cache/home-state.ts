import { assert } from '#base/assert.ts'
import type { Millis } from '#base/brand.ts'
import type { Heap } from '#base/heap.ts'
import { millis } from '#base/brand.ts'
import type { MemoryCommand } from './commands.ts'
import type { CacheLimits } from './limits.ts'
import type { Capacity, MemoryState } from './memory-state.ts'
import type { Dirty, ReplyBody, RequestBody, ToAgent } from './messages.ts'
import type { AgentId, Grant, HomeTerm, Key, RequestNumber, SessionId, SlotId, Version } from './types.ts'
import { grant } from './types.ts'

/** Whom a snoop goes to: those who may have a copy, or everybody, to teach and to compare. */
export type SnoopPolicy = 'filter' | 'broadcast'

/** An agent as its home sees it. */
export interface HomeSession {
  readonly id: SessionId
  readonly agent: AgentId
  readonly nonce: number
  /** When the home may be sure that the agent uses nothing any more. Infinite for the agent of the home's own process (decision C3). */
  until: Millis
  /** Since the election it has said that it has no lines from before, or its session is younger. */
  standing: 'absent' | 'arriving' | 'arrived' | 'closing'
  /** It left a snoop unanswered for too long: its lease is renewed no more (decision C13). */
  muted: boolean
  oldest: RequestNumber
  /** What it was answered, by number, until it confirms that; null for what is under way (rule 1). */
  readonly replies: Map<RequestNumber, Extract<ToAgent, { type: 'reply' }> | null>
}

/** Who may have a copy of a key; a key that nobody has is in no directory. Never less than the truth, often more. */
export type Entry =
  | { readonly type: 'shared'; readonly sharers: Set<SessionId> }
  | { readonly type: 'exclusive'; readonly owner: SessionId; readonly grant: Grant; taken: number }

/** What the home does by itself. */
type Chore =
  | { readonly type: 'expire' }
  | { readonly type: 'evict'; readonly size: number }
  | { readonly type: 'recall' }
  /** Takes the line back and keeps it until its namespace is cleared. */
  | { readonly type: 'hold' }

export interface Asker {
  readonly session: SessionId
  readonly number: RequestNumber
}

/** One thing that happens to a key, while everything else that concerns the key waits. */
export interface Transaction {
  readonly key: Key
  /** Only a fill changes: into a read. */
  body: RequestBody | Chore
  /** Null for a chore. */
  readonly asker: Asker | null
  phase: 'queued' | 'snooping' | 'committing'
  snoop: Grant
  downgradeTo: Version | null
  /** Whose answer to the snoop is missing. */
  readonly waiting: Set<SessionId>
  snoopedAt: Millis
  sentAt: Millis
  /** What the snooped owner had and memory has not. */
  dirty: Dirty | null
  /** Of the write that is being committed. */
  written: { readonly grant: Grant; readonly sequence: number } | null
  /** Many write it: the line goes to nobody. */
  atHome: boolean
  /** How many agents a snoop told to drop their copies. */
  invalidated: number
}

/** A token that is out, and who waits for what its holder loads. */
export interface Fill {
  readonly token: Grant
  readonly session: SessionId
  readonly until: Millis
  readonly parked: Transaction[]
}

export interface Expiry {
  readonly at: Millis
  readonly key: Key
}

export interface Clearing {
  /** Of those who asked for it. */
  readonly ids: number[]
  /** Keys that somebody may still have. */
  readonly waiting: Set<Key>
  readonly held: Transaction[]
}

/** What a command was proposed for. */
export type Purpose =
  | { readonly type: 'transaction'; readonly transaction: Transaction }
  | { readonly type: 'open'; readonly agent: AgentId; readonly nonce: number; readonly sentAt: Millis }
  | { readonly type: 'close'; readonly session: SessionId }
  | { readonly type: 'clear'; readonly namespace: string }
  | { readonly type: 'capacity' }
  | { readonly type: 'push'; readonly session: SessionId; readonly sentAt: Millis }

export interface Proposal {
  readonly number: number
  readonly command: MemoryCommand
}

export interface HomeEffects {
  readonly send: readonly { readonly to: AgentId; readonly message: ToAgent }[]
  readonly propose: readonly Proposal[]
  /** Ids of clears that are done. */
  readonly cleared: readonly number[]
}

export interface HomeStart {
  readonly slot: SlotId
  readonly term: HomeTerm
  readonly memory: MemoryState
  readonly limits: CacheLimits
  readonly snoops: SnoopPolicy
  /** As the node of the home was told; null: it stays as it is. */
  readonly capacity: Capacity | null
  readonly electedAt: Millis
  /** The agent in this process, if it has one. */
  readonly localAgent: AgentId | null
  /** The agent in the process that was home before: its lines ended with its leadership (decision C3). */
  readonly previousAgent: AgentId | null
}

/** What a home knows. All of it starts empty in each term. */
export class HomeState {
  readonly start: HomeStart
  readonly slot: SlotId
  readonly term: HomeTerm
  readonly limits: CacheLimits
  readonly memory: MemoryState
  phase: 'opening' | 'open' = 'opening'
  readonly sessions = new Map<SessionId, HomeSession>()
  /** The key that was touched longest ago first. */
  readonly directory = new Map<Key, Entry>()
  /** The first of each queue is under way. */
  readonly queues = new Map<Key, Transaction[]>()
  /** Firsts of their queues whose turn it is; empty between two inputs. */
  readonly beginning: Transaction[] = []
  readonly proposals = new Map<number, Purpose>()
  readonly fills = new Map<Key, Fill>()
  readonly clearing = new Map<string, Clearing>()
  /** Who wrote last, and how often in a row it was somebody else. */
  readonly bouncing = new Map<Key, { readonly writer: SessionId; readonly times: number }>()
  /** When each key whose value has an end is looked at, and the next of them first. */
  readonly expiring = new Map<Key, Millis>()
  expiries: Heap<Expiry> | null = null
  /** Keys with a value, since the clock came by, and where that is. */
  readonly touched = new Set<Key>()
  clock: MapIterator<Key> | null = null
  /** What is being evicted. */
  readonly leaving = { keys: 0, bytes: 0 }
  /** Goes round the keys once, for those of a namespace that was cleared; null when there are none. */
  sweep: { readonly keys: MapIterator<Key>; isAgain: boolean } | null = null
  lastProposal = 0
  /** Of rights and snoops (rule 13). */
  counter = 0
  now: Millis
  /** Until when nobody else can lead. A home whose leadership lease is over is deaf. */
  leadsUntil: Millis = millis(-Infinity)
  send: { readonly to: AgentId; readonly message: ToAgent }[] = []
  propose: Proposal[] = []
  cleared: number[] = []

  constructor(start: HomeStart) {
    this.start = start
    this.slot = start.slot
    this.term = start.term
    this.limits = start.limits
    this.memory = start.memory
    this.now = start.electedAt
  }

  next(): Grant {
    assert(this.counter < Number.MAX_SAFE_INTEGER, 'numbers last for longer than a term')
    return grant(++this.counter)
  }

  take(): HomeEffects {
    const { send, propose, cleared } = this
    this.send = []
    this.propose = []
    this.cleared = []
    return { send, propose, cleared }
  }
}

/** A command without the term in which it is decided. */
type Decided = MemoryCommand extends infer Command ? (Command extends unknown ? Omit<Command, 'term'> : never) : never

export function proposeCommand(state: HomeState, command: Decided, purpose: Purpose): void {
  const number = ++state.lastProposal
  state.proposals.set(number, purpose)
  state.propose.push({ number, command: { ...command, term: state.term } })
}

export function reply(state: HomeState, { key, asker }: Transaction, body: ReplyBody): void {
  const session = asker === null ? undefined : state.sessions.get(asker.session)
  if (asker === null || session === undefined || asker.number < session.oldest) return
  const message = {
    type: 'reply',
    slot: state.slot,
    term: state.term,
    session: session.id,
    number: asker.number,
    key,
    body,
  } as const
  session.replies.set(asker.number, message)
  state.send.push({ to: session.agent, message })
}

export function removeHolder(state: HomeState, key: Key, session: SessionId): void {
  const entry = state.directory.get(key)
  if (entry === undefined) return
  if (entry.type === 'shared') entry.sharers.delete(session)
  if (entry.type === 'exclusive' ? entry.owner === session : entry.sharers.size === 0) state.directory.delete(key)
}

/** The key was touched just now. */
export function setEntry({ directory, touched, memory }: HomeState, key: Key, entry: Entry): void {
  directory.delete(key)
  directory.set(key, entry)
  if (memory.bytes > memory.capacity.bytesMax / 2 && memory.records.has(key)) touched.add(key)
}
