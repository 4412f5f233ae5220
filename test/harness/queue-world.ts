import { catalogueGroup, queueSlots } from '#services/queue/limits.ts'
import { QueueServer } from '#services/queue/queue-server.ts'
import type { QueueService } from '#services/queue/queue-service.ts'
import { ServiceWorld } from './service-world.ts'
import type { ServiceWorldOptions } from './service-world.ts'

/** The queue service on simulated machines. */
export class QueueWorld extends ServiceWorld<QueueServer> {
  static async start(options: ServiceWorldOptions = {}): Promise<QueueWorld> {
    const world = new QueueWorld(
      (ports) => new QueueServer({ ...ports, slots: queueSlots, storage: async () => ({ used: 0, free: null, durable: true }) }),
      catalogueGroup,
      options,
    )
    await world.leaderOf(catalogueGroup)
    // Right after the start leadership moves to where the table wants it.
    await world.run(3_000)
    return world
  }

  queues(name: string): QueueService {
    return this.get(name).server.queues
  }
}
