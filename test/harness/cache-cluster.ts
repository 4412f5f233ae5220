import { cacheSlots } from '#services/cache/limits.ts'
import { slotOf } from '#core/ring/partition.ts'
import type { NodeProcess } from './node-process.ts'
import type { PeerNetwork } from './peer-proxy.ts'
import { proxiedCluster } from './proxied-cluster.ts'
import type { Reply } from './service-cluster.ts'
import { ServiceCluster } from './service-cluster.ts'
import { settled } from './until.ts'

interface Report {
  readonly counters: Readonly<Record<string, number>> & { readonly bus: Readonly<Record<string, number>> }
  readonly transitions: Readonly<Record<string, number>>
  readonly metrics: Readonly<
    Record<string, { readonly values: readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[] }>
  >
}

interface Status {
  readonly ring: { readonly slots: readonly { readonly slot: number; readonly owner: string | null; readonly term: number }[] }
  readonly states: Readonly<Record<'M' | 'E' | 'S', number>>
  readonly lines: readonly { readonly key: string; readonly state: string; readonly dirty: boolean }[]
  readonly homes: { readonly slots: number; readonly open: number }
}

/** Three real cache nodes. */
export class CacheCluster extends ServiceCluster {
  static async start(args: readonly string[] = [], withinMs?: number): Promise<CacheCluster> {
    const cluster = new CacheCluster(await ServiceCluster.launch('cache', args, withinMs))
    await cluster.settled(1_500, withinMs)
    return cluster
  }

  /** Nodes that find each other through proxies only. */
  static async proxied(network: PeerNetwork, owner: AsyncDisposableStack, args: readonly string[] = []): Promise<CacheCluster> {
    const processes = await proxiedCluster(network, owner, { service: 'cache', args })
    for (const node of processes.nodes) node.start()
    await processes.ready(120_000)
    const cluster = owner.use(new CacheCluster(processes))
    await cluster.settled(1_500, 120_000)
    return cluster
  }

  /** Every slot has a home that serves, and stays where it is: right after the start leadership moves to where the table wants it. */
  async settled(restMs = 1_500, withinMs?: number): Promise<void> {
    await settled('every slot has a home', () => this.homes(), restMs, withinMs)
  }

  /** Where homes are, and how many leases have ended: while both stay the same, no line goes but by what is done with it. */
  async homes(): Promise<string> {
    const [all, reports] = await Promise.all([
      Promise.all(this.running.map((node) => this.status(node))),
      Promise.all(this.running.map((node) => this.report(node))),
    ])
    const open = all.reduce((sum, { homes }) => sum + homes.open, 0)
    const owners = all.map(({ ring }) => ring.slots.map(({ owner, term }) => `${owner}:${term}`).join())
    return JSON.stringify([open === 32 ? open : performance.now(), owners, reports.map(({ counters }) => counters['lapses'])])
  }

  /** The node that is home of a key, as the first that runs knows. */
  async homeOf(key: string): Promise<NodeProcess> {
    const [first] = this.running as [NodeProcess]
    const { ring } = await this.status(first)
    const owner = ring.slots.find(({ slot }) => slot === slotOf(key, 0, cacheSlots))?.owner
    return this.nodes.find(({ id }) => id === owner) ?? first
  }

  read(node: NodeProcess, key: string): Promise<Reply> {
    return this.get(node, `/read/${encodeURIComponent(key)}`)
  }

  write(node: NodeProcess, key: string, value: unknown, more: object = {}): Promise<Reply> {
    return this.post(node, `/write/${encodeURIComponent(key)}`, { value, ...more })
  }

  async report(node: NodeProcess): Promise<Report> {
    return (await this.get(node, '/metrics')).body as Report
  }

  async status(node: NodeProcess, query = ''): Promise<Status> {
    return (await this.get(node, `/status${query}`)).body as Status
  }

  /** Of that key and of those that begin like it. */
  async linesOf(node: NodeProcess, key: string): Promise<Status['lines']> {
    return (await this.status(node, `?prefix=${encodeURIComponent(key)}`)).lines
  }

  async stateOf(node: NodeProcess, key: string): Promise<string> {
    return (await this.linesOf(node, key)).find((line) => line.key === key)?.state ?? 'I'
  }
}
