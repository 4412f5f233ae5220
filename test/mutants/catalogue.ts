import { clocks } from '#test/mutants/catalogue/clocks.ts'
import { clusters } from '#test/mutants/catalogue/clusters.ts'
import { elections } from '#test/mutants/catalogue/elections.ts'
import { leases } from '#test/mutants/catalogue/leases.ts'
import { lockDeadlocks } from '#test/mutants/catalogue/lock-deadlocks.ts'
import { lockGrants } from '#test/mutants/catalogue/lock-grants.ts'
import { lockSessions } from '#test/mutants/catalogue/lock-sessions.ts'
import { lockSnapshots } from '#test/mutants/catalogue/lock-snapshots.ts'
import { lockWaits } from '#test/mutants/catalogue/lock-waits.ts'
import { locks } from '#test/mutants/catalogue/locks.ts'
import { log } from '#test/mutants/catalogue/log.ts'
import { membership } from '#test/mutants/catalogue/membership.ts'
import { storage } from '#test/mutants/catalogue/storage.ts'
import type { Mutant } from './mutant.ts'

export const catalogue: readonly Mutant[] = [
  ...elections,
  ...log,
  ...leases,
  ...membership,
  ...clocks,
  ...clusters,
  ...storage,
  ...locks,
  ...lockSessions,
  ...lockWaits,
  ...lockGrants,
  ...lockDeadlocks,
  ...lockSnapshots,
]
