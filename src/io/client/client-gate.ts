import type { Socket } from 'node:net'
import { nextMultiple } from '#base/cadence.ts'
import { ok } from '#base/result.ts'
import type { Caller } from '#core/access/types.ts'
import type { ClientAccess, ClientHost, ClientPeer } from '#ports/client.ts'
import type { Cancel, Clock } from '#ports/clock.ts'
import type { Telemetry } from '#ports/telemetry.ts'
import { clientHello, clientProtocol, welcome } from '#wire/client-codec.ts'
import type { ClientHello } from '#wire/client-message.ts'
import type { Parting } from '#wire/control.ts'
import { type Server, clientUpgrade, onUpgrade } from '#io/transport/upgrade.ts'
import { clientSocketLimits as limits } from './limits.ts'
import { MessageSocket } from './message-socket.ts'

export interface ClientGateOptions<FromClient, FromNode> {
  readonly server: Server
  readonly host: ClientHost<FromClient, FromNode>
  readonly clock: Clock
  readonly telemetry: Telemetry
  /** Null where everybody is let in. */
  readonly access?: ClientAccess | null
}

/** Lets clients in on the node's one port, behind `Upgrade: lockstep-client`. */
export class ClientGate<FromClient, FromNode> {
  readonly #options: ClientGateOptions<FromClient, FromNode>
  /** With who speaks on them, once that is known. */
  readonly #sockets = new Map<MessageSocket<FromClient, FromNode>, Caller | null>()
  #cancelUpgrade: Cancel = () => {}
  #cancelTick: Cancel = () => {}

  constructor(options: ClientGateOptions<FromClient, FromNode>) {
    this.#options = options
  }

  start(): void {
    this.#cancelUpgrade = onUpgrade(this.#options.server, clientUpgrade, { accept: (socket, head) => this.#accept(socket, head) })
    this.#tickLater()
  }

  stop(): void {
    this.#cancelUpgrade()
    this.#cancelTick()
    for (const socket of this.#sockets.keys()) socket.close('stopping', 'this node is stopping')
  }

  #accept(socket: Socket, head: Uint8Array): void {
    if (this.#sockets.size >= limits.connectionsMax) {
      this.#count('too-many')
      socket.destroy()
      return
    }
    let peer: ClientPeer<FromClient> | null = null
    const { clock, host } = this.#options
    const events = {
      greeted: (body: Uint8Array): void => {
        peer = this.#welcome(opened, { body, address: socket.remoteAddress ?? '' })
      },
      message: (message: FromClient): void => peer?.received(message),
      ended: (parting: Parting): void => {
        this.#sockets.delete(opened)
        this.#count(parting.code)
        peer?.gone()
      },
    }
    const { fromClient: reads, fromNode: writes, longFromClient: readsLong } = host.protocol
    const options = { socket, clock, events, limitMs: limits.acceptMs, side: 'node', reads, writes, readsLong } as const
    const opened = new MessageSocket<FromClient, FromNode>(options)
    this.#sockets.set(opened, null)
    opened.start(head)
  }

  /** Null when the client was sent away. */
  #welcome(
    socket: MessageSocket<FromClient, FromNode>,
    { body, address }: { readonly body: Uint8Array; readonly address: string },
  ): ClientPeer<FromClient> | null {
    const hello = clientHello.decode(body)
    const objection = hello.ok
      ? objectionTo(hello.value, this.#options.host.protocol.service)
      : ({ code: 'malformed', detail: hello.error } as const)
    const { host, access = null } = this.#options
    const own = host.welcome()
    const caller = hello.ok ? (access?.identify(hello.value.token, address) ?? ok({ token: null, address })) : ok(null)
    if (objection !== null) {
      socket.close(objection.code, objection.detail)
    } else if (!caller.ok) {
      socket.close('unauthorized', caller.error.message)
    } else if (own === null || caller.value === null) {
      socket.close('not-ready', 'this node does not belong to a cluster yet')
    } else {
      this.#sockets.set(socket, caller.value)
      socket.greet(welcome.encode({ ...own, version: clientProtocol.newest, grants: caller.value.token }))
      this.#count('up')
      return host.serve(socket, caller.value)
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
    const { access = null } = this.#options
    for (const [socket, caller] of this.#sockets) {
      if (access !== null && caller !== null && !access.isCurrent(caller)) {
        socket.close('unauthorized', 'the token of this connection is not good any more, or was changed')
      } else socket.tick()
    }
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
