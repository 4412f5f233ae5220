import { clocks } from '#test/mutants/catalogue/clocks.ts'
import { clusters } from '#test/mutants/catalogue/clusters.ts'
import { elections } from '#test/mutants/catalogue/elections.ts'
import { leases } from '#test/mutants/catalogue/leases.ts'
import { locks } from '#test/mutants/catalogue/locks.ts'
import { log } from '#test/mutants/catalogue/log.ts'
import { membership } from '#test/mutants/catalogue/membership.ts'
import { storage } from '#test/mutants/catalogue/storage.ts'
import type { Mutant } from './mutant.ts'

export const catalogue: readonly Mutant[] = [...elections, ...log, ...leases, ...membership, ...clocks, ...clusters, ...storage, ...locks]
