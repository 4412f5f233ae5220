import { BackOff } from '#base/back-off.ts'
import type { Millis } from '#base/brand.ts'
import type { Prng } from '#base/prng.ts'
import type { ClientDialer, ClientLink } from '#ports/client.ts'
import type { Cancel, Clock } from '#ports/clock.ts'
import type { Address } from '#ports/transport.ts'
import { clientProtocol } from '#wire/client-codec.ts'
import type { ServerMessage, Welcome } from '#wire/client-message.ts'
import type { Endpoints } from './endpoints.ts'
import { sdkLimits } from './limits.ts'

export interface UplinkPorts {
  readonly clock: Clock
  readonly prng: Prng
  readonly dialer: ClientDialer
}

export interface UplinkEvents {
  /** Everything goes over this link from now on; an earlier one is gone. */
  up(link: ClientLink): void
  down(): void
  message(message: ServerMessage): void
  /** An attempt failed, and there is no link. */
  failed(attempt: Attempt): void
}

export interface Attempt {
  readonly address: Address
  readonly reason: string
}

interface Dialling {
  readonly address: Address
  readonly link: ClientLink
}

interface Current {
  readonly link: ClientLink
  readonly address: Address
  readonly node: string
  readonly since: Millis
}

/**
 * Keeps one link to the service. Any node will do, for it passes commands on; the one that leads is better, so when another one is said to
 * lead, a link to that is made first, and then takes the place of the one there is. A link that breaks is followed by another, to whichever node answers.
 */
export class Uplink {
  readonly #ports: UplinkPorts
  readonly #endpoints: Endpoints
  readonly #events: UplinkEvents
  readonly #hello: { readonly service: string; readonly software: string }
  readonly #backOff: BackOff
  #current: Current | null = null
  #dialling: Dialling | null = null
  #leader: string | null = null
  /** Addresses still to be tried in this round. */
  #round: Address[] = []
  /** Said that it goes. */
  #leaving: Address | null = null
  #cancelWait: Cancel = () => {}
  #stopped = false

  constructor(ports: UplinkPorts, endpoints: Endpoints, options: { readonly software: string; readonly events: UplinkEvents }) {
    this.#ports = ports
    this.#endpoints = endpoints
    this.#events = options.events
    this.#hello = { service: 'lock', software: options.software }
    this.#backOff = new BackOff(ports.prng.fork())
  }

  start(): void {
    this.#round = [...this.#endpoints.all()]
    this.#dialNext()
  }

  stop(): void {
    this.#stopped = true
    this.#cancelWait()
    this.#dialling?.link.close()
    this.#current?.link.close()
    this.#dialling = null
    this.#current = null
  }

  get node(): string | null {
    return this.#current?.node ?? null
  }

  #dialNext(): void {
    if (this.#stopped || this.#dialling !== null) return
    const address = this.#round.shift()
    if (address === undefined) this.#beginRound()
    else this.#dial(address)
  }

  /** The leader first, and never all clients in one order. */
  #beginRound(): void {
    this.#cancelWait()
    this.#cancelWait = this.#ports.clock.after(this.#backOff.next(), () => {
      const all = this.#ports.prng.shuffle(this.#endpoints.all().filter((address) => address !== this.#leaving))
      const leader = this.#endpoints.addressOf(this.#leader)
      this.#round = leader === null ? all : [leader, ...all.filter((address) => address !== leader)]
      this.#leaving = null
      this.#dialNext()
    })
  }

  #dial(address: Address): void {
    const { oldest, newest } = clientProtocol
    const events = {
      up: (welcome: Welcome): void => this.#up(dialling, welcome),
      message: (message: ServerMessage): void => this.#message(dialling.link, message),
      down: (reason: string): void => this.#down(dialling, reason),
    }
    const dialling: Dialling = { address, link: this.#ports.dialer.dial(address, { oldest, newest, ...this.#hello }, events) }
    this.#dialling = dialling
  }

  #up({ link, address }: Dialling, welcome: Welcome): void {
    this.#dialling = null
    this.#round = []
    this.#cancelWait()
    this.#endpoints.learn(welcome.members)
    const before = this.#current
    this.#current = { link, address, node: welcome.node, since: this.#ports.clock.now() }
    before?.link.close()
    this.#leader = welcome.leader ?? this.#leader
    this.#events.up(link)
    this.#follow()
  }

  #message(link: ClientLink, message: ServerMessage): void {
    if (link !== this.#current?.link) return
    if (message.type === 'leader') {
      this.#endpoints.add(message.leader)
      this.#leader = message.leader.node
      this.#follow()
    } else if (message.type === 'going') {
      this.#leaving = this.#current.address
      if (this.#leader === this.#current.node) this.#leader = null
      if (this.#dialling === null) this.#beginRound()
    } else {
      this.#events.message(message)
    }
  }

  #down({ link, address }: Dialling, reason: string): void {
    if (this.#dialling?.link === link) {
      this.#dialling = null
      if (this.#current === null) {
        this.#events.failed({ address, reason })
        this.#dialNext()
      } else {
        this.#followLater()
      }
    } else if (this.#current?.link === link) {
      const { since, node } = this.#current
      this.#current = null
      this.#leaving = address
      if (this.#leader === node) this.#leader = null
      this.#backOff.heldFor(this.#ports.clock.now() - since)
      this.#events.down()
      this.#dialNext()
    }
  }

  #follow(): void {
    const address = this.#endpoints.addressOf(this.#leader)
    if (address === null || this.#current === null || this.#leader === this.#current.node || this.#dialling !== null) return
    this.#cancelWait()
    this.#dial(address)
  }

  #followLater(): void {
    this.#cancelWait()
    this.#cancelWait = this.#ports.clock.after(sdkLimits.followMs, () => this.#follow())
  }
}
