import type { Prng } from '#base/prng.ts'
import type { SnoopPolicy } from '#core/cache/home-state.ts'
import type { CacheLimits } from '#core/cache/limits.ts'
import type { Capacity, MemoryState } from '#core/cache/memory-state.ts'
import { isApplicationAgent, shownName } from '#core/cache/application.ts'
import type { ToAgent, ToHome } from '#core/cache/messages.ts'
import type { AgentId, HomeTerm, Key, SlotId } from '#core/cache/types.ts'
import { homeTerm } from '#core/cache/types.ts'
import type { RoleChange } from '#core/raft/types.ts'
import { logIndex } from '#core/raft/types.ts'
import type { Clock } from '#ports/clock.ts'
import type { Telemetry } from '#ports/telemetry.ts'
import { AgentHost } from '#runtime/cache/agent-host.ts'
import { BusPost } from '#runtime/cache/bus-post.ts'
import type { LockstepNode } from '#runtime/node.ts'
import { nodeNameOf } from '#runtime/replica-name.ts'
import type { BusMessage } from '#wire/cache-bus.ts'
import { decodeBus } from '#wire/cache-bus.ts'
import type { Admission } from '#services/common/admission.ts'
import { HomeHost } from './home-host.ts'
import type { Leader } from './leaders.ts'
import { Leaders } from './leaders.ts'

/** Sees what goes over the bus, for whoever counts and shows it. */
export interface BusObserver {
  asked(message: ToHome, nodes: Ends, seen: 'sent' | 'received'): void
  told(message: ToAgent, nodes: Ends, seen: 'sent' | 'received'): void
}

export interface Ends {
  readonly from: string
  readonly to: string
}

export interface CacheBusPorts {
  readonly node: () => LockstepNode
  readonly name: string
  /** Of the agent in this process. */
  readonly agent: AgentId
  readonly clock: Clock
  readonly prng: Prng
  readonly telemetry: Telemetry
  readonly limits: CacheLimits
  readonly snoops: SnoopPolicy
  readonly capacity: Capacity | null
  readonly admission: Admission
  readonly hasRoom: () => boolean
  readonly memory: (slot: SlotId) => MemoryState
  readonly changed: (key: Key) => void
  readonly observer: BusObserver
  readonly applications: Applications
}

/** Agents in applications that are connected with this node. */
interface Applications {
  tell(agent: AgentId, message: ToAgent): void
  tellLeader(agent: AgentId, slot: SlotId): void
  leaderChanged(slot: SlotId): void
}

/** The agent of a node, the homes of the slots that it leads, and the way between them and those of other nodes. */
export class CacheBus {
  readonly agent: AgentHost
  readonly homes: HomeHost
  readonly #ports: CacheBusPorts
  readonly #post: BusPost
  readonly #leaders = new Leaders()

