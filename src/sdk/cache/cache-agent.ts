import { millis } from '#base/brand.ts'
import { OpenNumbers } from '#base/open-numbers.ts'
import { denialOf } from '#core/access/grants.ts'
import type { Role } from '#core/access/roles.ts'
import type { Grants } from '#core/access/types.ts'
import type { Agent } from '#core/cache/agent.ts'
import { applicationAgent } from '#core/cache/application.ts'
import { cacheLimits } from '#core/cache/limits.ts'
import type { ToAgent } from '#core/cache/messages.ts'
import type { AgentId, Handle, HomeTerm, Identity, Key, SlotId, Value } from '#core/cache/types.ts'
import { handle, homeTerm, slotId } from '#core/cache/types.ts'
import { slotOf } from '#core/ring/partition.ts'
import type { Clock } from '#ports/clock.ts'
import { AgentHost } from '#runtime/cache/agent-host.ts'
import type { Endpoints } from '#sdk/endpoints.ts'
import { LockstepError } from '#sdk/errors.ts'
import { sdkLimits } from '#sdk/limits.ts'
import type { Attempt } from '#sdk/uplink.ts'
import type { BusMessage } from '#wire/cache-bus.ts'
import { decodeBus, encodeBus } from '#wire/cache-bus.ts'
import type { CacheServerMessage } from '#wire/cache-client-message.ts'
import { Asking } from './asking.ts'
import { Clearing } from './clearing.ts'
import { JsonValue } from './json-value.ts'
import { cacheSdkLimits } from './limits.ts'
import type { CacheLine } from './links.ts'
import { CacheLinks } from './links.ts'
import { Loading } from './loading.ts'
import type { CacheSdkPorts } from './ports.ts'
import { Watches } from './watches.ts'

export interface CacheAgentOptions {
  readonly endpoints: Endpoints
  readonly software: string
  readonly timeoutMs: number
  readonly linesMax: number
  readonly bytesMax: number
  /** Homes are known. */
  readonly up: () => void
  readonly failed: (attempt: Attempt) => void
  readonly closed: () => void
}

/** An agent of the cache in this process: its lines, its homes and the ways to them. All handles of one cache share it. */
export class CacheAgent {
  readonly asking: Asking
  readonly watches: Watches
  readonly clearing: Clearing
  readonly loading: Loading
  readonly #ports: CacheSdkPorts
  readonly #options: CacheAgentOptions
  readonly #id: AgentId
  readonly #host: AgentHost
  readonly #links: CacheLinks
  readonly #homes = new Map<SlotId, { readonly term: HomeTerm; readonly node: string }>()
  readonly #changes = new OpenNumbers()
  /** Null where no tokens are asked for. */
  #grants: Grants | null = null
  #slots = 0
  #handles = 0
  #closing: Promise<void> | null = null

