import { connectClient } from '#bench/caches/clients/kinds.ts'
import type { ClientKind, Program } from '#bench/caches/clients/kinds.ts'
import { connectElsewhere } from '#bench/caches/clients/elsewhere.ts'
import { serveLoad } from '#bench/contest/load-server.ts'
import { drive } from './drive.ts'
import type { Measured, Plan } from './drive.ts'

/**
 * The load generator of the caches.
 *
 *     node load.ts KIND ADDRESS...
 */
const [kind, ...addresses] = process.argv.slice(2)
/** Ids of changes are remembered for a minute, and no more of them in a cluster. */
const idsMax = 100_000

serveLoad(async (plan: Plan): Promise<Measured> => {
  const named = plan.work === 'hit' && plan.keys <= idsMax
  const program = (number: number): Program => ({ number, named, keys: plan.keys })
  await using writer = await connectClient(kind as ClientKind, addresses, program(0))
  // Where a process has the only copy, another program would have none of it.
  const isShared = plan.work !== 'here' && plan.work !== 'owner'
  const connectSecond = plan.apart ? connectElsewhere : connectClient
  await using second = isShared ? await connectSecond(kind as ClientKind, addresses, program(1)) : null
  return await drive({ writer, reader: second ?? writer }, plan)
})
