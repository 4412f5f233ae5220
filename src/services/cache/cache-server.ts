import { assert, present } from '#base/assert.ts'
import type { Prng } from '#base/prng.ts'
import type { CacheEventView } from '#api/cache/events.ts'
import type { CacheReport } from '#api/cache/metrics.ts'
import type { CacheStatus, LostSlot } from '#api/cache/status.ts'
import type { ClusterEvent } from '#api/common/events.ts'
import type { NodeApi } from '#api/common/node-api.ts'
import { instantOf } from '#api/schemas.ts'
import type { SnoopPolicy } from '#core/cache/home-state.ts'
import type { CacheLimits } from '#core/cache/limits.ts'
import type { Capacity } from '#core/cache/memory-state.ts'
import { agentId, slotId } from '#core/cache/types.ts'
import type { Member } from '#core/cluster/types.ts'
import type { RoleChange } from '#core/raft/types.ts'
import type { Clock } from '#ports/clock.ts'
import type { Entropy } from '#ports/entropy.ts'
import type { Telemetry } from '#ports/telemetry.ts'
import { metaGroup } from '#runtime/meta-machine.ts'
import type { ServiceHooks } from '#runtime/node-config.ts'
import type { LockstepNode } from '#runtime/node.ts'
import { nodeNameOf } from '#runtime/replica-name.ts'
import type { StateMachine } from '#runtime/state-machine.ts'
import type { Admission } from '#services/common/admission.ts'
import { memberEvents } from '#services/common/cluster-events.ts'
import { EventHub } from '#services/common/event-hub.ts'
import { ServiceNode } from '#services/common/service-node.ts'
import { CacheBus } from './bus.ts'
import { CacheClientDesk } from './client-desk.ts'
import { CacheService } from './cache-service.ts'
import { Counts } from './counts.ts'
import { Gauging } from './gauging.ts'
import { cacheServiceLimits, defaultCacheLimits } from './limits.ts'
import { lossWarning, lostSlots, newlyLost } from './lost-slots.ts'
import { MemoryMachine } from './memory-machine.ts'
import { Viewing } from './viewing.ts'

export interface CacheServerPorts {
  /** Asked for only once the node is made. */
  readonly node: () => LockstepNode
  readonly name: string
  /** Of this software. */
  readonly version: string
  readonly clock: Clock
  readonly prng: Prng
  readonly entropy: Entropy
  readonly telemetry: Telemetry
  /** Whether the disk has room: without it nothing is taken that only grows. */
  readonly hasRoom: () => boolean
  readonly admission: Admission
  readonly limits?: Partial<CacheLimits>
  /** Where the slots of this node are; on disk unless that is said. */
  readonly store?: CacheStatus['store']
  /** Whom a home asks about a key: who may have it, unless that is said. */
  readonly snoops?: SnoopPolicy
  /** Of the slots that are led here; it stays as it is unless that is said. */
  readonly capacity?: Capacity
}

/** The cache service of one node: its parts, and what tells them of each other. */
export class CacheServer implements ServiceHooks {
  readonly cache: CacheService
  readonly nodeApi: NodeApi
  readonly bus: CacheBus
  /** Applications that are agents talk to it. */
  readonly clients: CacheClientDesk
  readonly #ports: CacheServerPorts
  readonly #limits: CacheLimits
  readonly #hub = new EventHub()
  readonly #viewing: Viewing
  readonly #gauging: Gauging
  /** The newest replica that this node has had of each slot. */
  readonly #machines = new Map<number, MemoryMachine>()
  /** Homes that were told to `/events`. */
  readonly #homes = new Set<number>()
  #members: readonly Member[] = []
  /** Those that were told of; what was lost before this life of the node is no news. */
  #lost: readonly LostSlot[] | null = null

