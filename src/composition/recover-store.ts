import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { JournaledLogStore } from '#io/journal/journaled-log-store.ts'
import { LmdbLogStore } from '#io/lmdb/lmdb-log-store.ts'
import { systemClock } from '#io/system-clock.ts'
import type { LoadOutcome, LogStore, StoreBatch, StoreFailure } from '#ports/log-store.ts'
import { metaGroup } from '#runtime/meta-machine.ts'
import { planRecovery } from '#runtime/recovery.ts'
import type { Recovery, RecoveryRefusal } from '#runtime/recovery.ts'
import { whenRecovered } from '#services/lock/recovery.ts'
import { entropy } from './served.ts'

export type RecoveryOutcome =
  | { readonly type: 'planned' | 'written'; readonly recovery: Omit<Recovery, 'batch'> }
  | { readonly type: 'refused'; readonly code: RecoveryRefusal | 'no-store' }
  | Exclude<LoadOutcome, { readonly type: 'loaded' }>

/** Makes the node whose store is in that folder all there is of its cluster, if `isMeant`; otherwise only says what that would keep, and lose. */
export async function recoverStore(folder: string, { isMeant }: { readonly isMeant: boolean }): Promise<RecoveryOutcome> {
  if (!existsSync(join(folder, 'data.mdb'))) return { type: 'refused', code: 'no-store' }
  const store = new JournaledLogStore({ folder, beneath: new LmdbLogStore({ folder }) })
  try {
    const loaded = await new Promise<LoadOutcome>((resolve) => store.load(resolve))
    if (loaded.type !== 'loaded') return loaded
    const planned = planRecovery(loaded, { recovery: entropy.hex(16), wall: systemClock.wall(), commandsOf })
    if (typeof planned === 'string') return { type: 'refused', code: planned }
    const { batch, ...recovery } = planned
    if (!isMeant) return { type: 'planned', recovery }
    return (await committed(store, batch)) ?? { type: 'written', recovery }
  } finally {
    await new Promise<void>((resolve) => store.close(resolve))
  }
}

const committed = (store: LogStore, batch: StoreBatch): Promise<StoreFailure | null> =>
  new Promise((resolve) => store.commit(batch, resolve))

const commandsOf = (service: string | null, group: number): readonly Uint8Array[] =>
  service === 'lock' && group !== metaGroup ? whenRecovered() : []
