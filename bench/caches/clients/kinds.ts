import type { CacheClient } from '#bench/caches/cache-client.ts'

export type ClientKind = 'sdk' | 'http' | 'http-owner' | 'map' | 'lru-cache' | 'bentocache' | 'node-redis' | 'ioredis'

/** Which a client stands for. */
export interface Program {
  /** Two that ask nodes ask different ones. */
  readonly number: number
  /** Its writes may have ids, as few as there are. */
  readonly named: boolean
  /** It has room for so many. */
  readonly keys: number
}

/** Loads only the library that is asked for: what others do in a process is in nobody's figures. */
export async function connectClient(
  kind: ClientKind,
  addresses: readonly string[],
  { number, named, keys }: Program,
): Promise<CacheClient> {
  switch (kind) {
    case 'http':
    case 'http-owner':
      return new (await import('./http.ts')).HttpClient(addresses[number % addresses.length] ?? '', {
        ack: kind === 'http' ? 'replicated' : 'owner',
        named,
      })
    case 'sdk':
      return (await import('./sdk.ts')).SdkClient.connect(addresses, keys)
    case 'map':
      return (await import('./in-process.ts')).mapClient()
    case 'lru-cache':
      return (await import('./in-process.ts')).lruClient(keys)
    case 'bentocache':
      return new (await import('./bentocache.ts')).BentoClient(addresses, keys)
    case 'node-redis':
      return (await import('./node-redis.ts')).NodeRedisClient.connect(addresses)
    case 'ioredis':
      return new (await import('./ioredis.ts')).IoredisClient(addresses)
  }
}
