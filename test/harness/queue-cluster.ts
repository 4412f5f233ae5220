import { ServiceCluster } from './service-cluster.ts'

/** Three real queue nodes. */
export class QueueCluster extends ServiceCluster {
  static async start(args: readonly string[] = []): Promise<QueueCluster> {
    return new QueueCluster(await ServiceCluster.launch('queue', args))
  }

  /** They keep everything in that Redis. They run, and may not be ready. */
  static async onRedis(url: string, args: readonly string[] = []): Promise<QueueCluster> {
    return new QueueCluster(
      await ServiceCluster.started('queue', { forms: false, args: ['--engine', 'redis', '--redis-url', url, ...args] }),
    )
  }
}
