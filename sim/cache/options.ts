import type { Prng } from '#base/prng.ts'
import type { CacheLimits } from '#core/cache/limits.ts'
import type { SnoopPolicy } from '#core/cache/home-state.ts'
import type { Capacity, FullPolicy } from '#core/cache/memory-state.ts'
import { keyIn } from '#core/cache/memory-state.ts'
import { defaultCacheLimits } from '#services/cache/limits.ts'
import type { SimOptions } from '#sim/options.ts'

/** What a seed decides about the clients of the cache, and the limits that it runs under (swarm testing: each run has some of it, not a little of all). */
export interface CacheOptions {
  readonly callers: number
  /** Programs that have the agent of their node in their own process. */
  readonly residents: number
  readonly watchers: number
  /** How many litmus tests run side by side. */
  readonly litmus: number
  readonly keys: number
  readonly thinkMs: number
  readonly litmusThinkMs: number
  /** Of what callers and residents do. */
  readonly readShare: number
  /** Of plain writes. */
  readonly ownerShare: number
  readonly ttlShare: number
  /** Of changes with an id, which are sent again until their outcome is known. */
  readonly onceShare: number
  readonly batchShare: number
  readonly limits: Partial<CacheLimits>
  /** Memory is too small for all values, so some go by themselves. */
  readonly pressure: boolean
  readonly whenFull: FullPolicy
  /** Some nodes were told of another capacity. */
  readonly isTorn: boolean
  /** Whom homes ask. */
  readonly snoops: SnoopPolicy
  /** Null: nobody clears anything. */
  readonly clearThinkMs: number | null
  /** Programs that use the library. */
  readonly libraryClients: number
  /** How often something goes wrong with one of those. */
  readonly libraryFateEveryMs: number
  /** Of what their loaders are asked for. */
  readonly loaderTroubleShare: number
}

/** All keys that are watched fit in: one that is recalled is read again at once. */
const directoryMin = 4

export function drawCacheOptions(prng: Prng, { fleeting }: Pick<SimOptions, 'fleeting'>): CacheOptions {
  const pressure = prng.chance(0.25)
  const linesMax = prng.pick([2, 4, 100_000])
  const lineBytesMax = prng.pick([600, 1_000_000])
  return {
    callers: prng.between(4, 7),
    residents: prng.between(0, 3),
    watchers: prng.between(1, 3),
    // What goes by itself would look like what was never written.
    litmus: pressure || fleeting ? 0 : prng.between(1, 2),
    keys: prng.between(2, 6),
    thinkMs: prng.pick([200, 400, 800]),
    litmusThinkMs: prng.pick([1_000, 2_000]),
    readShare: prng.pick([0.4, 0.6, 0.8]),
    ownerShare: prng.pick([0, 0.3, 0.7]),
    ttlShare: prng.pick([0, 0.05, 0.3]),
    // Who sends again by hand cannot know that the slot has forgotten it meanwhile.
    onceShare: prng.pick(fleeting ? [0, 0] : [0.1, 0.3]),
    batchShare: prng.pick([0, 0.1]),
    limits: {
      linesMax,
      lineBytesMax,
      directoryMax: prng.pick([directoryMin, 50_000, 50_000]),
      ...(pressure ? { memoryBytesMax: 200 } : {}),
    },
    pressure,
    whenFull: pressure && prng.chance(0.4) ? 'refuse' : 'lru',
    clearThinkMs: prng.pick([null, null, 3_000, 15_000]),
    libraryClients: prng.between(1, 3),
    libraryFateEveryMs: prng.pick([3_000, 8_000, 30_000]),
    loaderTroubleShare: prng.pick([0.1, 0.5]),
    snoops: prng.chance(0.2) ? 'broadcast' : 'filter',
    isTorn: prng.chance(0.3),
  }
}

/** Of a slot, as the node of that number is told. */
export function capacityOf({ limits, whenFull, isTorn }: CacheOptions, node: number): Capacity {
  const { memoryBytesMax: bytesMax } = { ...defaultCacheLimits, ...limits }
  if (!isTorn || node % 2 === 0) return { bytesMax, whenFull }
  return { bytesMax: 2 * bytesMax, whenFull: whenFull === 'lru' ? 'refuse' : 'lru' }
}

/** The namespace that is cleared now and then. */
export const clearedNamespace = 'n'

/** Where something is cleared, every other key is in that namespace. */
export const keysOf = ({ keys, clearThinkMs }: CacheOptions): readonly string[] =>
  Array.from({ length: keys }, (_, at) => keyIn(clearThinkMs !== null && at % 2 === 1 ? clearedNamespace : '', `k${at + 1}`))
