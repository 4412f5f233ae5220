import type { NodeKey, Transport, TransportHandlers } from '#ports/transport.ts'

/** Messages between nodes of one process, in order and without faults. */
export class LocalNetwork {
  readonly #nodes = new Map<string, { readonly self: NodeKey; readonly handlers: TransportHandlers }>()

  connect(self: NodeKey): Transport {
    return {
      start: (handlers) => {
        for (const other of this.#nodes.values()) {
          setImmediate(() => handlers.up(other.self))
          setImmediate(() => other.handlers.up(self))
        }
        this.#nodes.set(self.name, { self, handlers })
      },
      setPeers: () => {},
      send: (to, _lane, message) => {
        setImmediate(() => this.#nodes.get(to)?.handlers.message(self, message))
      },
      stop: (done) => {
        this.#nodes.delete(self.name)
        for (const other of this.#nodes.values()) setImmediate(() => other.handlers.down(self, 'stopped'))
        setImmediate(done)
      },
    }
  }
}
