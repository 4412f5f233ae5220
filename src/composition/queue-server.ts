import type { MetricDefinition } from '#api/common/metrics.ts'
import { queueEvents } from '#api/queues/events.ts'
import { queueRoutes } from '#http/queue-routes.ts'
import type { SlotHost } from '#runtime/slot-host.ts'
import { admitQueueMessage } from '#services/queue/client-access.ts'
import { queueReadings } from '#services/queue/depths.ts'
import { queueSlots } from '#services/queue/limits.ts'
import { queueMetrics } from '#services/queue/queue-metrics.ts'
import { QueueServer } from '#services/queue/queue-server.ts'
import type { StorageUse } from '#services/queue/viewing.ts'
import { assemble, footingOf } from './assembly.ts'
import type { Serve } from './served.ts'

/** Where the node keeps what the service is told. */
export interface Keeping {
  readonly storage: () => Promise<StorageUse>
  /** What is measured of it besides. */
  readonly metrics: readonly MetricDefinition[]
}

export const serveQueues: (keeping: Keeping) => Serve<SlotHost> =
  ({ storage, metrics }) =>
  (options, node, port) => {
    const readings = queueReadings(() => server.depths)
    const footing = footingOf(options, [...queueMetrics, ...metrics], readings)
    const server = new QueueServer({ ...footing.ports, node, storage, slots: queueSlots })
    return assemble(options, port, footing, {
      server,
      title: 'Lockstep queues',
      routes: (isStarted) => queueRoutes(() => (isStarted() ? server.queues : null)),
      events: Object.values(queueEvents),
      admit: admitQueueMessage,
      on: { machineFor: (group) => server.newMachine(group), hooks: server },
    })
  }
