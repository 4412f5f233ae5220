import type { Socket } from 'node:net'
import type { ClientDialer, ClientLink, ClientLinkEvents } from '#ports/client.ts'
import type { Cancel, Clock } from '#ports/clock.ts'
import type { Address } from '#ports/transport.ts'
import { clientHello, clientMessage, serverMessage, welcome } from '#wire/client-codec.ts'
import type { ClientHello, ClientMessage, ServerMessage } from '#wire/client-message.ts'
import type { Parting } from '#wire/control.ts'
import { type DialOutcome, dial, plainConnect } from '#io/transport/dial.ts'
import { clientUpgrade } from '#io/transport/upgrade.ts'
import { clientSocketLimits as limits } from './limits.ts'
import { MessageSocket } from './message-socket.ts'

/** Connections to real nodes: TCP behind `Upgrade: lockstep-client`. */
export class TcpClientDialer implements ClientDialer {
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  dial(address: Address, hello: ClientHello, events: ClientLinkEvents): ClientLink {
    return new TcpClientLink({ address, hello, events, clock: this.#clock })
  }
}

interface LinkOptions {
  readonly address: Address
  readonly hello: ClientHello
  readonly events: ClientLinkEvents
  readonly clock: Clock
}

class TcpClientLink implements ClientLink {
  readonly #options: LinkOptions
  readonly #cancelDial: Cancel
  #socket: MessageSocket<ServerMessage, ClientMessage> | null = null
  #cancelTick: Cancel = () => {}
  #over = false

  constructor(options: LinkOptions) {
    this.#options = options
    const { address, clock } = options
    const limitMs = limits.dialMs
    const done = (outcome: DialOutcome): void => this.#dialled(outcome)
    this.#cancelDial = dial({ address, upgrade: clientUpgrade, connect: plainConnect, limitMs, clock, done })
  }

  send(message: ClientMessage): void {
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
    const { clock, hello, events } = this.#options
    const own = {
      greeted: (body: Uint8Array): void => this.#greeted(body),
      message: (message: ServerMessage): void => {
        if (!this.#over) events.message(message)
      },
      ended: ({ code, detail }: Parting): void => this.#down(`${code}: ${detail}`),
    }
    const options = { socket, clock, events: own, limitMs: limits.dialMs, side: 'client' } as const
    this.#socket = new MessageSocket({ ...options, reads: serverMessage, writes: clientMessage })
    this.#socket.start(head)
    this.#socket.greet(clientHello.encode(hello))
    this.#tickLater()
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

  #down(reason: string): void {
    this.#cancelTick()
    if (this.#over) return
    this.#over = true
    this.#options.events.down(reason)
  }
}
