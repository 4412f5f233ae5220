import { createServer } from 'node:http'
import { Prng } from '#base/prng.ts'
import { silentTelemetry } from '#ports/telemetry.ts'
import { systemClock } from '#io/system-clock.ts'
import { TcpTransport } from '#io/transport/tcp-transport.ts'
import { Requests } from '#runtime/requests.ts'
import type { PeerRequest, PeerResponse } from '#wire/peer-message.ts'

/** Speaks to nodes over their own transport, as one of them would, without being a member: for load and for bad manners. */
export class PeerClient implements AsyncDisposable {
  readonly requests: Requests
  readonly #transport: TcpTransport
  readonly #up = new Set<string>()

  constructor(clusterId: string, addresses: readonly string[], secret: string | null = null) {
    const clock = systemClock
    const incarnation = Math.floor(Math.random() * 0xffff_ffff)
      .toString(16)
      .padStart(16, '0')
    this.#transport = new TcpTransport({
      server: createServer(),
      self: { name: `client-${incarnation}`, incarnation },
      service: 'register',
      clusterId: () => clusterId,
      secret,
      clock,
      telemetry: silentTelemetry,
      prng: new Prng(1),
    })
    const prng = new Prng(2)
    this.requests = new Requests({ clock, transport: this.#transport, prng, post: (task) => clock.soon(task) })
    this.#transport.setPeers(addresses.map((address) => ({ name: null, address })))
    this.#transport.start({
      message: (from, message) => {
        if (message.type === 'response') this.requests.answered(from.name, message.id, message.response)
      },
      up: ({ name }) => {
        this.#up.add(name)
        this.requests.connected(name)
      },
      down: ({ name }) => {
        this.#up.delete(name)
        this.requests.broken(name)
      },
    })
  }

  get connected(): readonly string[] {
    return [...this.#up]
  }

  ask(to: string, request: PeerRequest, timeoutMs = 5_000): Promise<PeerResponse | null> {
    return new Promise((resolve) => this.requests.ask(to, request, { timeoutMs, done: resolve }))
  }

  stop(): Promise<void> {
    this.requests.stop()
    return new Promise((resolve) => this.#transport.stop(resolve))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}
