import { mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from './free-ports.ts'
import { collectedHeapBytes } from './inspected-heap.ts'
import type { NodeProcess } from './node-process.ts'
import { ProcessCluster } from './process-cluster.ts'

/** One real node that is a cluster of its own, and what it costs its machine. */
export class LoneNode implements AsyncDisposable {
  readonly node: NodeProcess
  readonly #cluster: ProcessCluster
  readonly #inspector: number

  private constructor(cluster: ProcessCluster, inspector: number) {
    this.#cluster = cluster
    this.#inspector = inspector
    this.node = cluster.nodes[0] as NodeProcess
  }

  static async start(service: 'lock' | 'queue' | 'cache', args: readonly string[] = []): Promise<LoneNode> {
    const folder = mkdtempSync(join(tmpdir(), 'lockstep-'))
    const [port, inspector] = (await freePorts(2)) as [number, number]
    const address = `127.0.0.1:${port}`
    const under = ['env', `NODE_OPTIONS=--inspect=127.0.0.1:${inspector}`]
    const cluster = ProcessCluster.of(folder, [{ id: `${service}-node`, address, voters: [address], service, folder, args, under }])
    const lone = new LoneNode(cluster, inspector)
    lone.node.start()
    await cluster.ready(120_000)
    return lone
  }

  get descriptors(): number {
    return readdirSync(`/proc/${this.node.pid}/fd`).length
  }

  /** What is left after everything that nobody holds was collected. */
  heapBytes(): Promise<number> {
    return collectedHeapBytes(this.#inspector)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#cluster[Symbol.asyncDispose]()
  }
}
