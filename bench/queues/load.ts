import { serveLoad } from '#bench/contest/load-server.ts'
import { connectClient } from '#bench/queues/clients/kinds.ts'
import type { ClientKind } from '#bench/queues/clients/kinds.ts'
import { drive } from './drive.ts'
import type { Measured, Plan } from './drive.ts'

/**
 * The load generator of the queues.
 *
 *     node load.ts KIND ADDRESS...
 */
const [kind, ...addresses] = process.argv.slice(2)

serveLoad(async (plan: Plan): Promise<Measured> => {
  await using client = await connectClient(kind as ClientKind, addresses)
  return await drive(client, plan)
})
