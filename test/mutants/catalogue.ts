import { bodyFetch } from '#test/mutants/catalogue/body-fetch.ts'
import { cacheApplications } from '#test/mutants/catalogue/cache-applications.ts'
import { cacheChores } from '#test/mutants/catalogue/cache-chores.ts'
import { cacheHost } from '#test/mutants/catalogue/cache-host.ts'
import { cacheLibrary } from '#test/mutants/catalogue/cache-library.ts'
import { cacheRules } from '#test/mutants/catalogue/cache-rules.ts'
import { cacheSimulation } from '#test/mutants/catalogue/cache-simulation.ts'
import { cacheWatches } from '#test/mutants/catalogue/cache-watches.ts'
import { clocks } from '#test/mutants/catalogue/clocks.ts'
import { clusters } from '#test/mutants/catalogue/clusters.ts'
import { commands } from '#test/mutants/catalogue/commands.ts'
import { elections } from '#test/mutants/catalogue/elections.ts'
import { leases } from '#test/mutants/catalogue/leases.ts'
import { slotLives } from '#test/mutants/catalogue/lives.ts'
import { lockDeadlocks } from '#test/mutants/catalogue/lock-deadlocks.ts'
import { lockGrants } from '#test/mutants/catalogue/lock-grants.ts'
import { lockLibrary } from '#test/mutants/catalogue/lock-library.ts'
import { lockSessions } from '#test/mutants/catalogue/lock-sessions.ts'
import { lockSnapshots } from '#test/mutants/catalogue/lock-snapshots.ts'
import { lockWaits } from '#test/mutants/catalogue/lock-waits.ts'
import { locks } from '#test/mutants/catalogue/locks.ts'
import { log } from '#test/mutants/catalogue/log.ts'
import { membership } from '#test/mutants/catalogue/membership.ts'
import { queueBodies } from '#test/mutants/catalogue/queue-bodies.ts'
import { queueIds } from '#test/mutants/catalogue/queue-ids.ts'
import { queueProducers } from '#test/mutants/catalogue/queue-producers.ts'
import { queueLeases } from '#test/mutants/catalogue/queue-leases.ts'
import { queueKeys } from '#test/mutants/catalogue/queue-keys.ts'
import { queueLife } from '#test/mutants/catalogue/queue-life.ts'
import { queueCatalogue } from '#test/mutants/catalogue/queue-catalogue.ts'
import { queueSimulation } from '#test/mutants/catalogue/queue-simulation.ts'
import { queueLibrary } from '#test/mutants/catalogue/queue-library.ts'
import { redisQueues } from '#test/mutants/catalogue/redis-queues.ts'
import { redisOwners } from '#test/mutants/catalogue/redis-owners.ts'
import { redisScripts } from '#test/mutants/catalogue/redis-scripts.ts'
import { storage } from '#test/mutants/catalogue/storage.ts'
import type { Mutant } from './mutant.ts'

export const catalogue: readonly Mutant[] = [
  ...elections,
  ...log,
  ...leases,
  ...membership,
  ...slotLives,
  ...clocks,
  ...clusters,
  ...commands,
  ...storage,
  ...locks,
  ...lockSessions,
  ...lockWaits,
  ...lockGrants,
  ...lockDeadlocks,
  ...lockSnapshots,
  ...queueBodies,
  ...bodyFetch,
  ...queueIds,
  ...queueProducers,
  ...queueLeases,
  ...queueKeys,
  ...queueLife,
  ...queueCatalogue,
  ...queueSimulation,
  ...queueLibrary,
  ...lockLibrary,
  ...cacheRules,
  ...cacheHost,
  ...cacheApplications,
  ...cacheLibrary,
  ...cacheSimulation,
  ...cacheWatches,
  ...cacheChores,
  ...redisOwners,
  ...redisQueues,
  ...redisScripts,
]
