import type { Millis } from '#base/brand.ts'
import { tooManyNamespaces } from '#api/cache/faults.ts'
import { noLeader } from '#api/common/faults.ts'
import type { Caller } from '#core/access/types.ts'
import { cacheLimits } from '#core/cache/limits.ts'
import type { ToAgent } from '#core/cache/messages.ts'
import type { AgentId, SlotId } from '#core/cache/types.ts'
import { slotId } from '#core/cache/types.ts'
import type { ClientChannel, ClientHost, ClientPeer } from '#ports/client.ts'
import type { Cancel, Clock } from '#ports/clock.ts'
import type { Telemetry } from '#ports/telemetry.ts'
import { agentHostLimits } from '#runtime/cache/limits.ts'
import type { LockstepNode } from '#runtime/node.ts'
import { placesOf, welcomeOf } from '#services/common/client-welcome.ts'
import { cacheClients } from '#wire/cache-client-codec.ts'
import type { CacheClientMessage, CacheServerMessage, HomePlace } from '#wire/cache-client-message.ts'
import type { CacheBus } from './bus.ts'
import type { CacheClientPorts } from './client-connection.ts'
import { CacheClientConnection } from './client-connection.ts'
import { RequestBudget } from './request-budget.ts'

export interface CacheClientDeskPorts {
  readonly node: () => LockstepNode
  readonly name: string
  readonly version: string
  readonly clock: Clock
  readonly telemetry: Telemetry
  readonly bus: () => CacheBus
}

/** The applications that are agents by way of this node: where each of them is, and what concerns them all. */
export class CacheClientDesk implements ClientHost<CacheClientMessage, CacheServerMessage> {
  readonly protocol = cacheClients
  readonly #ports: CacheClientDeskPorts
  readonly #connectionPorts: CacheClientPorts
  readonly #agents = new Map<AgentId, CacheClientConnection>()
  /** Kept for as long as a session of an agent may outlive its connection, which it may make again. */
  readonly #budgets = new Map<AgentId, RequestBudget>()
  /** Of those that have left, until nobody keeps anything of them. */
  readonly #forgetting = new Map<AgentId, Cancel>()
  /** Slots whose leader has changed in this turn. */
  readonly #changed = new Set<SlotId>()
  /** When the leader of each slot was looked up for an application last. */
  readonly #lookedUp = new Map<SlotId, Millis>()

  constructor(ports: CacheClientDeskPorts) {
    this.#ports = ports
    this.#connectionPorts = {
      clock: ports.clock,
      telemetry: ports.telemetry,
      slots: () => this.#slots,
      toHome: (agent, message) => ports.bus().fromApplication(agent, message),
      whoLeads: (slot, connection) => this.#tellWhoLeads(slot, connection),
      clear: (slot, namespace, done) => this.#clear(slot, namespace, done),
      entered: (agent, connection) => this.#enter(agent, connection),
      left: (agent, connection) => this.#left(agent, connection),
    }
  }

  welcome(): ReturnType<ClientHost['welcome']> {
    return this.#slots === 0 ? null : welcomeOf(this.#ports, null)
  }

  serve(channel: ClientChannel<CacheServerMessage>, caller: Caller | null = null): ClientPeer<CacheClientMessage> {
    return new CacheClientConnection(channel, this.#connectionPorts, caller)
  }

  /** Nothing when that agent is not connected here. */
  tell(agent: AgentId, message: ToAgent): void {
    this.#agents.get(agent)?.deliver(message)
  }

  /** To who has asked a node that is not home. */
  tellLeader(agent: AgentId, slot: SlotId): void {
    this.#agents.get(agent)?.tell(this.#leadersOf([slot]))
  }

  /** Of a slot; an election concerns many at once, which are told together. */
  leaderChanged(slot: SlotId): void {
    this.#changed.add(slot)
    if (this.#changed.size > 1) return
    this.#ports.clock.soon(() => {
      const leaders = this.#leadersOf([...this.#changed])
      this.#changed.clear()
      for (const connection of this.#agents.values()) connection.tell(leaders)
    })
  }

  going(): void {
    for (const connection of this.#agents.values()) connection.tell({ type: 'going' })
  }

  get #slots(): number {
    return this.#ports.bus().slots ?? 0
  }

  #enter(agent: AgentId, connection: CacheClientConnection): RequestBudget {
    const before = this.#agents.get(agent)
    this.#agents.set(agent, connection)
    before?.replaced()
    this.#forgetting.get(agent)?.()
    this.#forgetting.delete(agent)
    const budget = this.#budgets.get(agent) ?? new RequestBudget()
    this.#budgets.set(agent, budget)
    connection.tell(this.#leadersOf(Array.from({ length: this.#slots }, (_, at) => slotId(at + 1))))
    return budget
  }

  #left(agent: AgentId | null, connection: CacheClientConnection): void {
    if (agent === null || this.#agents.get(agent) !== connection) return
    this.#agents.delete(agent)
    // For as long as a home may keep its session.
    const { leaseMs, marginMs, lingerMs } = cacheLimits
    const forget = (): void => {
      this.#forgetting.delete(agent)
      this.#budgets.delete(agent)
    }
    this.#forgetting.set(agent, this.#ports.clock.after(leaseMs + marginMs + lingerMs, forget))
  }

  #tellWhoLeads(slot: SlotId, connection: CacheClientConnection): void {
    this.#lookUp(slot)
    connection.tell(this.#leadersOf([slot]))
  }

  /** Also where a leader is known: of a slot that this node has no replica of it hears nothing by itself. */
  #lookUp(slot: SlotId): void {
    const now = this.#ports.clock.now()
    if (now - (this.#lookedUp.get(slot) ?? -Infinity) < agentHostLimits.lookUpMs) return
    this.#lookedUp.set(slot, now)
    this.#ports.bus().lookUp(slot)
  }

  #clear(slot: SlotId, namespace: string, done: (cleared: boolean) => void): ReturnType<CacheClientPorts['clear']> {
    const { homes } = this.#ports.bus()
    const home = homes.homeOf(slot)
    if (home === null || home.state.phase !== 'open') return noLeader()
    const { generations } = home.state.memory
    if (generations.size >= cacheLimits.namespacesMax && !generations.has(namespace)) return tooManyNamespaces(cacheLimits.namespacesMax)
    homes.clear(slot, namespace, done)
    return null
  }

  #leadersOf(slots: readonly SlotId[]): Extract<CacheServerMessage, { type: 'leaders' }> {
    const leaders = slots.flatMap((slot): readonly HomePlace[] => {
      const leader = this.#ports.bus().leaderOf(slot)
      return leader === null ? [] : [{ slot, term: leader.term, node: leader.node }]
    })
    return { type: 'leaders', slots: this.#slots, leaders, members: placesOf(this.#ports.node()) }
  }
}
