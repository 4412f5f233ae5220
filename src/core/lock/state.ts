import { assert } from '#base/assert.ts'
import type { Millis, WallMillis } from '#base/brand.ts'
import { millis, wallMillis } from '#base/brand.ts'
import { IndexedHeap } from '#base/indexed-heap.ts'
import type { LockLimits } from './limits.ts'
import { waitsOf } from './links.ts'
import type { Client, Deadline, Owner, Resource, Session, Verdict } from './records.ts'
import { ShardedMap } from '#base/sharded-map.ts'
import { SortedNames } from './sorted-names.ts'
import type { ClientId, DeadlockMode, DeadlockRecord, FencingToken, LockContext, LockEvent, ResourceName, SessionId } from './types.ts'
import { fencingToken } from './types.ts'

/** Everything that is replicated. Changed only by commands, read at leisure in between. */
export class LockState {
  readonly limits: LockLimits
  readonly resources = new ShardedMap<ResourceName, Resource>()
  /** Of all resources; to list them in parts. */
  readonly names = new SortedNames<ResourceName>()
  readonly clients = new ShardedMap<ClientId, Client>()
  /** In the order in which they were opened. */
  readonly sessions = new Map<SessionId, Session>()
  readonly deadlines = new IndexedHeap<Deadline>(isEarlier)
  /** In the order in which they fell. */
  readonly verdicts = new Set<Verdict>()
  /** The last few, oldest first. */
  readonly deadlocks: DeadlockRecord[] = []
  deadlocksFound = 0
  mode: DeadlockMode = 'requester'
  /** The last token given out (decision L6). */
  token = 0
  /** The number of the last wait. */
  waitNumber = 0
  held = 0
  waiting = 0
  /** Searches for cycles so far; says nothing about the state. */
  searches = 0
  /** Of the last entry that was applied. */
  time: Millis = millis(0)
  wall: WallMillis = wallMillis(0)

  constructor(limits: LockLimits) {
    this.limits = limits
  }

  nextToken(): FencingToken {
    assert(this.token < Number.MAX_SAFE_INTEGER, 'tokens last for longer than the machine')
    return fencingToken(++this.token)
  }

  /** The last one that is never given. */
  skipTokens(count: number): FencingToken {
    this.token += count
    return fencingToken(this.token)
  }

  /** When the next `expire-due` has something to do. */
  nextDeadline(): Millis | null {
    return this.deadlines.peek()?.at ?? null
  }
}

/** One command being carried out. */
export interface Step {
  readonly state: LockState
  readonly context: LockContext
  readonly events: LockEvent[]
  /** Resources at which somebody may have become grantable, or which may have to be forgotten. */
  readonly touched: Set<Resource>
}

const kindOrder = { lease: 0, wait: 1, closure: 2, verdict: 3 } as const

function isEarlier(left: Deadline, right: Deadline): boolean {
  if (left.at !== right.at) return left.at < right.at
  if (left.type !== right.type) return kindOrder[left.type] < kindOrder[right.type]
  return left.id < right.id
}

export function resourceOf(state: LockState, name: ResourceName): Resource {
  const known = state.resources.get(name)
  if (known !== undefined) return known
  const resource: Resource = {
    name,
    firstHold: null,
    lastHold: null,
    holdCount: 0,
    byOwner: null,
    firstPlace: null,
    lastPlace: null,
    placeCount: 0,
    lastExclusive: 0,
    closure: null,
  }
  state.resources.set(name, resource)
  state.names.add(name)
  return resource
}

/** Nobody holds it, waits for it or keeps it closed. */
export function forgetResource(state: LockState, { name }: Resource): void {
  state.resources.delete(name)
  state.names.delete(name)
}

export function clientOf(state: LockState, id: ClientId): Client {
  const known = state.clients.get(id)
  if (known !== undefined) return known
  const client: Client = {
    id,
    own: null,
    sessions: [],
    firstWait: null,
    lastWait: null,
    waitCount: 0,
    held: 0,
    wanted: 0,
    wounded: false,
    searched: 0,
  }
  state.clients.set(id, client)
  return client
}

const noVerdicts: readonly Verdict[] = []

export function newOwner(client: Client): Owner {
  return { client, session: null, firstHold: null, verdicts: noVerdicts }
}

export function ownOwnerOf(state: LockState, id: ClientId): Owner {
  const client = clientOf(state, id)
  client.own ??= newOwner(client)
  return client.own
}

/** What an owner without a session leaves behind when it has nothing any more. */
export function forgetIfIdle(state: LockState, client: Client): void {
  const { own } = client
  const isWaiting = waitsOf(client).some((wait) => wait.owner === own)
  if (own !== null && own.firstHold === null && own.verdicts.length === 0 && !isWaiting) client.own = null
  if (client.own === null && client.sessions.length === 0) state.clients.delete(client.id)
}
