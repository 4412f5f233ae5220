import type { Millis } from '#base/brand.ts'
import { millis } from '#base/brand.ts'
import { isApplicationAgent } from '#core/cache/application.ts'
import type { HomeEffects, Proposal, SnoopPolicy } from '#core/cache/home-state.ts'
import type { HomeInput } from '#core/cache/home.ts'
import { Home } from '#core/cache/home.ts'
import type { CacheLimits } from '#core/cache/limits.ts'
import { decodeAnswer, encodeCommand } from '#core/cache/memory-codec.ts'
import type { Capacity, MemoryState } from '#core/cache/memory-state.ts'
import type { ToAgent, ToHome } from '#core/cache/messages.ts'
import type { AgentId, HomeTerm, SlotId } from '#core/cache/types.ts'
import { homeTerm } from '#core/cache/types.ts'
import type { Cancel, Clock } from '#ports/clock.ts'
import type { Leadership } from '#runtime/leadership.ts'
import type { ProposalOutcome } from '#wire/peer-message.ts'
import type { Admission, Way } from '#services/common/admission.ts'
import { pathLimits } from '#services/common/limits.ts'
import { cacheServiceLimits as hostLimits } from './limits.ts'

export interface HomeHostPorts {
  readonly clock: Clock
  readonly limits: CacheLimits
  readonly snoops: SnoopPolicy
  readonly capacity: Capacity | null
  readonly admission: Pick<Admission, 'refusal' | 'way'>
  /** False while the disk of this node is nearly full. */
  readonly hasRoom: () => boolean
  /** The agent in this process. */
  readonly localAgent: AgentId
  /** Null while the replica here does not lead, or has not applied an entry of its term. */
  readonly leadership: (slot: SlotId) => Leadership | null
  /** The term in which the replica here was elected, also before it may act as the leader. */
  readonly electedIn: (slot: SlotId) => HomeTerm | null
  /** Of the replica here. */
  readonly memory: (slot: SlotId) => MemoryState
  /** The agent in the process that was home before, if that is known for sure (decision C3). */
  readonly previousAgent: (slot: SlotId) => AgentId | null
  /** From now on the local agent lives under the leadership lease. */
  readonly begins: (slot: SlotId) => void
  readonly propose: (slot: SlotId, command: Uint8Array, done: (outcome: ProposalOutcome) => void) => void
  /** To the node by which the agent was heard of. */
  readonly send: (node: string, to: AgentId, message: ToAgent) => void
}

interface Hosted {
  readonly slot: SlotId
  readonly home: Home
  /** What the home was told last. */
  leaseUntil: Millis
  readonly clears: Map<number, (done: boolean) => void>
  readonly way: Way
}

/** What came before the home of that term was there. */
interface Early {
  readonly term: HomeTerm
  readonly messages: { readonly node: string; readonly from: AgentId; readonly message: ToHome }[]
}

/**
 * The homes of the slots that this node leads. Each begins once the leader has applied an entry of its own term, and ends with its leadership; there
 * is one for each term at most, for its numbers must not be given twice (rule 13).
 *
 * A home goes by the machine time of its slot, in which lives are counted, and hears of its leadership lease before each message: a lease that was
 * forfeited, to hand leadership over, ends at once (rule 8).
 */
export class HomeHost {
  readonly #ports: HomeHostPorts
  readonly #homes = new Map<SlotId, Hosted>()
  /** The last term in which there was a home of the slot here. */
  readonly #begun = new Map<SlotId, HomeTerm>()
  readonly #early = new Map<SlotId, Early>()
  readonly #routes = new Map<AgentId, string>()
  #lastClear = 0
  #cancelTick: Cancel | null = null

  constructor(ports: HomeHostPorts) {
    this.#ports = ports
  }

