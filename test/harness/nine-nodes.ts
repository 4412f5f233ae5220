import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ClusterView } from '#api/common/node-api.ts'
import { connect } from '#index.ts'
import type { Lockstep } from '#index.ts'
import { freePorts } from './free-ports.ts'
import type { NodeProcess } from './node-process.ts'
import { PeerNetwork } from './peer-proxy.ts'
import { ProcessCluster } from './process-cluster.ts'
import { CacheWork } from '#test/harness/promises/cache-work.ts'
import type { PromisedWork } from '#test/harness/promises/lane.ts'
import { LockWork } from '#test/harness/promises/lock-work.ts'
import { QueueWork } from '#test/harness/promises/queue-work.ts'
import { proxiedCluster } from './proxied-cluster.ts'
import { settled } from './until.ts'

const logsAreKept = process.env['LOCKSTEP_TEST_LOGS'] !== undefined

export const services = ['lock', 'queue', 'cache'] as const
export type Service = (typeof services)[number]

/** Three nodes of each of the services, without proxies, that are ready; they end with their owner. */
export async function startedClusters<Some extends Service>(
  owner: AsyncDisposableStack,
  some: readonly Some[],
): Promise<Readonly<Record<Some, ProcessCluster>>> {
  const of = async (service: Service): Promise<ProcessCluster> => {
    const folder = mkdtempSync(join(tmpdir(), 'lockstep-'))
    const voters = (await freePorts(3)).map((port) => `127.0.0.1:${port}`).sort()
    const own = { voters, folder, service, args: ['--log-level', logsAreKept ? 'debug' : 'warn'] }
    const cluster = owner.use(
      ProcessCluster.of(
        folder,
        voters.map((address, at) => ({ id: `${service}-node-${at + 1}`, address, ...own })),
      ),
    )
    for (const node of cluster.nodes) node.start()
    return cluster
  }
  const clusters: [Some, ProcessCluster][] = []
  for (const service of some) clusters.push([service, await of(service)])
  for (const [, cluster] of clusters) await cluster.ready(240_000)
  return Object.fromEntries(clusters) as Record<Some, ProcessCluster>
}

const names = (kind: string, count: number): readonly string[] => Array.from({ length: count }, (_, at) => `${kind}-${at}`)

/** How long each service took to do again everything that it did before, in milliseconds. */
export type Recovery = Readonly<Record<Service, number>>

/** Three real nodes of each service behind proxies, with two programs that use all three services at once through the library. */
export class NineNodes implements AsyncDisposable {
  readonly network: PeerNetwork
  readonly clusters: Readonly<Record<Service, ProcessCluster>>
  readonly #owner: AsyncDisposableStack
  #work: Readonly<Record<Service, PromisedWork>> | null = null

  private constructor(network: PeerNetwork, clusters: NineNodes['clusters'], owner: AsyncDisposableStack) {
    this.network = network
    this.clusters = clusters
    this.#owner = owner
  }

  /** The nodes are described, and none of them runs yet. */
  static async prepare(): Promise<NineNodes> {
    const network = new PeerNetwork()
    const owner = new AsyncDisposableStack()
    const of = (service: Service): Promise<ProcessCluster> => proxiedCluster(network, owner, { service, args: ['--log-level', 'warn'] })
    return new NineNodes(network, { lock: await of('lock'), queue: await of('queue'), cache: await of('cache') }, owner)
  }

  get nodes(): readonly NodeProcess[] {
    return services.flatMap((service) => this.clusters[service].nodes)
  }

  /** Resolves when every service has done some of its work. */
  async start(): Promise<void> {
    for (const node of this.nodes) node.start()
    await this.ready()
    for (const service of services) await this.leader(service)
    const urls = Object.fromEntries(services.map((service) => [service, this.clusters[service].nodes.map(({ url }) => url)]))
    const client = async (clientId: string): Promise<Lockstep> => this.#owner.use(await connect({ ...urls, clientId, timeoutMs: 30_000 }))
    const [one, other] = [await client('one'), await client('other')]
    const since = performance.now()
    this.#work = {
      lock: this.#owner.use(new LockWork([one, other], names('lock', 3))),
      queue: this.#owner.use(await QueueWork.start(one, names('queue', 6))),
      cache: this.#owner.use(
        await CacheWork.start({ writer: await one.cache<number>(), reader: await other.cache<number>() }, names('key', 8)),
      ),
    }
    await this.recovered(since)
  }

  async ready(): Promise<void> {
    for (const service of services) await this.clusters[service].ready(120_000)
  }

  /** The node that leads the most slots of a service, or more than all but so many, once that rests. */
  leader(service: Service, rank = 0): Promise<NodeProcess> {
    return settled(`the leaders of ${service} rest`, async () => (await this.#byLeading(service))[rank] as NodeProcess, 1_000)
  }

  /** Resolves when everything is done again: each lock taken, each queue passed through, each key written and read. */
  async recovered(since: number, withinMs = 90_000): Promise<Recovery> {
    const of = async (service: Service): Promise<number> => {
      const lanes = this.#of(service).lanes.map((lane) => lane.recovered(since, withinMs))
      return Math.max(...(await Promise.all(lanes))) - since
    }
    const [lock, queue, cache] = await Promise.all(services.map(of))
    return { lock: lock as number, queue: queue as number, cache: cache as number }
  }

  /** Promises that were broken. */
  async judge(): Promise<readonly string[]> {
    return (await Promise.all(services.map((service) => this.#of(service).judge()))).flat()
  }

  /** How often each service has done something. */
  get done(): Readonly<Record<Service, number>> {
    const of = (service: Service): number => this.#of(service).lanes.reduce((sum, { done }) => sum + done, 0)
    return { lock: of('lock'), queue: of('queue'), cache: of('cache') }
  }

  /** By service, and by code: calls of the library that have failed for good since this was asked for last. */
  takeFailures(): Readonly<Partial<Record<Service, Readonly<Record<string, number>>>>> {
    const failed = services.map((service) => [service, this.#of(service).failures.take()] as const)
    return Object.fromEntries(failed.filter(([, counts]) => Object.keys(counts).length > 0))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#owner.disposeAsync()
  }

  #of(service: Service): PromisedWork {
    if (this.#work === null) throw new Error('the work has not begun')
    return this.#work[service]
  }

  async #byLeading(service: Service): Promise<readonly NodeProcess[]> {
    const found = await Promise.all(
      this.clusters[service].nodes.map(async (node) => {
        const response = await fetch(`${node.url}/cluster`, { signal: AbortSignal.timeout(5_000) })
        const { slots } = (await response.json()) as ClusterView
        return { node, led: slots.filter(({ slot, role }) => slot > 0 && role === 'leader').length }
      }),
    )
    return found.toSorted((left, right) => right.led - left.led).map(({ node }) => node)
  }
}
