import { LRUCache } from 'lru-cache'
import type { CacheClient, Here } from '#bench/caches/cache-client.ts'

/** Entries, unless a run has more keys. */
const usualMax = 100_000

/** The least that a look-up can cost: memory of this process that nobody else knows of. */
export function mapClient(): CacheClient {
  const values = new Map<string, string>()
  return ofProcess({
    get: (key) => values.get(key),
    set: (key, value) => {
      values.set(key, value)
      return true
    },
  })
}

export function lruClient(keys: number): CacheClient {
  const values = new LRUCache<string, string>({ max: Math.max(keys, usualMax) })
  return ofProcess({
    get: (key) => values.get(key),
    set: (key, value) => {
      values.set(key, value)
      return true
    },
  })
}

function ofProcess(here: Here): CacheClient {
  return {
    here,
    get: async (key) => here.get(key),
    set: async (key, value) => void here.set(key, value),
    [Symbol.asyncDispose]: async () => {},
  }
}