  constructor(ports: CacheSdkPorts, options: CacheAgentOptions) {
    const { clock, leaseClock, entropy } = ports
    this.#ports = ports
    this.#options = options
    this.#id = applicationAgent(entropy.hex(16))
    this.asking = new Asking(ports, options.timeoutMs)
    this.loading = new Loading(clock)
    this.#links = new CacheLinks(ports, options.endpoints, {
      agent: this.#id,
      software: options.software,
      events: {
        welcomed: (grants) => {
          this.#grants = grants
        },
        down: (line) => this.clearing.lineDown(line),
        message: (line, message) => this.#message(line, message),
        failed: options.failed,
      },
    })
    this.#host = new AgentHost(
      this.#id,
      { ...cacheLimits, linesMax: options.linesMax, lineBytesMax: options.bytesMax },
      {
        // Leases go on while the process, and as far as possible the machine, sleeps.
        clock: {
          now: () => leaseClock.now(),
          wall: () => clock.wall(),
          after: (ms, call) => clock.after(ms, call),
          soon: (call) => clock.soon(call),
        },
        send: (home, message) => this.#links.send(home, this.#bus({ type: 'to-home', from: this.#id, message })),
        lookUp: (slot) => this.#links.ask(this.#bus({ type: 'who-leads', slot })),
        leadership: () => null,
        changed: (key) => this.watches.changed(key),
      },
    )
    this.watches = new Watches((key, on) => this.#host.watch(key, on))
    this.clearing = new Clearing({
      ...ports,
      asking: this.asking,
      slots: () => this.#slots,
      lineTo: (slot) => this.#lineTo(slot),
    })
  }

  start(): void {
    this.#links.start()
    this.#host.start()
  }

  /** Nothing is pushed: for one that never came up. */
  abandon(): void {
    this.#host.stop()
    this.#links.stop()
  }

  get clock(): Clock {
    return this.#ports.clock
  }

  get host(): AgentHost {
    return this.#host
  }

  /** For what is answered in the same turn. */
  get agent(): Agent {
    return this.#host.agent
  }

  get node(): string | null {
    return this.#links.node
  }

  /** Throws `forbidden` when the token of this process does not allow that: it is not asked for then. */
  permit(role: Role, name: string): void {
    const grants = this.#grants
    const denial = grants === null ? null : denialOf(grants, { role, names: [name] })
    if (grants === null || denial === null) return
    const what = denial.type === 'role' ? `has the role ${role}` : `may touch ${JSON.stringify(name)}`
    throw new LockstepError('forbidden', `nothing about the token ${grants.name} says that it ${what}`)
  }

  newHandle(): Handle {
    return handle(++this.#handles)
  }

  slotOf(key: Key): SlotId {
    return slotId(slotOf(key, 0, this.#slots))
  }

  /** A change that is made again under its number is carried out once (decision C6). */
  beginChange(): number {
    return this.#changes.begin()
  }

  endChange(sequence: number): void {
    this.#changes.end(sequence)
  }

  identityOf(sequence: number, { beganAt, again }: { readonly beganAt: number; readonly again: boolean }): Identity {
    const retry = this.#ports.clock.now() - beganAt > cacheSdkLimits.rememberedMs
    return { client: this.#id, sequence, confirmed: this.#changes.confirmed, retry, again }
  }

  /** What was written at the level `owner` goes to memory; then nobody needs to wait for this agent any more. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const { clock } = this.#ports
    const error = new LockstepError('closed', 'this cache was closed')
    this.asking.close(error)
    this.clearing.close(error)
    this.loading.close()
    this.watches.close()
    const deadline = millis(clock.now() + sdkLimits.farewellMs)
    this.#host.flush()
    while (this.#host.owed > 0 && clock.now() < deadline) await new Promise<void>((resolve) => void clock.after(settleMs, resolve))
    this.#host.leave()
    this.abandon()
    this.#options.closed()
  }

  #lineTo(slot: SlotId): CacheLine | null {
    const home = this.#homes.get(slot)
    return home === undefined ? null : this.#links.lineTo(home.node)
  }

  #bus(message: BusMessage): { readonly type: 'bus'; readonly content: Uint8Array } {
    return { type: 'bus', content: encodeBus([message]) }
  }

  #message(line: CacheLine, message: CacheServerMessage): void {
    if (message.type === 'leaders') this.#leaders(message)
    else if (message.type === 'bus') this.#heard(message.content)
    else if (message.type !== 'going') this.clearing.answered(line, message)
  }

  #leaders({ slots, leaders }: Extract<CacheServerMessage, { type: 'leaders' }>): void {
    const isFirst = this.#slots === 0
    this.#slots = slots
    for (const { slot, term, node } of leaders) {
      const known = this.#homes.get(slotId(slot))
      if (known === undefined || term > known.term) this.#homes.set(slotId(slot), { term: homeTerm(term), node })
      this.#host.homeIs(slotId(slot), homeTerm(term), node)
    }
    if (isFirst) this.#options.up()
  }

  /** What cannot be read comes of another version of the software: it may as well have got lost. */
  #heard(content: Uint8Array): void {
    const decoded = decodeBus(content)
    if (!decoded.ok) return
    for (const message of decoded.value)
      if (message.type === 'to-agent' && message.to === this.#id) this.#host.receive(withJson(message.message))
  }
}

/** How often it is looked whether memory has all. */
const settleMs = 5

/** Values of lines are what a program reads, made once for each line. */
function withJson(message: ToAgent): ToAgent {
  if (message.type !== 'reply') return message
  const { body } = message
  if (body.type === 'granted') return { ...message, body: { ...body, copy: { ...body.copy, value: jsonOf(body.copy.value) } } }
  if (body.type !== 'written' || body.line === null) return message
  const { line } = body
  return { ...message, body: { ...body, line: { ...line, copy: { ...line.copy, value: jsonOf(line.copy.value) } } } }
}

const jsonOf = (value: Value | null): JsonValue | null => (value === null ? null : JsonValue.from(value))
