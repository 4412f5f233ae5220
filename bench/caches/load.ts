import { connectClient } from '#bench/caches/clients/kinds.ts'
import type { ClientKind } from '#bench/caches/clients/kinds.ts'
import { serveLoad } from '#bench/contest/load-server.ts'
import { drive } from './drive.ts'
import type { Measured, Plan } from './drive.ts'

/**
 * The load generator of the caches.
 *
 *     node load.ts KIND ADDRESS...
 */
const [kind, ...addresses] = process.argv.slice(2)

serveLoad(async (plan: Plan): Promise<Measured> => {
  const named = plan.work !== 'set'
  await using writer = await connectClient(kind as ClientKind, addresses, { number: 0, named })
  // Where a process has the only copy, another program would have none of it.
  const isShared = plan.work === 'hit' || plan.work === 'set' || plan.work === 'stale'
  await using second = isShared ? await connectClient(kind as ClientKind, addresses, { number: 1, named }) : null
  return await drive({ writer, reader: second ?? writer }, plan)
})
