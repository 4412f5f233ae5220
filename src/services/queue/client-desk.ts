import type { Caller } from '#core/access/types.ts'
import type { ClientChannel, ClientHost, ClientPeer } from '#ports/client.ts'
import type { Clock } from '#ports/clock.ts'
import type { SlotHost } from '#runtime/slot-host.ts'
import { placesOf, welcomeOf } from '#services/common/client-welcome.ts'
import { queueClients } from '#wire/queue-client-codec.ts'
import type { QueueClientMessage, QueueServerMessage } from '#wire/queue-client-message.ts'
import type { QueueClientPorts } from './client-connection.ts'
import { QueueClientConnection } from './client-connection.ts'

export interface QueueClientDeskPorts extends Omit<QueueClientPorts, 'left'> {
  readonly node: () => SlotHost
  readonly name: string
  readonly version: string
  readonly clock: Clock
}

/** The connections of clients with this node, and what concerns them all: who leads which slot. */
export class QueueClientDesk implements ClientHost<QueueClientMessage, QueueServerMessage> {
  readonly protocol = queueClients
  readonly #ports: QueueClientDeskPorts
  readonly #connections = new Set<QueueClientConnection>()
  /** Slots whose leader has changed in this turn. */
  readonly #changed = new Set<number>()

  constructor(ports: QueueClientDeskPorts) {
    this.#ports = ports
  }

  /** Every node is as good as another to begin with, so none is named as the one to go to. */
  welcome(): ReturnType<ClientHost['welcome']> {
    return welcomeOf(this.#ports, null)
  }

  serve(channel: ClientChannel<QueueServerMessage>, caller: Caller | null = null): ClientPeer<QueueClientMessage> {
    const ports = { ...this.#ports, left: () => this.#connections.delete(connection) }
    const connection = new QueueClientConnection(channel, ports, caller)
    this.#connections.add(connection)
    connection.tell(this.#leadersOf(Array.from({ length: this.#ports.calls.slots }, (_, at) => at + 1)))
    return connection
  }

  /** Of a slot; an election concerns many at once, which are told together. */
  leaderChanged(slot: number): void {
    if (slot < 1 || slot > this.#ports.calls.slots) return
    this.#changed.add(slot)
    if (this.#changed.size > 1) return
    this.#ports.clock.soon(() => {
      const leaders = this.#leadersOf([...this.#changed])
      this.#changed.clear()
      for (const connection of this.#connections) connection.tell(leaders)
    })
  }

  going(): void {
    for (const connection of this.#connections) connection.going()
  }

  #leadersOf(slots: readonly number[]): Extract<QueueServerMessage, { type: 'leaders' }> {
    const node = this.#ports.node()
    return { type: 'leaders', leaders: slots.map((slot) => ({ slot, node: node.leaderOf(slot) })), members: placesOf(node) }
  }
}