  start(): void {
    this.#cancelTick = this.#ports.clock.after(hostLimits.tickMs, () => {
      for (const hosted of this.#homes.values()) this.#step(hosted, null)
      this.start()
    })
  }

  stop(): void {
    this.#cancelTick?.()
    this.#cancelTick = null
  }

  /** Slots whose home is here. */
  get slots(): Iterable<SlotId> {
    return this.#homes.keys()
  }

  homeOf(slot: SlotId): Home | null {
    return this.#homes.get(slot)?.home ?? null
  }

  /** Leadership may have come or gone. */
  look(slot: SlotId): void {
    const leadership = this.#ports.leadership(slot)
    const hosted = this.#homes.get(slot)
    this.#earlyOf(slot)
    if (hosted !== undefined && leadership?.term !== Number(hosted.home.state.term)) this.#end(hosted)
    if (leadership !== null && !this.#homes.has(slot)) this.#begin(slot, leadership)
  }

  /** False when the home of the slot in that term is not here. */
  receive(node: string, from: AgentId, message: ToHome): boolean {
    this.#route(from, node)
    const { slot, term } = message
    const hosted = this.#homes.get(slot)
    if (hosted !== undefined && hosted.home.state.term === term) {
      this.#step(hosted, this.#isRefused(hosted, from, message) ? { type: 'refuse', from, message } : { type: 'message', from, message })
      return true
    }
    if (this.#ports.electedIn(slot) !== term || this.#begun.get(slot) === term) return false
    const early = this.#earlyOf(slot) ?? { term, messages: [] }
    this.#early.set(slot, early)
    // No home takes anything else of whom it has not heard yet; and nobody fills it up with what is large.
    if (message.type !== 'open' && message.type !== 'arrive') return true
    const again = early.messages.findIndex((each) => each.from === from && each.message.type === message.type)
    if (again >= 0) early.messages.splice(again, 1)
    if (early.messages.length < hostLimits.earlyMessagesMax) early.messages.push({ node, from, message })
    return true
  }

  /**
   * A flush, and a write that brings a value which memory does not have, make room. Of what is asked for again within its call nobody would know what became of it. And
   * what an agent of a node asks for was let in there, where an application has nobody else who looks at a disk.
   */
  #isRefused({ way }: Hosted, from: AgentId, message: ToHome): message is Extract<ToHome, { type: 'request' }> {
    if (message.type !== 'request' || message.body.type === 'flush') return false
    const { body } = message
    if (body.type === 'write' && (body.dirty !== null || body.operations.some(({ identity }) => identity?.again === true))) return false
    if (!isApplicationAgent(from)) return way.refusal() !== null
    const adds = body.type === 'write' && body.operations.some(({ change }) => change.type !== 'delete')
    return (adds && !this.#ports.hasRoom()) || (this.#ports.admission.refusal(this.#openKeys) ?? way.refusal()) !== null
  }

  /** Keys about which something is asked of the homes here. */
  get #openKeys(): number {
    let open = 0
    for (const { home } of this.#homes.values()) open += home.state.queues.size
    return open
  }

  /** What is of an earlier term is dropped. */
  #earlyOf(slot: SlotId): Early | null {
    const early = this.#early.get(slot)
    if (early !== undefined && early.term === this.#ports.electedIn(slot)) return early
    this.#early.delete(slot)
    return null
  }

  /** False when the home is not here, or goes before it is done. */
  clear(slot: SlotId, namespace: string, done: (cleared: boolean) => void): void {
    const hosted = this.#homes.get(slot)
    if (hosted === undefined) return done(false)
    const id = ++this.#lastClear
    hosted.clears.set(id, done)
    this.#step(hosted, { type: 'clear', id, namespace })
  }

  #begin(slot: SlotId, leadership: Leadership): void {
    const { limits, snoops, capacity, memory, localAgent, previousAgent, begins, admission } = this.#ports
    const term = homeTerm(leadership.term)
    if (this.#begun.get(slot) === term) return
    this.#begun.set(slot, term)
    begins(slot)
    const home = new Home({
      slot,
      term,
      memory: memory(slot),
      limits,
      snoops,
      capacity,
      electedAt: leadership.machineTime,
      localAgent,
      previousAgent: previousAgent(slot),
    })
    const hosted = { slot, home, leaseUntil: millis(-Infinity), clears: new Map<number, (done: boolean) => void>(), way: admission.way() }
    this.#homes.set(slot, hosted)
    this.#step(hosted, null)
    const messages = this.#earlyOf(slot)?.messages ?? []
    this.#early.delete(slot)
    for (const { node, from, message } of messages) this.receive(node, from, message)
  }

  #end(hosted: Hosted): void {
    if (this.#homes.get(hosted.slot) !== hosted) return
    this.#homes.delete(hosted.slot)
    for (const done of hosted.clears.values()) done(false)
  }

  /** Null: only time has passed. */
  #step(hosted: Hosted, input: HomeInput | null): void {
    const { slot, home } = hosted
    const leadership = this.#homes.get(slot) === hosted ? this.#ports.leadership(slot) : null
    if (leadership === null || leadership.term !== Number(home.state.term)) return this.#end(hosted)
    const { now, leaseUntil, machineTime } = leadership
    if (input === null || hosted.leaseUntil !== leaseUntil) {
      hosted.leaseUntil = leaseUntil
      // Machine time is in whole milliseconds.
      const leadsUntil = millis(machineTime + (leaseUntil - now) - 1)
      this.#perform(hosted, home.step({ type: 'tick', leadsUntil }, machineTime))
    }
    if (input !== null) this.#perform(hosted, home.step(input, machineTime))
  }

  #perform(hosted: Hosted, { send, propose, cleared }: HomeEffects): void {
    for (const { to, message } of send) {
      const node = this.#routes.get(to)
      if (node !== undefined) this.#ports.send(node, to, message)
    }
    for (const proposal of propose) this.#propose(hosted, proposal)
    for (const id of cleared) {
      const done = hosted.clears.get(id)
      hosted.clears.delete(id)
      done?.(true)
    }
  }

  #propose(hosted: Hosted, proposal: Proposal): void {
    const since = hosted.way.begin()
    this.#ports.propose(hosted.slot, encodeCommand(proposal.command), (outcome) => {
      hosted.way.end(since, outcome.type === 'applied')
      this.#proposed(hosted, proposal, outcome)
    })
  }

  /** What is in no log for now is proposed again; in which order does not matter, as what depends on it waits for its outcome. */
  #proposed(hosted: Hosted, proposal: Proposal, outcome: ProposalOutcome): void {
    if (this.#homes.get(hosted.slot) !== hosted) return
    if (outcome.type === 'applied') {
      const answer = decodeAnswer(outcome.answer)
      if (!answer.ok) throw new Error(`an answer of cache memory cannot be read: ${answer.error}`)
      this.#step(hosted, { type: 'applied', number: proposal.number, answer: answer.value })
    } else if (outcome.type === 'refused' && (outcome.code === 'overloaded' || outcome.code === 'transferring')) {
      this.#ports.clock.after(pathLimits.restMs, () => {
        if (this.#homes.get(hosted.slot) === hosted) this.#propose(hosted, proposal)
      })
    } else this.#end(hosted)
  }

  #route(agent: AgentId, node: string): void {
    if (this.#routes.get(agent) === node) return
    this.#routes.delete(agent)
    this.#routes.set(agent, node)
    for (const oldest of this.#routes.keys()) {
      if (this.#routes.size <= hostLimits.routesMax) return
      this.#routes.delete(oldest)
    }
  }
}
