import type { Millis } from '#base/brand.ts'
import { millis } from '#base/brand.ts'
import type { ClientLink } from '#ports/client.ts'
import { clientProtocol } from '#wire/client-codec.ts'
import type { Welcome } from '#wire/client-message.ts'
import type { Endpoints } from './endpoints.ts'
import { sdkLimits } from './limits.ts'
import type { Attempt, UplinkPorts } from './uplink.ts'
import { Uplink } from './uplink.ts'

/** One connection to one node. Another one to the same node is another line. */
export interface Line<FromClient> {
  readonly node: string
  readonly link: ClientLink<FromClient>
}

interface LinesEvents<FromClient, FromNode> {
  up(line: Line<FromClient>, welcome: Welcome): void
  /** What was sent over it and not answered is not answered any more. */
  down(line: Line<FromClient>): void
  message(line: Line<FromClient>, message: FromNode): void
  /** An attempt to reach any node failed, and none is reached. */
  failed(attempt: Attempt): void
}

interface LinesOptions<FromClient, FromNode> {
  readonly service: string
  readonly software: string
  /** Before a line that broke is made again. */
  readonly againMs: number
  readonly events: LinesEvents<FromClient, FromNode>
}

/** A line to a node of one's choice. */
interface Direct<FromClient> {
  readonly link: ClientLink<FromClient>
  line: Line<FromClient> | null
  /** It said that it goes. */
  leaving: boolean
}

/**
 * Lines to the nodes of a service. One is always kept, to whichever node answers, which passes on what is for another one. Beside it there are lines to
 * the nodes that something is for, which save that step; nothing has to wait for one of those.
 */
export class Lines<FromClient, FromNode extends { readonly type: string }> {
  readonly #ports: UplinkPorts<FromClient, FromNode>
  readonly #endpoints: Endpoints
  readonly #options: LinesOptions<FromClient, FromNode>
  readonly #uplink: Uplink<FromClient, FromNode>
  readonly #direct = new Map<string, Direct<FromClient>>()
  /** When a node that could not be reached may be tried again. */
  readonly #restUntil = new Map<string, Millis>()
  #kept: Line<FromClient> | null = null
  #stopped = false

  constructor(ports: UplinkPorts<FromClient, FromNode>, endpoints: Endpoints, options: LinesOptions<FromClient, FromNode>) {
    this.#ports = ports
    this.#endpoints = endpoints
    this.#options = options
    const { service, software, events } = options
    this.#uplink = new Uplink<FromClient, FromNode>(ports, endpoints, {
      service,
      software,
      steering: ({ type }) => (type === 'going' ? { type } : null),
      events: {
        up: (link, welcome) => this.#keptUp(link, welcome),
        down: () => this.#keptDown(),
        message: (message) => {
          if (this.#kept !== null && message.type !== 'going') events.message(this.#kept, message)
        },
        failed: (attempt) => events.failed(attempt),
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
    this.#kept = null
  }

  /** The node that everything can be sent to; null while there is none. */
  get node(): string | null {
    return this.#kept?.node ?? null
  }

  /** All that may be used, the one that is kept first. */
  get all(): readonly Line<FromClient>[] {
    const direct = [...this.#direct.values()].flatMap(({ line, leaving }) => (line === null || leaving ? [] : [line]))
    return this.#kept === null ? direct : [this.#kept, ...direct]
  }

  /** To that node. Null while it is not there; then it is made. */
  to(node: string): Line<FromClient> | null {
    if (node === this.#kept?.node) return this.#kept
    const direct = this.#direct.get(node)
    if (direct === undefined) this.#dial(node)
    return direct === undefined || direct.leaving ? null : direct.line
  }

  /** Any, for what is passed on; null while no node is reached. */
  get any(): Line<FromClient> | null {
    return this.#kept ?? this.all[0] ?? null
  }

  /** If it is the one that is kept, another one takes its place as soon as there is one. */
  leave(line: Line<FromClient>): void {
    if (line === this.#kept) this.#uplink.elsewhere()
  }

  #keptUp(link: ClientLink<FromClient>, welcome: Welcome): void {
    this.#keptDown()
    this.#kept = { node: this.#uplink.node ?? '', link }
    this.#options.events.up(this.#kept, welcome)
  }

  #keptDown(): void {
    const kept = this.#kept
    this.#kept = null
    if (kept !== null) this.#options.events.down(kept)
  }

  #dial(node: string): void {
    const address = this.#endpoints.addressOf(node)
    const { clock, dialer } = this.#ports
    if (this.#stopped || address === null || clock.now() < (this.#restUntil.get(node) ?? 0)) return
    const events = {
      up: (welcome: Welcome): void => {
        direct.line = { node, link: direct.link }
        this.#options.events.up(direct.line, welcome)
      },
      message: (message: FromNode): void => {
        if (message.type === 'going') direct.leaving = true
        else if (direct.line !== null) this.#options.events.message(direct.line, message)
      },
      down: (): void => this.#directDown(node, direct),
    }
    const { service, software } = this.#options
    const hello = { oldest: clientProtocol.oldest, newest: clientProtocol.newest, service, software }
    const direct: Direct<FromClient> = { link: dialer.dial(address, hello, events), line: null, leaving: false }
    this.#direct.set(node, direct)
  }

  #directDown(node: string, { line, link }: Direct<FromClient>): void {
    if (this.#direct.get(node)?.link === link) this.#direct.delete(node)
    const restMs = line === null ? sdkLimits.followMs : this.#options.againMs
    this.#restUntil.set(node, millis(this.#ports.clock.now() + restMs))
    if (line !== null) this.#options.events.down(line)
  }
}
