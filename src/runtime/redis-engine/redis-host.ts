import type { Millis } from '#base/brand.ts'
import type { Instant, RoleChange } from '#core/raft/types.ts'
import type { Cancel, Clock } from '#ports/clock.ts'
import type { ClusterRecord, MemberRecord, RedisSession, RedisSlots, Reply, SlotRecord } from '#ports/redis-slots.ts'
import type { Telemetry } from '#ports/telemetry.ts'
import type { NodeKey } from '#ports/transport.ts'
import type { CompactionPolicy } from '#runtime/limits.ts'
import { Loop } from '#runtime/loop.ts'
import { ReplicatedMachine } from '#runtime/replicated-machine.ts'
import type { StateMachine } from '#runtime/state-machine.ts'
import type { EngineHost } from './engine-host.ts'
import { memberOf } from './engine-host.ts'
import { HostedSlot } from './hosted-slot.ts'
import { redisEngineLimits } from './limits.ts'
import { Membership } from './membership.ts'
import { unsafeSettings } from './settings.ts'
import { Spread } from './spread.ts'

export interface RedisHostOptions {
  readonly node: NodeKey
  readonly address: string
  /** What this cluster is founded with when it is not there yet. */
  readonly proposal: ClusterRecord
  readonly compaction: CompactionPolicy
  readonly machineFor: (slot: number) => StateMachine
  /** The newest machine version this build knows (decision R9). */
  readonly machineVersion: number
  /** Whatever Redis keeps is good enough. */
  readonly relaxed: boolean
  /** How many replicas confirm each write. */
  readonly replicas: number
  readonly events: RedisHostEvents
}

interface RedisHostEvents {
  /** The cluster is known; called again when it is the same after a break. */
  founded(cluster: ClusterRecord): void
  members(members: readonly MemberRecord[]): void
  advanced(slot: number): void
  roleChanged(slot: number, change: RoleChange): void
  /** This node has given the slot up for that member. */
  handedOver(slot: number, to: string): void
  /** The slots of all members agree on this version; who owns one proposes it. */
  versionKnown(version: number): void
  /** This node must not go on with what Redis holds. */
  failed(reason: RedisFatal): void
}

export interface RedisFatal {
  readonly type: 'other-cluster' | 'name-taken'
  readonly detail: string
}

/** The slots of one node, and its part in who owns which: in rounds it says that it is there, looks at the table, and takes what is its to take. */
export class RedisHost implements EngineHost {
  readonly redis: RedisSlots
  readonly telemetry: Telemetry
  readonly self: string
  readonly compaction: CompactionPolicy
  readonly slots = new Map<number, HostedSlot>()
  readonly #options: RedisHostOptions
  readonly #clock: Clock
  readonly #loop: Loop
  readonly #membership: Membership
  #problem: string | null = 'Redis was not reached yet'
  #faults: readonly string[] = []
  #table: readonly SlotRecord[] = []
  readonly #spread = new Spread()
  readonly #dirty = new Set<number>()
  /** Since the session began; null while there is none, or none that may be used. */
  #cluster: ClusterRecord | null = null
  #known: ClusterRecord | null = null
  #session = 0
  #isBusy = false
  /** Something has changed since the round that is under way began. */
  #isStale = false
  #timer: Cancel = () => {}
  #stopping = false

  constructor(options: RedisHostOptions, ports: { readonly clock: Clock; readonly redis: RedisSlots; readonly telemetry: Telemetry }) {
    this.#options = options
    this.#clock = ports.clock
    this.redis = ports.redis
    this.telemetry = ports.telemetry
    this.self = memberOf(options.node)
    this.compaction = options.compaction
    this.#loop = new Loop(ports.clock, () => this.#endTurn())
    this.#membership = new Membership({ id: this.self, address: options.address, version: options.machineVersion })
  }

  get leaseUntil(): Millis {
    return this.#membership.leaseUntil
  }
  get cluster(): ClusterRecord | null {
    return this.#known
  }
  get members(): readonly MemberRecord[] {
    return this.#membership.listed
  }
  /** Listed, and not silent for longer than a lease. */
  get liveMembers(): readonly MemberRecord[] {
    return this.#membership.live(this.#clock.now())
  }
  /** Why Redis cannot be used; null while it can. */
  get problem(): string | null {
    return this.#problem
  }
  /** What is wrong with the settings of a Redis that is used all the same. */
  get faults(): readonly string[] {
    return this.#faults
  }
  /** Who owned what when that was read last. */
  get table(): readonly SlotRecord[] {
    return this.#table
  }
  get overloaded(): boolean {
    return this.#loop.overloaded
  }

