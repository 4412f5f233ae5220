import { unreachable } from '#base/assert.ts'
import { overloaded, unknownOutcome } from '#api/common/faults.ts'
import type { Fault } from '#api/errors.ts'
import type { Caller } from '#core/access/types.ts'
import type { ToAgent, ToHome } from '#core/cache/messages.ts'
import type { AgentId, SlotId } from '#core/cache/types.ts'
import { agentId, slotId } from '#core/cache/types.ts'
import { isApplicationAgent } from '#core/cache/application.ts'
import type { ClientChannel, ClientPeer } from '#ports/client.ts'
import type { Clock } from '#ports/clock.ts'
import type { Telemetry } from '#ports/telemetry.ts'
import { decodeBus, encodeBus } from '#wire/cache-bus.ts'
import type { CacheClientMessage, CacheServerMessage } from '#wire/cache-client-message.ts'
import { faultOf, isNamespace } from './application-guard.ts'
import { ClearAudit } from './clear-audit.ts'
import { cacheServiceLimits as limits } from './limits.ts'
import type { RequestBudget } from './request-budget.ts'

export interface CacheClientPorts {
  readonly clock: Clock
  readonly telemetry: Telemetry
  /** Of the cluster. */
  readonly slots: () => number
  /** To the home of the slot, wherever it is. */
  readonly toHome: (agent: AgentId, message: ToHome) => void
  readonly whoLeads: (slot: SlotId, connection: CacheClientConnection) => void
  /** Empties a namespace in a slot whose home is here; null when that cannot even begin. */
  readonly clear: (slot: SlotId, namespace: string, done: (cleared: boolean) => void) => Fault<'no_leader' | 'memory_full'> | null
  /** The agent speaks on this connection from now on. */
  readonly entered: (agent: AgentId, connection: CacheClientConnection) => RequestBudget
  readonly left: (agent: AgentId | null, connection: CacheClientConnection) => void
}

/** One connection of an application that is an agent. What it must not say ends the connection, and harms nobody else. */
export class CacheClientConnection implements ClientPeer<CacheClientMessage> {
  readonly #channel: ClientChannel<CacheServerMessage>
  readonly #ports: CacheClientPorts
  #agent: AgentId | null = null
  #budget: RequestBudget | null = null
  readonly #clears: ClearAudit
  #gone = false

  constructor(channel: ClientChannel<CacheServerMessage>, ports: CacheClientPorts, caller: Caller | null) {
    this.#channel = channel
    this.#ports = ports
    this.#clears = new ClearAudit(ports.telemetry, caller)
  }

  received(message: CacheClientMessage): void {
    if (this.#gone) return
    switch (message.type) {
      case 'enter':
        this.#enter(message.agent)
        break
      case 'bus':
        this.#bus(message.content)
        break
      case 'clear':
        this.#clear(message)
        break
      default:
        unreachable(message)
    }
  }

  gone(): void {
    if (this.#gone) return
    this.#gone = true
    this.#ports.left(this.#agent, this)
  }

  tell(message: CacheServerMessage): void {
    if (!this.#gone) this.#channel.send(message)
  }

  /** What its agent is told. */
  deliver(message: ToAgent): void {
    if (this.#agent === null) return
    const content = encodeBus([{ type: 'to-agent', to: this.#agent, message }])
    // Who is told that a session is lost may have made it up.
    if (message.type !== 'session-lost') this.#budget?.told(message)
    if (message.type === 'reply') this.#budget?.answered(message, { number: message.number, bytes: content.length })
    this.tell({ type: 'bus', content })
  }

  /** The same agent speaks on another connection. */
  replaced(): void {
    this.#close('replaced', 'the same agent has connected again')
  }

  #enter(name: string): void {
    if (this.#agent !== null || !isApplicationAgent(name)) return this.#close('malformed', 'no name for an agent in an application')
    this.#agent = agentId(name)
    this.#budget = this.#ports.entered(this.#agent, this)
  }

  #bus(content: Uint8Array): void {
    const agent = this.#agent
    const decoded = decodeBus(content)
    if (agent === null) return this.#close('malformed', 'nobody has entered')
    if (!decoded.ok) return this.#close('malformed', decoded.error)
    const [first, ...more] = decoded.value
    if (first === undefined || more.length > 0) return this.#close('malformed', 'one message at a time')
    if (first.type === 'who-leads')
      return this.#isSlot(first.slot) ? this.#ports.whoLeads(first.slot, this) : this.#close('malformed', 'no such slot')
    if (first.type !== 'to-home' || first.from !== agent) return this.#close('malformed', 'nothing that an application says')
    const { message } = first
    const fault = faultOf(message, { agent, slots: this.#ports.slots() })
    if (fault !== null) return this.#close('malformed', fault)
    if (this.#takes(message, content.length)) this.#ports.toHome(agent, message)
    return undefined
  }

  #takes(message: ToHome, bytes: number): boolean {
    if (message.type === 'renew') this.#budget?.confirm(message, message.oldest)
    return message.type !== 'request' || (this.#budget?.takes(message, bytes) ?? false)
  }

  #clear({ call, slot, namespace }: Extract<CacheClientMessage, { type: 'clear' }>): void {
    if (this.#agent === null || !this.#isSlot(slot) || !isNamespace(namespace)) return this.#close('malformed', 'no namespace, or no slot')
    if (this.#clears.open >= limits.clearsPerClientMax)
      return this.#fail(call, overloaded('this connection has as many clears under way as it may'))
    let isOver = false
    const end = (outcome: string, said: () => void): void => {
      if (isOver) return
      isOver = true
      cancel()
      this.#clears.end(namespace, outcome)
      said()
    }
    this.#clears.begin(namespace)
    const cancel = this.#ports.clock.after(limits.answerMs, () => end('unknown', () => this.#fail(call, unknownOutcome())))
    const fault = this.#ports.clear(slotId(slot), namespace, (cleared) =>
      end(cleared ? 'done' : 'unknown', () => (cleared ? this.tell({ type: 'cleared', call }) : this.#fail(call, unknownOutcome()))),
    )
    if (fault !== null) end(fault.code, () => this.#fail(call, fault))
    return undefined
  }

  #fail(call: number, { code, message }: Fault): void {
    this.tell({ type: 'failed', call, code, message })
  }

  #isSlot(slot: number): boolean {
    return slot >= 1 && slot <= this.#ports.slots()
  }

  #close(code: 'malformed' | 'replaced', detail: string): void {
    this.#channel.close(code, detail)
    this.gone()
  }
}
