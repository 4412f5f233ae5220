import { join } from 'node:path'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { ServerProcesses } from '#bench/contest/server-processes.ts'
import { queueStream } from '#bench/queues/clients/jetstream.ts'
import { freePorts } from '#test/harness/free-ports.ts'
import { until } from '#test/harness/until.ts'

const count = 3
const startMs = 60_000
const probe = 'settings'

/** Three NATS servers that are one cluster with JetStream. It writes before it answers, and syncs every two minutes. */
export class NatsServers implements AsyncDisposable {
  readonly #processes = new ServerProcesses()
  #addresses: readonly string[] = []

  static readonly command = 'nats-server'

  get pids(): readonly number[] {
    return this.#processes.pids
  }
  /** In the order of their names: `nats-0` is first. */
  get addresses(): readonly string[] {
    return this.#addresses
  }

  async start(): Promise<void> {
    const ports = await freePorts(2 * count)
    const routePorts = ports.slice(count)
    const routes = routePorts.map((port) => `nats://127.0.0.1:${port}`)
    this.#addresses = ports.slice(0, count).map((port) => `127.0.0.1:${port}`)
    for (let at = 0; at < count; at++) {
      const who = ['--name', `nats-${at}`, '--addr', '127.0.0.1', '--port', String(ports[at])]
      const cluster = ['--cluster_name', 'bench', '--cluster', routes[at] ?? '', '--routes', routes.join(',')]
      this.#processes.start(NatsServers.command, [
        ...who,
        ...cluster,
        '--jetstream',
        '--store_dir',
        join(this.#processes.folder, `nats-${at}`),
      ])
    }
    try {
      await until('JetStream makes a stream', () => this.#makeProbe(), startMs)
    } catch (cause) {
      throw new Error(`NATS does not start: ${this.#processes.lastWords}`, { cause })
    }
  }

  /** What it says of itself, for the record; the streams that are measured check theirs. */
  async settings(): Promise<string> {
    const connection = await connect({ servers: [...this.#addresses] })
    try {
      const { config, cluster } = await (await jetstreamManager(connection)).streams.info(probe)
      const { num_replicas: replicas, storage, retention } = config
      const inUse = 1 + (cluster?.replicas ?? []).filter(({ current }) => current).length
      return `NATS ${connection.info?.version} × ${this.pids.length}: streams of ${replicas} replicas (${inUse} current), storage ${storage}, retention ${retention}, no fsync before an answer`
    } finally {
      await connection.close()
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#processes[Symbol.asyncDispose]()
  }

  /** A stream like those that are measured, which stays. */
  async #makeProbe(): Promise<boolean> {
    const connection = await connect({ servers: [...this.#addresses], timeout: 2_000, reconnect: false })
    try {
      const manager = await jetstreamManager(connection)
      await manager.streams.add({ name: probe, subjects: [probe], ...queueStream })
      return true
    } finally {
      await connection.close()
    }
  }
}
