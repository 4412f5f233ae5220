import type { Socket } from 'node:net'
import { nextMultiple } from '#base/cadence.ts'
import type { ClientHost, ClientPeer } from '#ports/client.ts'
import type { Cancel, Clock } from '#ports/clock.ts'
import type { Telemetry } from '#ports/telemetry.ts'
import { clientHello, clientMessage, clientProtocol, serverMessage, welcome } from '#wire/client-codec.ts'
import type { ClientHello, ClientMessage, ServerMessage } from '#wire/client-message.ts'
import type { Parting } from '#wire/control.ts'
import { type Server, clientUpgrade, onUpgrade } from '#io/transport/upgrade.ts'
import { clientSocketLimits as limits } from './limits.ts'
import { MessageSocket } from './message-socket.ts'

export interface ClientGateOptions {
  readonly server: Server
  /** What clients must want to be let in. */
  readonly service: string
  readonly host: ClientHost
  readonly clock: Clock
  readonly telemetry: Telemetry
}

type NodeSocket = MessageSocket<ClientMessage, ServerMessage>

/** Lets clients in on the node's one port, behind `Upgrade: lockstep-client`. */
export class ClientGate {
  readonly #options: ClientGateOptions
  readonly #sockets = new Set<NodeSocket>()
  #cancelUpgrade: Cancel = () => {}
  #cancelTick: Cancel = () => {}

  constructor(options: ClientGateOptions) {
    this.#options = options
  }

  start(): void {
    this.#cancelUpgrade = onUpgrade(this.#options.server, clientUpgrade, (socket, head) => this.#accept(socket, head))
    this.#tickLater()
  }

  stop(): void {
    this.#cancelUpgrade()
    this.#cancelTick()
    for (const socket of this.#sockets) socket.close('stopping', 'this node is stopping')
  }

  #accept(socket: Socket, head: Uint8Array): void {
    if (this.#sockets.size >= limits.connectionsMax) {
      this.#count('too-many')
      socket.destroy()
      return
    }
    let peer: ClientPeer | null = null
    const { clock } = this.#options
    const events = {
      greeted: (body: Uint8Array): void => {
        peer = this.#welcome(opened, body)
      },
      message: (message: ClientMessage): void => peer?.received(message),
      ended: (parting: Parting): void => {
        this.#sockets.delete(opened)
        this.#count(parting.code)
        peer?.gone()
      },
    }
    const options = { socket, clock, events, limitMs: limits.acceptMs, side: 'node' } as const
    const opened: NodeSocket = new MessageSocket({ ...options, reads: clientMessage, writes: serverMessage })
    this.#sockets.add(opened)
    opened.start(head)
  }

  /** Null when the client was sent away. */
  #welcome(socket: NodeSocket, body: Uint8Array): ClientPeer | null {
    const hello = clientHello.decode(body)
    const objection = hello.ok ? objectionTo(hello.value, this.#options.service) : ({ code: 'malformed', detail: hello.error } as const)
    const own = this.#options.host.welcome()
    if (objection !== null) {
      socket.close(objection.code, objection.detail)
    } else if (own === null) {
      socket.close('not-ready', 'this node does not belong to a cluster yet')
    } else {
      socket.greet(welcome.encode({ ...own, version: clientProtocol.newest }))
      this.#count('up')
      return this.#options.host.serve(socket)
    }
    return null
  }

  #count(outcome: string): void {
    this.#options.telemetry.count('lockstep_client_connections_total', { outcome })
  }

  #tickLater(): void {
    const { clock } = this.#options
    const now = clock.now()
    this.#cancelTick = clock.after(nextMultiple(now, limits.tickMs) - now, () => this.#tick())
  }

  #tick(): void {
    for (const socket of this.#sockets) socket.tick()
    this.#options.telemetry.gauge('lockstep_client_connections', {}, this.#sockets.size)
    this.#tickLater()
  }
}

function objectionTo({ oldest, newest, service }: ClientHello, own: string): Parting | null {
  if (newest < clientProtocol.oldest || oldest > clientProtocol.newest) {
    const ours = `${clientProtocol.oldest} to ${clientProtocol.newest}`
    return { code: 'unknown-version', detail: `the client speaks protocol versions ${oldest} to ${newest}, this node ${ours}` }
  }
  return service === own ? null : { code: 'other-service', detail: `the client wants the service ${service}, this node runs ${own}` }
}
