import { join } from 'node:path'
import { ServerProcesses } from '#bench/contest/server-processes.ts'
import { freePorts } from '#test/harness/free-ports.ts'
import { until } from '#test/harness/until.ts'

/** Three etcd servers as they come: every write is synced on a majority before it is answered. */
export class EtcdServers implements AsyncDisposable {
  readonly #processes = new ServerProcesses()
  #clientPorts: readonly number[] = []

  static readonly command = 'etcd'

  get pids(): readonly number[] {
    return this.#processes.pids
  }

  async start(): Promise<void> {
    const ports = await freePorts(6)
    this.#clientPorts = ports.slice(0, 3)
    const peerUrls = ports.slice(3).map((port) => `http://127.0.0.1:${port}`)
    const cluster = peerUrls.map((url, at) => `etcd-${at}=${url}`).join(',')
    for (const [at, port] of this.#clientPorts.entries()) {
      const clientUrl = `http://127.0.0.1:${port}`
      const peerUrl = peerUrls[at] ?? ''
      const name = ['--name', `etcd-${at}`, '--data-dir', join(this.#processes.folder, `etcd-${at}`)]
      const client = ['--listen-client-urls', clientUrl, '--advertise-client-urls', clientUrl]
      const peer = ['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl]
      const joining = ['--initial-cluster', cluster, '--initial-cluster-state', 'new']
      this.#processes.start(EtcdServers.command, [...name, ...client, ...peer, ...joining, '--logger', 'zap', '--log-level', 'error'])
    }
    try {
      await until('etcd has a leader', async () => (await this.leader()) !== null, 30_000)
    } catch (cause) {
      throw new Error(`etcd does not start: ${this.#processes.lastWords}`, { cause })
    }
  }

  /** `127.0.0.1:port` of the one that leads; null while nobody does. */
  async leader(): Promise<string | null> {
    const statuses = await Promise.all(this.#clientPorts.map(statusOf))
    const at = statuses.findIndex(({ header, leader }) => leader !== undefined && leader === header.member_id)
    const agreed = statuses.every(({ leader }) => leader === statuses[at]?.leader)
    return at === -1 || !agreed ? null : `127.0.0.1:${this.#clientPorts[at]}`
  }

  /** What it says of itself, for the record. Throws when it does not sync. */
  async settings(): Promise<string> {
    const lines = this.#processes.commandLines()
    if (lines.some((line) => line.includes('unsafe-no-fsync'))) throw new Error('etcd runs without fsync')
    const { version } = await statusOf(this.#clientPorts[0] as number)
    const given = /--(?:heartbeat|election)\S*/.exec(lines[0] ?? '')?.[0] ?? 'heartbeat 100 ms and election 1000 ms by default'
    return `etcd ${version} × ${lines.length}: fsync on (${await this.#syncs()} syncs of the log so far), ${given}`
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#processes[Symbol.asyncDispose]()
  }

  async #syncs(): Promise<number> {
    const texts = await Promise.all(this.#clientPorts.map(async (port) => (await fetch(`http://127.0.0.1:${port}/metrics`)).text()))
    const counts = texts.map((text) => Number(/^etcd_disk_wal_fsync_duration_seconds_count (\d+)$/m.exec(text)?.[1] ?? Number.NaN))
    return counts.reduce((sum, count) => sum + count, 0)
  }
}

interface Status {
  readonly header: { readonly member_id: string }
  readonly version: string
  readonly leader?: string
}

async function statusOf(port: number): Promise<Status> {
  const url = `http://127.0.0.1:${port}/v3/maintenance/status`
  return (await (await fetch(url, { method: 'POST', body: '{}', signal: AbortSignal.timeout(2_000) })).json()) as Status
}
