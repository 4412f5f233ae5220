import { CacheCluster } from './cache-cluster.ts'
import type { Cli } from './cli.ts'
import { LockCluster } from './lock-cluster.ts'
import { NodeProcess } from './node-process.ts'
import { ProcessCluster } from './process-cluster.ts'
import { QueueCluster } from './queue-cluster.ts'
import { urlsOf } from './up-nodes.ts'

/** A node that runs because `lockstep up` does, which also says what it has to say. */
class NodeOfUp extends NodeProcess {
  readonly #up: Cli

  constructor(service: 'lock' | 'queue' | 'cache', at: number, { offset, up }: { readonly offset: number; readonly up: Cli }) {
    const address = new URL(urlsOf(service, offset)[at] as string).host
    super({ id: `${service}-node-${at + 1}`, address, voters: [], service, folder: '' })
    this.#up = up
  }

  override get running(): boolean {
    return true
  }
  override get output(): string {
    return this.#up.stdout
  }
}

interface UpClusters {
  readonly lock: LockCluster
  readonly queue: QueueCluster
  readonly cache: CacheCluster
}

/** The nine nodes of one `lockstep up`, as three clusters that do not end them. */
export function clustersOf(up: Cli, offset: number, owner: AsyncDisposableStack): UpClusters {
  const nodesOf = (service: 'lock' | 'queue' | 'cache'): ProcessCluster =>
    ProcessCluster.around([0, 1, 2].map((at) => new NodeOfUp(service, at, { offset, up })))
  return {
    lock: owner.use(new LockCluster(nodesOf('lock'))),
    queue: owner.use(new QueueCluster(nodesOf('queue'))),
    cache: owner.use(new CacheCluster(nodesOf('cache'))),
  }
}