  start(): void {
    this.redis.start({
      up: (session) => this.post(() => this.#up(session)),
      down: (reason) => this.post(() => this.#down(reason)),
    })
    this.#arm()
  }

  /** Is forgotten, so that nothing is given to this node any more; hands every slot over; falls silent. */
  stop(done: () => void): void {
    this.post(() => {
      if (this.#stopping) return
      this.#stopping = true
      const giveUp = this.#clock.after(redisEngineLimits.leaveMs, () => this.post(() => this.#shutDown(done)))
      this.redis.forget([this.#membership.own], () => {
        this.post(() => {
          this.#handOver(() => {
            giveUp()
            this.#shutDown(done)
          })
        })
      })
    })
  }

  instant(): Instant {
    return { now: this.#clock.now(), wall: this.#clock.wall() }
  }

  post(task: () => void): void {
    this.#loop.post(task)
  }

  dirty(slot: number): void {
    this.#dirty.add(slot)
    this.post(() => {})
  }

  newMachine(slot: number): ReplicatedMachine {
    return new ReplicatedMachine(this.#options.machineFor(slot), this.#options.machineVersion)
  }

  advanced(slot: number): void {
    this.#options.events.advanced(slot)
  }

  roleChanged(slot: number, change: RoleChange): void {
    if (change.role === 'leader') this.telemetry.count('lockstep_redis_slots_taken_total', {})
    this.#options.events.roleChanged(slot, change)
  }

  /** Looks at the table now, as something is known to have changed there. */
  look(): void {
    this.post(() => this.#round())
  }

  #up({ servers, identity }: RedisSession): void {
    this.#faults = unsafeSettings(servers, this.#options.replicas)
    const faults = this.#faults.join('; ')
    this.telemetry.log(faults === '' ? 'info' : 'warn', 'redis-connected', { identity, faults })
    if (faults !== '' && !this.#options.relaxed) {
      // A person may mend it meanwhile, so it is looked at again.
      this.redis.reset(`unsafe settings: ${faults}`)
      return
    }
    this.#session++
    this.#membership.startOver()
    this.#found()
  }

  #found(): void {
    this.redis.found(
      this.#known ?? this.#options.proposal,
      this.#within((reply: Reply<ClusterRecord>) => {
        if (reply.type === 'unconfirmed') this.redis.reset('the cluster was not confirmed')
        if (reply.type !== 'done') return
        const { id } = reply.value
        if (this.#known !== null && this.#known.id !== id) {
          this.#options.events.failed({
            type: 'other-cluster',
            detail: `Redis holds cluster ${id}, and this node belongs to ${this.#known.id}`,
          })
          return
        }
        this.#cluster = reply.value
        this.#known = reply.value
        this.#problem = null
        this.telemetry.gauge('lockstep_redis_connected', {}, 1)
        for (let slot = 1; slot <= reply.value.slots; slot++) if (!this.slots.has(slot)) this.slots.set(slot, new HostedSlot(slot, this))
        this.#options.events.founded(reply.value)
        for (const slot of this.slots.values()) slot.round()
        this.#round()
      }),
    )
  }

  #down(reason: string): void {
    this.#problem = `Redis cannot be used: ${reason}`
    this.telemetry.log('warn', 'redis-disconnected', { reason })
    this.telemetry.gauge('lockstep_redis_connected', {}, 0)
    this.#session++
    this.#cluster = null
    this.#isBusy = false
    for (const slot of this.slots.values()) slot.suspend()
  }

  #round(): void {
    this.#isStale = this.#isBusy
    if (this.#cluster === null || this.#isBusy || this.#stopping) return
    this.#isBusy = true
    const sentAt = this.#clock.now()
    this.redis.beat(
      this.#membership.nextBeat(),
      this.#within((reply: Reply<readonly MemberRecord[]>) => {
        this.#isBusy = false
        if (reply.type !== 'done') return
        // A lease that has lapsed by now, as the node stood still or Redis hesitated, does not go on with this beat: slots assert what they knew, and
        // tell whoever looked meanwhile.
        for (const slot of this.slots.values()) slot.round()
        this.#membership.beaten(sentAt, reply.value, this.#clock.now())
        this.#measure(sentAt)
        const { livingElder: elder } = this.#membership
        if (elder !== null) this.#options.events.failed({ type: 'name-taken', detail: `another process runs under this name, as ${elder}` })
        this.#options.events.members(reply.value)
        for (const slot of this.slots.values()) slot.round()
        this.#forget()
        this.#agreeOnVersion()
        this.#readTable()
      }),
    )
  }

  #measure(sentAt: Millis): void {
    const owned = [...this.slots.values()].filter(({ applier }) => applier !== null).length
    this.telemetry.gauge('lockstep_redis_slots_owned', {}, owned)
    this.telemetry.observe('lockstep_redis_beat_seconds', {}, (this.#clock.now() - sentAt) / 1_000)
  }

  #readTable(): void {
    const { slots } = this.#cluster ?? { slots: 0 }
    if (slots === 0) return
    this.#isBusy = true
    this.redis.readTable(
      slots,
      this.#within((reply: Reply<readonly SlotRecord[]>) => {
        this.#isBusy = false
        if (reply.type === 'done') this.#place((this.#table = reply.value))
        if (this.#isStale) this.#round()
      }),
    )
  }

  /** Takes what nobody has and is this node's, and gives up what is another's. */
  #place(table: readonly SlotRecord[]): void {
    if (this.#stopping) return
    const { now } = this.instant()
    const live = this.#membership.live(now).map(({ id }) => id)
    for (const [at, record] of table.entries()) this.slots.get(at + 1)?.observe(record)
    const owners = table.map((record, at) => this.slots.get(at + 1)?.rightfulOwner(record) ?? null)
    const wanted = this.#spread.choose(
      owners.map((owner) => (owner !== null && live.includes(owner) ? owner : null)),
      live,
    )
    for (const [at, record] of table.entries()) {
      const slot = this.slots.get(at + 1)
      const [owner = null, to = null] = [owners[at], wanted[at]]
      const isFree = owner === null || (!live.includes(owner) && this.#membership.isOverdue(owner, now))
      if (slot === undefined || record.failed !== null) continue
      if (to === this.self && isFree) slot.claim({ owner: record.owner, epoch: record.epoch })
      if (to !== this.self && to !== null && slot.phase === 'serving' && !slot.isLeaving)
        slot.release(() => this.#options.events.handedOver(at + 1, to))
    }
  }

  /** Each to whom everybody expects to have it next. */
  #handOver(then: () => void): void {
    const live = this.#membership
      .live(this.#clock.now())
      .map(({ id }) => id)
      .filter((id) => id !== this.self)
    const owners = [...this.slots.values()].map(({ owner }) => (owner !== null && live.includes(owner) ? owner : null))
    const wanted = this.#spread.choose(owners, live)
    let left = this.slots.size
    if (left === 0) then()
    for (const [at, slot] of [...this.slots.values()].entries()) {
      const to = wanted[at] ?? null
      const isOwned = slot.phase !== 'away'
      slot.release(() => {
        if (isOwned && to !== null) this.#options.events.handedOver(slot.slot, to)
        if (--left === 0) then()
      })
    }
  }

  #forget(): void {
    const forgotten = this.#membership.forgotten(this.#clock.now())
    if (forgotten.length > 0) this.redis.forget(forgotten, () => {})
  }

  /** Whoever is listed may become an owner, so all must know it. */
  #agreeOnVersion(): void {
    this.#options.events.versionKnown(Math.min(...this.#membership.listed.map(({ version }) => version)))
  }

  #endTurn(): void {
    const dirty = [...this.#dirty]
    this.#dirty.clear()
    for (const slot of dirty) this.slots.get(slot)?.flush()
  }

  #arm(): void {
    this.#timer = this.#clock.after(redisEngineLimits.beatMs, () => {
      this.#arm()
      this.post(() => this.#round())
    })
  }

  #shutDown(done: () => void): void {
    this.#timer()
    for (const slot of this.slots.values()) slot.close()
    this.#loop.stop()
    this.redis.stop(done)
  }

  #within<Value>(call: (reply: Reply<Value>) => void): (reply: Reply<Value>) => void {
    const session = this.#session
    return (reply) => {
      this.post(() => {
        if (this.#session === session) call(reply)
      })
    }
  }
}