  constructor(ports: CacheBusPorts) {
    this.#ports = ports
    const { node, name, clock, limits, agent, observer } = ports
    this.#post = new BusPost({
      clock,
      name,
      notify: (to, lane, content) => node().notify(to, lane, content),
      deliver: (from, message) => this.#deliver(from, message),
    })
    this.agent = new AgentHost(agent, limits, {
      clock,
      send: (home, message) => {
        observer.asked(message, { from: name, to: home }, 'sent')
        this.#post.send(home, { type: 'to-home', from: agent, message })
      },
      lookUp: (slot) => this.lookUp(slot),
      leadership: (slot) => {
        const leadership = node().leadership(slot)
        return leadership === null ? null : { term: homeTerm(leadership.term), until: leadership.leaseUntil }
      },
      changed: ports.changed,
    })
    this.homes = new HomeHost({
      clock,
      limits,
      snoops: ports.snoops,
      capacity: ports.capacity,
      admission: ports.admission,
      hasRoom: ports.hasRoom,
      localAgent: agent,
      leadership: (slot) => node().leadership(slot),
      electedIn: (slot) => this.#electedIn(slot),
      memory: ports.memory,
      previousAgent: (slot) => this.#previousAgent(slot),
      begins: (slot) => this.agent.leadershipChanged(slot),
      propose: (slot, command, done) => node().propose(slot, command, done),
      send: (to, agentOf, message) => {
        const isApplication = isApplicationAgent(to)
        observer.told(message, { from: name, to: isApplication ? shownName(agentOf) : to }, 'sent')
        if (isApplication) ports.applications.tell(agentOf, message)
        else this.#post.send(to, { type: 'to-agent', to: agentOf, message })
      },
    })
  }

  start(): void {
    this.agent.start()
    this.homes.start()
  }

  stop(): void {
    this.agent.stop()
    this.homes.stop()
  }

  /** Null before this node belongs to a cluster. */
  get slots(): number | null {
    return this.#ports.node().identity?.formation?.slots ?? null
  }

  /** Called in the very turn in which a replica is elected, before anybody else hears of it: what its agent has from before is dropped (decision C3). */
  roleChanged(slot: SlotId, { term, leader }: RoleChange): void {
    if (leader !== null) this.#leads(slot, homeTerm(term), nodeNameOf(leader))
    this.homes.look(slot)
    this.agent.leadershipChanged(slot)
  }

  /** The first entry of a term may have been applied. */
  advanced(slot: SlotId): void {
    if (this.#electedIn(slot) !== null && this.homes.homeOf(slot) === null) this.homes.look(slot)
  }

  noticed(from: string, content: Uint8Array): void {
    const decoded = decodeBus(content)
    if (decoded.ok) for (const message of decoded.value) this.#deliver(from, message)
    else this.#ports.telemetry.log('warn', 'bus-message-refused', { from, reason: decoded.error })
  }

  #deliver(from: string, message: BusMessage): void {
    const { agent, name, observer } = this.#ports
    const slot = message.type === 'to-home' || message.type === 'to-agent' ? message.message.slot : message.slot
    if (!this.#isSlot(slot)) return
    switch (message.type) {
      case 'to-home':
        observer.asked(message.message, { from, to: name }, 'received')
        if (!this.homes.receive(from, message.from, message.message)) this.#tellLeader(from, slot)
        break
      case 'to-agent':
        if (message.to !== agent) return this.#ports.applications.tell(message.to, message.message)
        observer.told(message.message, { from, to: name }, 'received')
        this.agent.receive(message.message)
        break
      case 'who-leads':
        this.#tellLeader(from, slot)
        break
      case 'leads':
        this.#leads(slot, message.term, message.leader)
        break
    }
  }

  #isSlot(slot: SlotId): boolean {
    const slots = this.slots
    return slots !== null && slot >= 1 && slot <= slots
  }

  #leads(slot: SlotId, term: HomeTerm, node: string): void {
    const known = this.#leaders.newest(slot)
    this.#leaders.note(slot, term, node)
    if (known === null || term > known.term) this.#ports.applications.leaderChanged(slot)
    this.agent.homeIs(slot, term, node)
  }

  /** From an agent that is connected with this node, and has been checked. Where the home is elsewhere it is passed on. */
  fromApplication(agent: AgentId, message: ToHome): void {
    const { name, observer } = this.#ports
    const { slot, term } = message
    if (this.homes.receive(agent, agent, message)) return observer.asked(message, { from: shownName(agent), to: name }, 'received')
    const home = this.#leaders.of(slot, term)
    if (home !== null && home !== name) return this.#post.send(home, { type: 'to-home', from: agent, message })
    return this.#ports.applications.tellLeader(agent, slot)
  }

  /** As far as this node knows. */
  leaderOf(slot: SlotId): Leader | null {
    return this.#leaders.newest(slot)
  }

  /** What the own replica knows; without one, somebody else is asked. */
  lookUp(slot: SlotId): void {
    const node = this.#ports.node()
    const raft = node.host?.groups.get(slot)?.raft
    if (raft !== undefined && raft.leader !== null) this.#leads(slot, homeTerm(raft.term), nodeNameOf(raft.leader))
    const others = node.nodesOf(slot)
    if (others.length > 0 && (raft === undefined || raft.leader === null))
      this.#post.send(this.#ports.prng.pick(others), { type: 'who-leads', slot })
  }

  #tellLeader(to: string, slot: SlotId): void {
    const raft = this.#ports.node().host?.groups.get(slot)?.raft
    if (raft === undefined || raft.leader === null) return
    this.#post.send(to, { type: 'leads', slot, term: homeTerm(raft.term), leader: nodeNameOf(raft.leader) })
  }

  #electedIn(slot: SlotId): HomeTerm | null {
    const raft = this.#ports.node().host?.groups.get(slot)?.raft
    return raft?.role === 'leader' ? homeTerm(raft.term) : null
  }

  /**
   * Decision C3. The last entry before this term is of the term of the home before: whoever led later has committed nothing, and so was no home.
   * Its agent dropped its lines when it was elected, before anybody had that entry; what it was granted since ended with its leadership.
   */
  #previousAgent(slot: SlotId): AgentId | null {
    const raft = this.#ports.node().host?.groups.get(slot)?.raft
    const role = raft?.inspect().role
    if (raft === undefined || role?.type !== 'leader') return null
    const before = raft.termAt(logIndex(role.termStart - 1))
    const home = before === null ? null : this.#leaders.of(slot, homeTerm(before))
    if (home === null) return null
    const sessions = [...this.#ports.memory(slot).sessions.values()].filter(({ agent }) => agent.startsWith(`${home}/`))
    return sessions.sort((left, right) => right.id - left.id)[0]?.agent ?? null
  }
}
