import { assert, present } from '#base/assert.ts'
import type { ClusterRecord, MemberRecord, RedisSession, ServerSettings, SlotRecord } from '#ports/redis-slots.ts'
import { StoredSlot } from './stored-slot.ts'

/** One call that arrives at the server. */
export interface Arriving {
  readonly from: string
  readonly call: string
  readonly slot: number | null
}

/**
 * What becomes of a call: `lost` never arrives, `unanswered` is carried out and its connection breaks before the answer, `unconfirmed` is carried out and
 * not confirmed.
 */
export type Fate = 'answered' | 'lost' | 'unanswered' | 'unconfirmed'

/** A simulated Redis: one that can be restarted, fail over to a replica that lags, and be out of reach. */
export class RedisServer {
  #life = 1
  #cluster: ClusterRecord | null = null
  #members = new Map<string, MemberRecord>()
  #slots = new Map<number, StoredSlot>()
  readonly #sessions = new Set<(reason: string) => void>()
  readonly #cutOff = new Set<string>()
  /** Decides what becomes of each call. */
  fateOf: (arriving: Arriving) => Fate = () => 'answered'
  /** How much longer than others a call that is sent now is on its way. Calls keep their order when it gets less with time. */
  heldMs: (arriving: Arriving) => number = () => 0
  settings: ServerSettings = {
    address: 'redis:6379',
    version: '7.0.15',
    role: 'master',
    appendonly: 'yes',
    appendfsync: 'always',
    maxmemoryPolicy: 'noeviction',
    replicas: 0,
  }

  get session(): RedisSession {
    return { identity: `run-${this.#life}`, servers: [this.settings] }
  }

  isReachedBy(name: string): boolean {
    return !this.#cutOff.has(name)
  }

  opened(end: (reason: string) => void): void {
    this.#sessions.add(end)
  }

  closed(end: (reason: string) => void): void {
    this.#sessions.delete(end)
  }

  /** All connections break; what was carried out stays. */
  restart(): void {
    this.#life++
    for (const end of this.#sessions) end('the server was restarted')
  }

  /** What a replica has got by now. */
  replicate(): Replica {
    const slots = new Map([...this.#slots].map(([slot, stored]) => [slot, stored.copy()]))
    return { cluster: this.#cluster, members: new Map(this.#members), slots }
  }

  /** A replica takes over with what it has got. */
  failOver({ cluster, members, slots }: Replica): void {
    this.#cluster = cluster
    this.#members = new Map(members)
    this.#slots = new Map([...slots].map(([slot, stored]) => [slot, stored.copy()]))
    this.restart()
  }

  cutOff(name: string): void {
    this.#cutOff.add(name)
    // Only those of that node notice; the others go on.
    for (const end of this.#sessions) end(`cut off ${name}`)
  }

  heal(): void {
    this.#cutOff.clear()
  }

  slot(slot: number): StoredSlot {
    const known = this.#slots.get(slot)
    if (known !== undefined) return known
    const fresh = new StoredSlot()
    this.#slots.set(slot, fresh)
    return fresh
  }

  found(proposal: ClusterRecord): ClusterRecord {
    this.#cluster ??= proposal
    return this.#cluster
  }

  beat(member: MemberRecord): readonly MemberRecord[] {
    this.#members.set(member.id, member)
    return [...this.#members.values()]
  }

  forget(members: readonly MemberRecord[]): void {
    for (const { id, beat } of members) if (this.#members.get(id)?.beat === beat) this.#members.delete(id)
  }

  get members(): readonly MemberRecord[] {
    return [...this.#members.values()]
  }

  table(slots: number): readonly SlotRecord[] {
    const total = present(this.#cluster, 'a table is read of a cluster that is there').slots
    assert(slots === total, 'the number of slots is fixed for life')
    return Array.from({ length: slots }, (_, at) => this.slot(at + 1).record)
  }
}

export interface Replica {
  readonly cluster: ClusterRecord | null
  readonly members: ReadonlyMap<string, MemberRecord>
  readonly slots: ReadonlyMap<number, StoredSlot>
}
