import { lockEvents } from '#api/locks/events.ts'
import { lockRoutes } from '#http/lock-routes.ts'
import { admitLockMessage } from '#services/lock/client-access.ts'
import { lockMetrics } from '#services/lock/lock-metrics.ts'
import { LockServer } from '#services/lock/lock-server.ts'
import { assemble, footingOf } from './assembly.ts'
import type { Serve } from './served.ts'

export const serveLocks: Serve = (options, node, port) => {
  const footing = footingOf(options, lockMetrics)
  const server = new LockServer({ ...footing.ports, node, deadlockPolicy: options.deadlockPolicy })
  return assemble(options, port, footing, {
    server,
    title: 'Lockstep locks',
    routes: (isStarted) => lockRoutes(() => (isStarted() ? server.locks : null)),
    events: Object.values(lockEvents),
    admit: admitLockMessage,
    on: { machineFor: () => server.newMachine(), hooks: server },
    start: () => server.start(),
  })
}
