import type { Millis } from '#base/brand.ts'
import type { Endpoints } from '#sdk/endpoints.ts'
import { sdkLimits } from '#sdk/limits.ts'
import { Uplink } from '#sdk/uplink.ts'
import type { Attempt } from '#sdk/uplink.ts'
import type { ClientLink } from '#ports/client.ts'
import { clientProtocol } from '#wire/client-codec.ts'
import type { QueueClientMessage, QueueServerMessage } from '#wire/queue-client-message.ts'
import type { QueueSdkPorts } from './ports.ts'

/** One connection to one node. Another one to the same node is another line. */
export interface Line {
  readonly node: string
  readonly link: ClientLink<QueueClientMessage>
}

export interface LinkEvents {
  up(line: Line): void
  /** What was sent over it and not answered is not answered any more. */
  down(line: Line): void
  message(line: Line, message: QueueServerMessage): void
  /** An attempt to reach any node failed, and none is reached. */
  failed(attempt: Attempt): void
}

/** A line to a leader, made because something is for it. */
interface Direct {
  readonly link: ClientLink<QueueClientMessage>
  line: Line | null
  /** It said that it goes. */
  leaving: boolean
}

/**
 * Ways to the nodes. One line is always kept, to whichever node answers, and carries whatever is sent: nodes pass calls on. Beside it there are
 * lines to the nodes that lead the slots that are used, which save that step. Nothing waits for one of those.
 */
export class QueueLinks {
  readonly #ports: QueueSdkPorts
  readonly #endpoints: Endpoints
  readonly #events: LinkEvents
  readonly #software: string
  readonly #uplink: Uplink<QueueClientMessage, QueueServerMessage>
  readonly #leaders = new Map<number, string>()
  readonly #direct = new Map<string, Direct>()
  /** When a node that could not be reached may be tried again. */
  readonly #restUntil = new Map<string, Millis>()
  #home: Line | null = null
  #stopped = false

  constructor(ports: QueueSdkPorts, endpoints: Endpoints, options: { readonly software: string; readonly events: LinkEvents }) {
    this.#ports = ports
    this.#endpoints = endpoints
    this.#events = options.events
    this.#software = options.software
    this.#uplink = new Uplink<QueueClientMessage, QueueServerMessage>(ports, endpoints, {
      service: 'queue',
      software: options.software,
      steering: (message) => (message.type === 'going' ? message : null),
      events: {
        up: (link) => this.#homeUp(link),
        down: () => this.#homeDown(),
        message: (message) => {
          if (this.#home !== null) this.#message(this.#home, message)
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
    this.#home = null
  }

  /** The node that everything can be sent to; null while there is none. */
  get node(): string | null {
    return this.#home?.node ?? null
  }

  /** Where a call about the slot goes now; null while no node is reached. */
  lineFor(slot: number | null): Line | null {
    const leader = slot === null ? undefined : this.#leaders.get(slot)
    if (leader === undefined || leader === this.#home?.node) return this.#home ?? this.#anyDirect()
    const direct = this.#direct.get(leader)
    if (direct === undefined) this.#dial(leader)
    const isThere = direct !== undefined && direct.line !== null && !direct.leaving
    return isThere ? direct.line : (this.#home ?? this.#anyDirect())
  }

  #anyDirect(): Line | null {
    for (const { line, leaving } of this.#direct.values()) if (line !== null && !leaving) return line
    return null
  }

  #homeUp(link: ClientLink<QueueClientMessage>): void {
    this.#homeDown()
    const home = { node: this.#uplink.node ?? '', link }
    this.#home = home
    this.#events.up(home)
  }

  #homeDown(): void {
    const home = this.#home
    this.#home = null
    if (home !== null) this.#events.down(home)
  }

  #dial(node: string): void {
    const address = this.#endpoints.addressOf(node)
    const { clock, dialer } = this.#ports
    if (this.#stopped || address === null || clock.now() < (this.#restUntil.get(node) ?? 0)) return
    const events = {
      up: (): void => {
        const line = { node, link: direct.link }
        direct.line = line
        this.#events.up(line)
      },
      message: (message: QueueServerMessage): void => {
        if (message.type === 'going') direct.leaving = true
        else if (direct.line !== null) this.#message(direct.line, message)
      },
      down: (): void => this.#directDown(node, direct),
    }
    const hello = { oldest: clientProtocol.oldest, newest: clientProtocol.newest, service: 'queue', software: this.#software }
    const direct: Direct = { link: dialer.dial(address, hello, events), line: null, leaving: false }
    this.#direct.set(node, direct)
  }

  #directDown(node: string, { line, link }: Direct): void {
    if (this.#direct.get(node)?.link === link) this.#direct.delete(node)
    this.#restUntil.set(node, (this.#ports.clock.now() + sdkLimits.followMs) as Millis)
    if (line !== null) this.#events.down(line)
  }

  #message(line: Line, message: QueueServerMessage): void {
    if (message.type !== 'leaders') return this.#events.message(line, message)
    this.#endpoints.learn(message.members)
    for (const { slot, node } of message.leaders) {
      // A node that knows of no leader says nothing against what others know.
      if (node !== null) this.#leaders.set(slot, node)
    }
  }
}
