import type { Millis } from '#base/brand.ts'
import { millis } from '#base/brand.ts'
import type { Grants } from '#core/access/types.ts'
import type { AgentId } from '#core/cache/types.ts'
import type { ClientLink } from '#ports/client.ts'
import type { Endpoints } from '#sdk/endpoints.ts'
import { sdkLimits } from '#sdk/limits.ts'
import type { Attempt } from '#sdk/uplink.ts'
import { Uplink } from '#sdk/uplink.ts'
import type { CacheClientMessage, CacheServerMessage } from '#wire/cache-client-message.ts'
import type { Welcome } from '#wire/client-message.ts'
import { clientProtocol } from '#wire/client-codec.ts'
import type { CacheSdkPorts } from './ports.ts'

/** One connection to one node. Another one to the same node is another line. */
export interface Line {
  readonly node: string
  readonly link: ClientLink<CacheClientMessage>
}

interface LinkEvents {
  /** A node has let this process in, and told what it may do. */
  welcomed(grants: Grants | null): void
  /** What was sent over it and not answered is not answered any more. */
  down(line: Line): void
  message(line: Line, message: CacheServerMessage): void
  /** An attempt to reach any node failed, and none is reached. */
  failed(attempt: Attempt): void
}

/** A line to a node, made because something is for it. */
interface Direct {
  readonly link: ClientLink<CacheClientMessage>
  line: Line | null
}

interface LinkOptions {
  readonly agent: AgentId
  readonly software: string
  readonly events: LinkEvents
}

/**
 * Ways to the nodes. One line is always kept, to whichever node answers, which passes on what is for another one. Beside it there are lines to the homes
 * that are used, which save that step.
 */
export class CacheLinks {
  readonly #ports: CacheSdkPorts
  readonly #endpoints: Endpoints
  readonly #options: LinkOptions
  readonly #uplink: Uplink<CacheClientMessage, CacheServerMessage>
  readonly #direct = new Map<string, Direct>()
  /** When a node that could not be reached may be tried again. */
  readonly #restUntil = new Map<string, Millis>()
  #any: Line | null = null
  #stopped = false

  constructor(ports: CacheSdkPorts, endpoints: Endpoints, options: LinkOptions) {
    this.#ports = ports
    this.#endpoints = endpoints
    this.#options = options
    this.#uplink = new Uplink<CacheClientMessage, CacheServerMessage>(ports, endpoints, {
      service: 'cache',
      software: options.software,
      steering: (message) => (message.type === 'going' ? message : null),
      events: {
        up: (link, welcome) => this.#anyUp(link, welcome),
        down: () => this.#anyDown(),
        message: (message) => {
          if (this.#any !== null) this.#message(this.#any, message)
        },
        failed: (attempt) => options.events.failed(attempt),
      },
    })
  }

  start(): void {
    this.#uplink.start()
  }

  stop(): void {
    this.#stopped = true
    this.#uplink.stop()
    for (const { link } of this.#direct.values()) link.close()
    this.#direct.clear()
    this.#any = null
  }

  /** The node that everything can be sent to; null while there is none. */
  get node(): string | null {
    return this.#any?.node ?? null
  }

  /** To that node, or to one that passes it on. */
  send(node: string, message: CacheClientMessage): void {
    const line = this.lineTo(node) ?? this.#any ?? this.#lines()[0]
    line?.link.send(message)
  }

  /** To whichever node there is: not always the same one, as it may know nothing. */
  ask(message: CacheClientMessage): void {
    const lines = this.#lines()
    if (lines.length > 0) this.#ports.prng.pick(lines).link.send(message)
  }

  /** Null while it is not there; then it is made. */
  lineTo(node: string): Line | null {
    if (node === this.#any?.node) return this.#any
    const direct = this.#direct.get(node)
    if (direct === undefined) this.#dial(node)
    return direct?.line ?? null
  }

  #lines(): readonly Line[] {
    const direct = [...this.#direct.values()].flatMap(({ line }) => (line === null ? [] : [line]))
    return this.#any === null ? direct : [this.#any, ...direct]
  }

  #anyUp(link: ClientLink<CacheClientMessage>, { grants }: Welcome): void {
    this.#anyDown()
    this.#options.events.welcomed(grants)
    this.#any = { node: this.#uplink.node ?? '', link }
    this.#enter(link)
  }

  #anyDown(): void {
    const any = this.#any
    this.#any = null
    if (any !== null) this.#options.events.down(any)
  }

  #dial(node: string): void {
    const address = this.#endpoints.addressOf(node)
    const { clock, dialer } = this.#ports
    if (this.#stopped || address === null || clock.now() < (this.#restUntil.get(node) ?? 0)) return
    const events = {
      up: ({ grants }: Welcome): void => {
        this.#options.events.welcomed(grants)
        direct.line = { node, link: direct.link }
        this.#enter(direct.link)
      },
      message: (message: CacheServerMessage): void => {
        if (direct.line !== null) this.#message(direct.line, message)
      },
      down: (): void => this.#directDown(node, direct),
    }
    const { software } = this.#options
    const hello = { oldest: clientProtocol.oldest, newest: clientProtocol.newest, service: 'cache', software }
    const direct: Direct = { link: dialer.dial(address, hello, events), line: null }
    this.#direct.set(node, direct)
  }

  #directDown(node: string, { line, link }: Direct): void {
    if (this.#direct.get(node)?.link === link) this.#direct.delete(node)
    this.#restUntil.set(node, millis(this.#ports.clock.now() + (line === null ? sdkLimits.followMs : againMs)))
    if (line !== null) this.#options.events.down(line)
  }

  #enter(link: ClientLink<CacheClientMessage>): void {
    link.send({ type: 'enter', agent: this.#options.agent })
  }

  #message(line: Line, message: CacheServerMessage): void {
    if (message.type === 'leaders') this.#endpoints.learn(message.members)
    if (message.type !== 'going') this.#options.events.message(line, message)
  }
}

/** Before a line that broke is made again: a lease may hang on it. */
const againMs = 50
