import { assert } from '#base/assert.ts'
import type { Millis } from '#base/brand.ts'
import { millis } from '#base/brand.ts'
import { Agent } from '#core/cache/agent.ts'
import { owedLines } from '#core/cache/agent-sessions.ts'
import type { AgentEffects, Answer } from '#core/cache/agent-state.ts'
import type { CacheLimits } from '#core/cache/limits.ts'
import type { ToAgent, ToHome } from '#core/cache/messages.ts'
import type { Ack, AgentId, Handle, HomeTerm, Key, Operation, SlotId, Value } from '#core/cache/types.ts'
import type { Cancel, Clock } from '#ports/clock.ts'
import { agentHostLimits } from './limits.ts'

/** What a leader in this process may rest on. */
interface HomeLease {
  readonly term: HomeTerm
  /** Until when nobody else can lead, on this process's clock. */
  readonly until: Millis
}

export interface AgentHostPorts {
  readonly clock: Clock
  /** To the node that is home; the message may get lost. */
  readonly send: (home: string, message: ToHome) => void
  /** The home of a slot is to be found out, and told with `homeIs`. */
  readonly lookUp: (slot: SlotId) => void
  /** Null unless the home of the slot is in this process. */
  readonly leadership: (slot: SlotId) => HomeLease | null
  /** The line of a watched key went: somebody may have changed it. */
  readonly changed: (key: Key) => void
}

interface Asked {
  readonly slot: SlotId
  readonly key: Key
  readonly handle: Handle
}

type Done = (answer: Answer) => void

/** Nobody waits any more. True when the home was not asked yet: a write is certainly not carried out then. */
export type GiveUp = () => boolean

/**
 * An agent at work in a process: it has a clock, a way to its homes, and callers who wait. Whoever has these things can have one, a node of the
 * cache or an application.
 *
 * Lines of a slot whose home is in this very process live under its leadership lease (decision C3), which may be forfeited at any moment; so it is
 * looked at before each use.
 */
export class AgentHost {
  readonly agent: Agent
  readonly #ports: AgentHostPorts
  readonly #homes = new Map<SlotId, { readonly term: HomeTerm; readonly node: string }>()
  /** Slots whose home is in this process. */
  readonly #local = new Set<SlotId>()
  readonly #waiting = new Map<number, Done>()
  #lastId = 0
  #lookedAt: Millis = millis(-Infinity)
  #cancelTick: Cancel | null = null

  constructor(id: AgentId, limits: CacheLimits, ports: AgentHostPorts) {
    this.agent = new Agent(id, limits)
    this.#ports = ports
  }

  start(): void {
    this.#cancelTick = this.#ports.clock.after(agentHostLimits.tickMs, () => this.#tick())
  }

  /** Nothing is sent any more by itself. */
  stop(): void {
    this.#cancelTick?.()
    this.#cancelTick = null
  }

  /** `done` is called once, perhaps at once, unless what is returned is called before. */
  read({ slot, key, handle }: Asked, fill: boolean, done: Done): GiveUp {
    this.#lookAtLease(slot)
    const id = this.#wait(done)
    this.#perform(this.agent.step({ type: 'read', id, slot, key, handle, fill }, this.#now))
    return () => this.#giveUp(key, id, fill)
  }

  write({ slot, key, handle }: Asked, { ack, operation }: { readonly ack: Ack; readonly operation: Operation }, done: Done): GiveUp {
    this.#lookAtLease(slot)
    const id = this.#wait(done)
    this.#perform(this.agent.step({ type: 'write', id, slot, key, handle, ack, operation }, this.#now))
    return () => this.#giveUp(key, id, false)
  }

