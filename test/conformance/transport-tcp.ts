import assert from 'node:assert/strict'
import type { Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { Prng } from '#base/prng.ts'
import { systemClock } from '#io/system-clock.ts'
import { listenForPeers } from '#io/transport/peer-server.ts'
import { TcpTransport, type TcpTransportOptions } from '#io/transport/tcp-transport.ts'
import type { LogLevel, Telemetry } from '#ports/telemetry.ts'
import { Recorder } from './transport-recorder.ts'
import type { TestNetwork, TestNode } from './transport.ts'

/** Nodes on real sockets of the loopback. */

export interface TcpNode extends TestNode {
  readonly transport: TcpTransport
  readonly server: Server
  readonly port: number
  /** Log events and their fields, in order. */
  readonly logged: readonly LoggedEvent[]
  /** Sums of the counters, by name and labels. */
  readonly counted: ReadonlyMap<string, number>
}

interface LoggedEvent {
  readonly level: LogLevel
  readonly event: string
  readonly fields: Readonly<Record<string, unknown>>
}

export type TcpNodeOptions = Partial<Omit<TcpTransportOptions, 'self'>> & { readonly name: string; readonly incarnation?: string }

let nodes = 0

export async function tcpNode({ name, incarnation, ...options }: TcpNodeOptions): Promise<TcpNode> {
  const server = options.server ?? (await listenForPeers({ host: '127.0.0.1', port: 0 }))
  const { port } = server.address() as AddressInfo
  const key = { name, incarnation: incarnation ?? (++nodes).toString(16).padStart(16, '0') }
  const logged: LoggedEvent[] = []
  const counted = new Map<string, number>()
  const telemetry: Telemetry = {
    log: (level, event, fields) => void logged.push({ level, event, fields }),
    count(counter, labels, by = 1) {
      const series = [counter, ...Object.values(labels)].join(' ')
      counted.set(series, (counted.get(series) ?? 0) + by)
    },
    gauge() {},
    observe() {},
  }
  const transport = new TcpTransport({
    service: 'lock',
    clusterId: () => 'cluster-1',
    secret: 'a secret of the cluster',
    clock: systemClock,
    telemetry,
    prng: new Prng(nodes),
    ...options,
    server,
    self: key,
  })
  const seen = new Recorder()
  transport.start(seen)
  let stopped: Promise<void> | null = null
  const stop = (): Promise<void> => (stopped ??= stopTransport(transport, server))
  return { key, address: `127.0.0.1:${port}`, port, transport, server, seen, logged, counted, stop }
}

async function stopTransport(transport: TcpTransport, server: Server): Promise<void> {
  await new Promise<void>((resolve) => transport.stop(resolve))
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
}

/** Makes nodes, and stops them all at the end. */
export class TcpNetwork implements TestNetwork {
  readonly #nodes: TcpNode[] = []
  readonly #sockets = new Set<Socket>()

  async node(name: string, options: Omit<TcpNodeOptions, 'name'> = {}): Promise<TcpNode> {
    const node = await tcpNode({ ...options, name })
    node.server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
    this.#nodes.push(node)
    return node
  }

  breakConnections(): void {
    assert(this.#sockets.size > 0, 'there is something to break')
    for (const socket of this.#sockets) socket.destroy()
  }

  async close(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.stop()))
  }
}
