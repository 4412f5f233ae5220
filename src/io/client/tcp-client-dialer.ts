import type { Socket } from 'node:net'
import type { ClientDialer, ClientLink, ClientLinkEvents, Greeting } from '#ports/client.ts'
import type { Cancel, Clock } from '#ports/clock.ts'
import type { Address } from '#ports/transport.ts'
import { clientHello, welcome } from '#wire/client-codec.ts'
import type { ClientProtocol } from '#wire/client-protocol.ts'
import type { Parting, PartingCode } from '#wire/control.ts'
import { type DialOutcome, dial, plainConnect } from '#io/transport/dial.ts'
import { clientUpgrade } from '#io/transport/upgrade.ts'
import { clientSocketLimits as limits } from './limits.ts'
import { MessageSocket } from './message-socket.ts'

/** Connections to real nodes: TCP behind `Upgrade: lockstep-client`. */
export class TcpClientDialer<FromClient, FromNode> implements ClientDialer<FromClient, FromNode> {
  readonly #clock: Clock
  readonly #protocol: ClientProtocol<FromClient, FromNode>
  readonly #dialing: Required<Dialing>

  constructor(clock: Clock, protocol: ClientProtocol<FromClient, FromNode>, { connect = plainConnect, token = () => null }: Dialing = {}) {
    this.#clock = clock
    this.#protocol = protocol
    this.#dialing = { connect, token }
  }

  dial(address: Address, hello: Greeting, events: ClientLinkEvents<FromNode>): ClientLink<FromClient> {
    return new TcpClientLink({ address, hello, events, clock: this.#clock, protocol: this.#protocol, ...this.#dialing })
  }
}

type Connect = typeof plainConnect

/** The secret to show; asked for with every connection, so that it may change. */
export type TokenSource = () => string | null | Promise<string | null>

interface Dialing {
  /** For TLS. */
  readonly connect?: Connect
  readonly token?: TokenSource
}

interface LinkOptions<FromClient, FromNode> {
  readonly connect: Connect
  readonly address: Address
  readonly hello: Greeting
  readonly token: TokenSource
  readonly events: ClientLinkEvents<FromNode>
  readonly clock: Clock
  readonly protocol: ClientProtocol<FromClient, FromNode>
}

class TcpClientLink<FromClient, FromNode> implements ClientLink<FromClient> {
  readonly #options: LinkOptions<FromClient, FromNode>
  readonly #cancelDial: Cancel
  #socket: MessageSocket<FromNode, FromClient> | null = null
  #cancelTick: Cancel = () => {}
  #over = false

  constructor(options: LinkOptions<FromClient, FromNode>) {
    this.#options = options
    const { address, clock, connect } = options
    const limitMs = limits.dialMs
    const done = (outcome: DialOutcome): void => this.#dialled(outcome)
    this.#cancelDial = dial({ address, upgrade: clientUpgrade, connect, limitMs, clock, done })
  }

  send(message: FromClient): void {
    this.#socket?.send(message)
  }

  close(): void {
    this.#over = true
    this.#cancelTick()
    this.#cancelDial()
    this.#socket?.close('stopping', 'the client leaves')
  }

  #dialled(outcome: DialOutcome): void {
    if (outcome.type === 'failed') return this.#down(outcome.detail)
    this.#open(outcome.socket, outcome.head)
  }

  #open(socket: Socket, head: Uint8Array): void {
    const { clock, events, protocol } = this.#options
    const own = {
      greeted: (body: Uint8Array): void => this.#greeted(body),
      message: (message: FromNode): void => {
        if (!this.#over) events.message(message)
      },
      ended: ({ code, detail }: Parting): void => this.#down(`${code}: ${detail}`, code),
    }
    const { fromNode: reads, fromClient: writes } = protocol
    this.#socket = new MessageSocket({ socket, clock, events: own, limitMs: limits.dialMs, side: 'client', reads, writes, readsLong: true })
    this.#socket.start(head)
    void this.#greet(this.#socket)
    this.#tickLater()
  }

  /** A token that cannot be had ends the attempt: the next one asks for it again. */
  async #greet(socket: MessageSocket<FromNode, FromClient>): Promise<void> {
    const { hello, token } = this.#options
    try {
      const secret = await token()
      if (!this.#over) socket.greet(clientHello.encode({ ...hello, token: secret }))
    } catch (error) {
      this.#down(`the token could not be had: ${error instanceof Error ? error.message : String(error)}`)
      socket.close('stopping', 'the client has no token')
    }
  }

  #greeted(body: Uint8Array): void {
    const decoded = welcome.decode(body)
    if (!decoded.ok) this.#socket?.close('malformed', decoded.error)
    else if (!this.#over) this.#options.events.up(decoded.value)
  }

  #tickLater(): void {
    this.#cancelTick = this.#options.clock.after(limits.tickMs, () => {
      this.#socket?.tick()
      if (!this.#over) this.#tickLater()
    })
  }

  #down(reason: string, code?: PartingCode): void {
    this.#cancelTick()
    if (this.#over) return
    this.#over = true
    this.#options.events.down(reason, code)
  }
}
