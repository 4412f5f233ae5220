import { serveLoad } from '#bench/contest/load-server.ts'
import { connectClients } from '#bench/locks/clients/kinds.ts'
import type { ClientKind } from '#bench/locks/clients/kinds.ts'
import { drive } from './drive.ts'
import type { Measured, Plan } from './drive.ts'

/** What its clients saw, and the processor time that they took. */
export interface LoadRun {
  readonly measured: Measured
  readonly cpuMs: number
}

/**
 * The load generator of the locks.
 *
 *     node load.ts KIND ADDRESS...
 */
const [kind, ...addresses] = process.argv.slice(2)

serveLoad(async (plan: Plan): Promise<LoadRun> => {
  await using clients = await connectClients(kind as ClientKind, addresses)
  const before = process.cpuUsage()
  const measured = await drive(clients, plan)
  const { user, system } = process.cpuUsage(before)
  return { measured, cpuMs: (user + system) / 1_000 }
})
