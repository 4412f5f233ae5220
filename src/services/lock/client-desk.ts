import type { LockEvent } from '#core/lock/types.ts'
import type { ClientChannel, ClientHost, ClientPeer } from '#ports/client.ts'
import type { Place, Welcome } from '#wire/client-message.ts'
import type { LockstepNode } from '#runtime/node.ts'
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
  readonly #ports: ClientDeskPorts
  readonly #connections = new Set<ClientConnection>()
  readonly #connectionPorts: ClientConnectionPorts

  constructor(ports: ClientDeskPorts) {
    this.#ports = ports
    this.#connectionPorts = { ...ports, left: (connection) => this.#connections.delete(connection) }
  }

  welcome(): Omit<Welcome, 'version'> | null {
    const { name, version } = this.#ports
    const node = this.#ports.node()
    const clusterId = node.identity?.formation?.clusterId ?? null
    if (clusterId === null) return null
    return { clusterId, node: name, software: version, members: this.#places(), leader: node.leaderOf(lockGroup) }
  }

  serve(channel: ClientChannel): ClientPeer {
    const connection = new ClientConnection(channel, this.#connectionPorts)
    this.#connections.add(connection)
    return connection
  }

  leaderChanged(node: string): void {
    const place = this.#places().find((member) => member.node === node)
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
    } else if (event.type === 'hold-ended' && event.reason === 'forced' && event.owner.session !== null) {
      const { session } = event.owner
      const { resource, token } = event.grant
      for (const connection of this.#connections) connection.forced(session, resource, token)
    }
  }

  /** A node that has just started knows its founders before it knows its members. */
  #places(): readonly Place[] {
    const { cluster, identity } = this.#ports.node()
    const members = cluster?.members ?? identity?.formation?.members ?? []
    return members.map(({ name, address }) => ({ node: name, address }))
  }
}