  constructor(ports: CacheServerPorts) {
    this.#ports = ports
    this.#limits = { ...defaultCacheLimits, ...ports.limits }
    const { node, name, clock, entropy } = ports
    const counts = new Counts({ clock, stateOf: (key) => this.bus.agent.agent.state.lines.byKey.get(key)?.state ?? 'I' })
    this.clients = new CacheClientDesk({ node, name, version: ports.version, clock, telemetry: ports.telemetry, bus: () => this.bus })
    this.bus = new CacheBus({
      ...ports,
      // Another agent in each life: its lines are gone.
      agent: agentId(`${name}/${entropy.hex(8)}`),
      limits: this.#limits,
      snoops: ports.snoops ?? 'filter',
      capacity: ports.capacity ?? null,
      memory: (slot) => present(this.#machines.get(slot), 'a slot that is led here has a replica here').state,
      changed: (key) => this.cache.changed(key),
      observer: counts,
      applications: this.clients,
    })
    this.#viewing = new Viewing({ node, name, clock, bus: () => this.bus, counts: () => counts, store: ports.store ?? 'disk' })
    this.#gauging = new Gauging(ports.telemetry, () => this.report())
    this.cache = new CacheService({
      clock,
      agent: () => this.bus.agent,
      slots: () => this.bus.slots,
      counts,
      viewing: this.#viewing,
      hasRoom: ports.hasRoom,
    })
    this.nodeApi = new ServiceNode({
      ...ports,
      service: 'cache',
      group: metaGroup,
      events: this.#hub,
      ring: () => this.#viewing.ring(),
    })
  }

  start(): void {
    this.bus.start()
  }

  /** What is dirty leaves, while others still listen. */
  leave(): void {
    this.bus.agent.flush()
  }

  /** The same, and over when memory has it, or has not for too long. */
  async settle(): Promise<void> {
    const { clock } = this.#ports
    const { agent } = this.bus
    const deadline = clock.now() + cacheServiceLimits.settleMs
    agent.flush()
    while (agent.owed > 0 && clock.now() < deadline)
      await new Promise<void>((resolve) => void clock.after(cacheServiceLimits.tickMs, resolve))
  }

  stop(): void {
    this.bus.stop()
  }

  /** What an operator should know. */
  warnings(): readonly string[] {
    const warning = lossWarning(this.#viewing.lost(), this.#ports.clock.wall())
    return warning === null ? [] : [warning]
  }

  report(): CacheReport {
    return this.#viewing.report()
  }

  /** Before the metrics are told. */
  gatherMetrics(): void {
    this.#gauging.gather()
  }

  newMachine(group: number): StateMachine {
    assert(group !== metaGroup, 'the meta group is not a slot')
    const machine = new MemoryMachine(this.#limits)
    this.#machines.set(group, machine)
    return machine
  }

  roleChanged(group: number, change: RoleChange): void {
    if (group !== metaGroup) this.bus.roleChanged(slotId(group), change)
    this.#tellHome(group)
    if (!this.#hub.isWatched) return
    const { leader, term } = change
    const at = instantOf(this.#ports.clock.wall())
    const event: ClusterEvent = { type: 'leader-changed', at, slot: group, leader: leader === null ? null : nodeNameOf(leader), term }
    this.#hub.publish(event)
  }

  advanced(group: number): void {
    if (group === metaGroup) this.#tellCluster()
    else {
      this.bus.advanced(slotId(group))
      this.#tellHome(group)
    }
  }

  /** What the agent here has at the level `owner` would be lost with the lease (decision C3). */
  handingOver(group: number, done: () => void): void {
    if (group === metaGroup) done()
    else this.bus.agent.settle(slotId(group), done)
  }

  asked(): void {
    // Nodes of the cache tell each other what they have to say; nobody is asked anything.
  }

  noticed(from: string, content: Uint8Array): void {
    this.bus.noticed(from, content)
  }

  #tellHome(group: number): void {
    const home = group === metaGroup ? null : this.bus.homes.homeOf(slotId(group))
    if ((home !== null) === this.#homes.has(group)) return
    if (home === null) this.#homes.delete(group)
    else this.#homes.add(group)
    if (!this.#hub.isWatched) return
    const common = { at: instantOf(this.#ports.clock.wall()), slot: group, node_id: this.#ports.name }
    const event: CacheEventView =
      home === null ? { type: 'home-ended', ...common } : { type: 'home-began', ...common, term: home.state.term }
    this.#hub.publish(event)
  }

  #tellCluster(): void {
    const { clock, node, telemetry } = this.#ports
    const { cluster } = node()
    const at = instantOf(clock.wall())
    const members = cluster?.members ?? []
    if (members !== this.#members) for (const event of memberEvents(this.#members, members, at)) this.#hub.publish(event)
    this.#members = members
    const lost = lostSlots(cluster)
    for (const { slot, times } of newlyLost(this.#lost ?? lost, lost)) {
      telemetry.log('warn', 'slot-lost', { slot, times })
      const event: CacheEventView = { type: 'slot-lost', at, slot, times }
      this.#hub.publish(event)
    }
    this.#lost = cluster === null ? null : lost
  }
}
