import { freePorts } from './free-ports.ts'
import { RedisProcess } from './redis-process.ts'
import { until } from './until.ts'

/** A Redis Cluster of two masters, each with half of the hash slots. */
export class RedisMasters {
  readonly #nodes: readonly RedisProcess[]

  private constructor(nodes: readonly RedisProcess[]) {
    this.#nodes = nodes
  }

  static async start(): Promise<RedisMasters> {
    const busPorts = await freePorts(2)
    const cluster = (port: number): readonly string[] => ['--cluster-enabled', 'yes', '--cluster-port', String(port)]
    const nodes = await Promise.all(busPorts.map((port) => RedisProcess.start([...RedisProcess.durable, ...cluster(port)])))
    const [first, second] = nodes as [RedisProcess, RedisProcess]
    await first.ask('CLUSTER ADDSLOTSRANGE 0 8191')
    await second.ask('CLUSTER ADDSLOTSRANGE 8192 16383')
    await first.ask(`CLUSTER MEET 127.0.0.1 ${second.port} ${busPorts[1]}`)
    const masters = new RedisMasters(nodes)
    await masters.#works()
    return masters
  }

  get url(): string {
    return `redis+cluster://${this.#nodes.map(({ port }) => `127.0.0.1:${port}`).join()}`
  }

  /** Kills both, and starts them again on what they have kept. */
  async restart(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.kill()))
    await Promise.all(this.#nodes.map((node) => node.run()))
    await this.#works()
  }

  /** How many keys each of them has. */
  async sizes(): Promise<readonly number[]> {
    const told = await Promise.all(this.#nodes.map((node) => node.ask('DBSIZE')))
    return told.map((size) => Number(size.slice(1)))
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.dispose()))
  }

  #works(): Promise<void> {
    return until('the cluster works', async () => {
      const states = await Promise.all(this.#nodes.map((node) => node.ask('CLUSTER INFO')))
      return states.every((state) => state.includes('cluster_state:ok') && state.includes('cluster_known_nodes:2'))
    })
  }
}
