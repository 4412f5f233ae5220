import { setImmediate } from 'node:timers/promises'
import type { Cache } from '#sdk/cache/cache.ts'
import type { Work } from './work.ts'

interface CacheWork {
  readonly read: Work
  readonly write: Work
  readonly keys: readonly string[]
}

interface CacheWorkOptions {
  /** Of two connections: the one that writes, and the one that has copies. */
  readonly writer: Cache<number>
  readonly reader: Cache<number>
  readonly clients: number
}

/** Hits are what is measured: few write, and few keys. */
const writers = 2
const keysPerWriter = 8
/** Hits are answered from memory, so a client lets others go on only now and then. */
const readsPerTurn = 100
/** Writes rising numbers at one agent and reads them at another. Wrong is a read that is older than a write that was answered before it. */
export function cacheWork({ writer, reader, clients }: CacheWorkOptions): CacheWork {
  const wrong: string[] = []
  const keys = Array.from({ length: writers * keysPerWriter }, (_, at) => `k${at}`)
  const begun = new Map<string, number>()
  const answered = new Map<string, number>()
  const unsure = new Set<string>()
  let turns = 0
  return {
    keys,
    write: {
      name: 'cache writes',
      clients: writers,
      wrong: [],
      async turn(client) {
        const key = keys[client * keysPerWriter + (turns++ % keysPerWriter)] ?? ''
        const value = (begun.get(key) ?? 0) + 1
        begun.set(key, value)
        try {
          await writer.set(key, value)
          if (!unsure.has(key)) answered.set(key, value)
        } catch (error) {
          // It may be carried out at any time from now on, after later ones too: nothing is known of this key any more.
          unsure.add(key)
          answered.delete(key)
          throw error
        }
        return 1
      },
    },
    read: {
      name: 'cache reads',
      clients,
      wrong,
      async turn(client) {
        for (let each = 0; each < readsPerTurn; each++) {
          const key = keys[(client + each) % keys.length] ?? ''
          const least = answered.get(key) ?? 0
          const value = (await reader.get(key)) ?? 0
          if (value < least || value > (begun.get(key) ?? 0)) wrong.push(`${key} was read as ${value} after ${least} was written`)
        }
        await setImmediate()
        return readsPerTurn
      },
    },
  }
}
