import type { HoldEnd, LockEvent } from '#core/lock/types.ts'
import type { ClientChannel, ClientHost, ClientPeer } from '#ports/client.ts'
import { lockClients } from '#wire/client-codec.ts'
import type { LockstepNode } from '#runtime/node.ts'
import { placesOf, welcomeOf } from '#services/common/client-welcome.ts'
import type { ClientConnectionPorts } from './client-connection.ts'
import { ClientConnection } from './client-connection.ts'
import { lockGroup } from './limits.ts'

export interface ClientDeskPorts extends Omit<ClientConnectionPorts, 'left'> {
  readonly node: () => LockstepNode
  readonly name: string
  readonly version: string
}

/** The connections of clients with this node, and what concerns them all. */
export class ClientDesk implements ClientHost {
  readonly protocol = lockClients
  readonly #ports: ClientDeskPorts
  readonly #connections = new Set<ClientConnection>()
  readonly #connectionPorts: ClientConnectionPorts

  constructor(ports: ClientDeskPorts) {
    this.#ports = ports
    this.#connectionPorts = { ...ports, left: (connection) => this.#connections.delete(connection) }
  }

  welcome(): ReturnType<ClientHost['welcome']> {
    return welcomeOf(this.#ports, this.#ports.node().leaderOf(lockGroup))
  }

  serve(channel: ClientChannel): ClientPeer {
    const connection = new ClientConnection(channel, this.#connectionPorts)
    this.#connections.add(connection)
    return connection
  }

  leaderChanged(node: string): void {
    const place = placesOf(this.#ports.node()).find((member) => member.node === node)
    if (place === undefined) return
    for (const connection of this.#connections) connection.leaderChanged(place)
  }

  going(): void {
    for (const connection of this.#connections) connection.going()
  }

  /** What the replica here has applied. */
  applied(event: LockEvent): void {
    if (event.type === 'session-ended') {
      for (const connection of this.#connections) connection.sessionEnded(event.session)
    } else if (event.type === 'hold-ended' && isUnasked(event.reason) && event.owner.session !== null) {
      const { session } = event.owner
      const { resource, token } = event.grant
      for (const connection of this.#connections) connection.forced(session, resource, token)
    }
  }
}

/** Of what ends a lock but not its session: what its program does not do itself. */
const isUnasked = (reason: HoldEnd): boolean => reason === 'forced' || reason === 'released-elsewhere'
