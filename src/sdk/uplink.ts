import { BackOff } from '#base/back-off.ts'
import type { Millis } from '#base/brand.ts'
import type { Prng } from '#base/prng.ts'
import type { ClientDialer, ClientLink } from '#ports/client.ts'
import type { Cancel, Clock } from '#ports/clock.ts'
import type { Address } from '#ports/transport.ts'
import { clientProtocol } from '#wire/client-codec.ts'
import type { Place, Welcome } from '#wire/client-message.ts'
import type { PartingCode } from '#wire/control.ts'
import type { Endpoints } from './endpoints.ts'
import { sdkLimits } from './limits.ts'

export interface UplinkPorts<FromClient, FromNode> {
  readonly clock: Clock
  readonly prng: Prng
  readonly dialer: ClientDialer<FromClient, FromNode>
}

export interface UplinkEvents<FromClient, FromNode> {
  /** Everything goes over this link from now on; an earlier one is gone. */
  up(link: ClientLink<FromClient>, welcome: Welcome): void
  down(): void
  message(message: FromNode): void
  /** An attempt failed, and there is no link. */
  failed(attempt: Attempt): void
}

export interface Attempt {
  readonly address: Address
  readonly reason: string
  /** Why the node sent the client away, if it did. */
  readonly code: PartingCode | null
}

/** What a node says about where to go. */
type Steering =
  /** Another one leads. */
  | { readonly type: 'leader'; readonly leader: Place }
  /** It is about to stop. */
  | { readonly type: 'going' }

interface UplinkOptions<FromClient, FromNode> {
  readonly service: string
  readonly software: string
  readonly events: UplinkEvents<FromClient, FromNode>
  /** Null for what is not about that. */
  readonly steering: (message: FromNode) => Steering | null
}

interface Dialling<FromClient> {
  readonly address: Address
  readonly link: ClientLink<FromClient>
}

interface Current<FromClient> {
  readonly link: ClientLink<FromClient>
  readonly address: Address
  readonly node: string
  readonly since: Millis
}

/**
 * Keeps one link to the service. Any node will do, for it passes commands on; the one that leads is better, so when another one is said to
 * lead, a link to that is made first, and then takes the place of the one there is. A link that breaks is followed by another, to whichever node answers.
 */
export class Uplink<FromClient, FromNode> {
  readonly #ports: UplinkPorts<FromClient, FromNode>
  readonly #endpoints: Endpoints
  readonly #events: UplinkEvents<FromClient, FromNode>
  readonly #steering: (message: FromNode) => Steering | null
  readonly #hello: { readonly service: string; readonly software: string }
  readonly #backOff: BackOff
  #current: Current<FromClient> | null = null
  #dialling: Dialling<FromClient> | null = null
  #leader: string | null = null
  /** Addresses still to be tried in this round. */
  #round: Address[] = []
  /** Said that it goes. */
  #leaving: Address | null = null
  #cancelWait: Cancel = () => {}
  #stopped = false

  constructor(ports: UplinkPorts<FromClient, FromNode>, endpoints: Endpoints, options: UplinkOptions<FromClient, FromNode>) {
    this.#ports = ports
    this.#endpoints = endpoints
    this.#events = options.events
    this.#steering = options.steering
    this.#hello = { service: options.service, software: options.software }
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

  /** The node does not answer, and another one may: it may hear nobody, and not know. */
  elsewhere(): void {
    if (this.#current !== null) this.#leave(this.#current)
  }

  /** As soon as there is another one; the one that is dialled already may do. */
  #leave(current: Current<FromClient>): void {
    this.#left(current)
    if (this.#dialling === null) this.#beginRound()
    else this.#round = this.#others().filter((other) => other !== this.#dialling?.address)
  }

  #dialNext(): void {
    if (this.#stopped || this.#dialling !== null) return
    const address = this.#round.shift()
    if (address === undefined) this.#beginRound()
    else this.#dial(address)
  }

  #beginRound(): void {
    this.#cancelWait()
    this.#cancelWait = this.#ports.clock.after(this.#backOff.next(), () => {
      this.#round = this.#others()
      this.#dialNext()
    })
  }

  /** But the one that is left: the leader first, and never all clients in one order. */
  #others(): Address[] {
    const all = this.#ports.prng.shuffle(this.#endpoints.all().filter((address) => address !== this.#leaving))
    const leader = this.#endpoints.addressOf(this.#leader)
    this.#leaving = null
    return leader === null ? all : [leader, ...all.filter((address) => address !== leader)]
  }

  #dial(address: Address): void {
    const { oldest, newest } = clientProtocol
    const events = {
      up: (welcome: Welcome): void => this.#up(dialling, welcome),
      message: (message: FromNode): void => this.#message(dialling.link, message),
      down: (reason: string, code?: PartingCode): void => this.#down(dialling, reason, code ?? null),
    }
    const dialling: Dialling<FromClient> = { address, link: this.#ports.dialer.dial(address, { oldest, newest, ...this.#hello }, events) }
    this.#dialling = dialling
  }

  #up({ link, address }: Dialling<FromClient>, welcome: Welcome): void {
    this.#dialling = null
    this.#round = []
    this.#cancelWait()
    this.#endpoints.learn(welcome.members)
    const before = this.#current
    this.#current = { link, address, node: welcome.node, since: this.#ports.clock.now() }
    before?.link.close()
    this.#leader = welcome.leader ?? this.#leader
    this.#events.up(link, welcome)
    this.#follow()
  }

  #message(link: ClientLink<FromClient>, message: FromNode): void {
    if (link !== this.#current?.link) return
    const steering = this.#steering(message)
    if (steering?.type === 'leader') {
      this.#endpoints.add(steering.leader)
      this.#leader = steering.leader.node
      this.#follow()
    } else if (steering?.type === 'going') {
      this.#leave(this.#current)
    } else {
      this.#events.message(message)
    }
  }

  #down({ link, address }: Dialling<FromClient>, reason: string, code: PartingCode | null): void {
    if (this.#dialling?.link === link) {
      this.#dialling = null
      if (this.#current === null) {
        this.#events.failed({ address, reason, code })
        this.#dialNext()
      } else if (this.#round.length > 0) {
        this.#dialNext()
      } else {
        this.#followLater()
      }
    } else if (this.#current?.link === link) {
      this.#left(this.#current)
      this.#current = null
      this.#events.down()
      this.#dialNext()
    }
  }

  #left({ address, node, since }: Current<FromClient>): void {
    this.#leaving = address
    if (this.#leader === node) this.#leader = null
    this.#backOff.heldFor(this.#ports.clock.now() - since)
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