  /** The value, null when it is known to be absent, undefined when the home would have to be asked. */
  getSync({ slot, key, handle }: Asked): Value | null | undefined {
    this.#lookAtLease(slot)
    return this.agent.getSync(key, handle, this.#now)
  }

  watch(key: Key, on: boolean): void {
    this.#perform(this.agent.step({ type: 'watch', key, on }, this.#now))
  }

  /** Values at the level `owner` that memory is not known to have. */
  get owed(): number {
    let owed = 0
    for (const slot of this.agent.state.slots.keys()) owed += this.#owedOf(slot)
    return owed
  }

  /** All that is dirty leaves. */
  flush(): void {
    this.#perform(this.agent.step({ type: 'flush' }, this.#now))
  }

  /**
   * The home of the slot is in this process, and its lease is about to be given up: what is dirty leaves, and nothing new gets dirty. `done` when memory has it all,
   * or has not for too long.
   */
  settle(slot: SlotId, done: () => void): void {
    const { clock } = this.#ports
    const began = clock.now()
    this.#lookAtLease(slot)
    this.#perform(this.agent.step({ type: 'settle', slot, until: millis(began + agentHostLimits.handOverMs) }, this.#now))
    const { settleMs, tickMs } = agentHostLimits
    const look = (): void => {
      if (this.#owedOf(slot) === 0 || clock.now() - began >= settleMs) done()
      else clock.after(tickMs, look)
    }
    look()
  }

  /** To all homes: what is here is dropped, and nobody needs to wait for this agent any more. */
  leave(): void {
    this.#perform(this.agent.step({ type: 'leave' }, this.#now))
  }

  receive(message: ToAgent): void {
    this.#lookAtLease(message.slot)
    this.#perform(this.agent.step({ type: 'message', message }, this.#now))
  }

  /** The slot is led by that node. News of an older term are none. */
  homeIs(slot: SlotId, term: HomeTerm, node: string): void {
    const known = this.#homes.get(slot)
    if (known !== undefined && term <= known.term) return
    // Under a lease that is forfeited nothing lives any more that could be pushed (decision C2).
    this.#lookAtLease(slot)
    this.#homes.set(slot, { term, node })
    this.#perform(this.agent.step({ type: 'home', slot, term }, this.#now))
  }

  /** The home of the slot is in this process now, or was until now. To be called before that home grants anything. */
  leadershipChanged(slot: SlotId): void {
    const lease = this.#ports.leadership(slot)
    const known = this.agent.state.slot(slot)
    assert(lease === null || lease.term <= known.term, 'what is older is dropped before a home in this process begins')
    if (lease !== null) this.#local.add(slot)
    else if (!this.#local.delete(slot) || !known.local) return
    const { term, until } = lease ?? { term: known.term, until: millis(-Infinity) }
    this.#perform(this.agent.step({ type: 'leadership', slot, term, until }, this.#now))
  }

  #owedOf(slot: SlotId): number {
    const { state } = this.agent
    return owedLines(state, state.slot(slot))
  }

  #lookAtLease(slot: SlotId): void {
    if (this.#local.has(slot)) this.leadershipChanged(slot)
  }

  #wait(done: Done): number {
    const id = ++this.#lastId
    this.#waiting.set(id, done)
    return id
  }

  /** One that was sent may be `heardOut`: a token that comes with it is to be given back. */
  #giveUp(key: Key, id: number, heardOut: boolean): boolean {
    const isUnsent = this.agent.cancel(key, id)
    if (isUnsent || !heardOut) this.#waiting.delete(id)
    return isUnsent
  }

  #perform({ send, answers, lookUp, changed }: AgentEffects): void {
    for (const message of send) {
      const home = this.#homes.get(message.slot)
      if (home !== undefined && home.term === message.term) this.#ports.send(home.node, message)
    }
    for (const slot of lookUp) this.#ports.lookUp(slot)
    for (const answer of answers) {
      const done = this.#waiting.get(answer.id)
      this.#waiting.delete(answer.id)
      done?.(answer)
    }
    for (const key of changed) this.#ports.changed(key)
  }

  #tick(): void {
    for (const slot of this.#local) this.leadershipChanged(slot)
    this.#perform(this.agent.step({ type: 'tick' }, this.#now))
    this.#lookForHomes()
    this.start()
  }

  /** Who got no session, and whose lease is over, may have asked the wrong node, or none; and of whose own home no lease is left, the replica may be gone that would name the next. */
  #lookForHomes(): void {
    const { slots } = this.agent.state
    if (this.#now - this.#lookedAt < agentHostLimits.lookUpMs) return
    this.#lookedAt = this.#now
    for (const { id, standing, usableUntil } of slots.values())
      if (standing.type !== 'apart' && (standing.type !== 'open' || this.#now >= usableUntil)) this.#ports.lookUp(id)
  }

  get #now(): Millis {
    return this.#ports.clock.now()
  }
}
