import { assert } from '#base/assert.ts'
import { cacheLimits } from '#core/cache/limits.ts'
import type { CacheLimits } from '#core/cache/limits.ts'
import { clientLeaseMsMax } from '#core/cluster/limits.ts'

/** Slots of the cache service, fixed for life; a slot's group has its number, and group 0 is the cluster's own. */
export const cacheSlots = 32

/** Of the cache service: all nodes of a cluster must have the same ones of time. What values may take is in the log of a slot. */
export const defaultCacheLimits: CacheLimits = {
  ...cacheLimits,
  /** 1 GiB in all slots. */
  memoryBytesMax: 32 * 1024 * 1024,
  directoryMax: 50_000,
  clientsMax: 10_000,
}

/** About what an entry of a directory takes, and a client whose outcome is kept. */
const [entryBytes, clientBytes] = [300, 400]
const { directoryMax, clientsMax, memoryBytesMax } = defaultCacheLimits
assert(cacheLimits.leaseMs + cacheLimits.marginMs <= clientLeaseMsMax, 'a slot begins anew after the leases of agents (decision C12)')
assert(directoryMax * entryBytes + clientsMax * clientBytes < memoryBytesMax, 'what is known about values takes less than the values')

export const cacheServiceLimits = {
  /** For a read to be answered, and a change at its first attempt. */
  answerMs: 5_000,
  /** For what became of a change that may have been carried out: whoever is told that it is unknown has to look for himself. */
  outcomeMs: 8_000,
  /** A change under an id is asked for again so often, while its call lasts and nobody knows what became of it. */
  repeatsMax: 8,
  /** Before it is asked for again, when there is no room for it at that moment. */
  repeatRestMs: 100,
  /** For what is at the level `owner` to get into memory, when the node stops. */
  settleMs: 500,
  /** A home looks this often at what is due. */
  tickMs: 25,
  /** Messages to a home that is elected and has not applied the first entry of its term yet. */
  earlyMessagesMax: 1_024,
  /** Agents whose way is remembered. */
  routesMax: 100_000,
  /** Of one application: requests that it has not confirmed the answers of, with their bytes and those of the answers, and clears under way. */
  requestsPerClientMax: 16_384,
  bytesPerClientMax: 64 * 1024 * 1024,
  clearsPerClientMax: 1_024,
  /** Reads of one batch that are on their way at one time are not limited; the bytes of its answers are. */
  batchAnswerBytesMax: 8 * 1024 * 1024,
  /** Of requests per second, over which rates are counted. */
  rateSeconds: 10,
} as const
