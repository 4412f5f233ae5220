import type { LockClients } from '#bench/locks/lock-client.ts'

export type ClientKind = 'http' | 'sdk' | 'etcd' | 'etcd-rpc' | 'redlock' | 'redis'

/** Loads only the library that is asked for: what others do in a process is in nobody's figures. */
export async function connectClients(kind: ClientKind, addresses: readonly string[]): Promise<LockClients> {
  switch (kind) {
    case 'http':
      return new (await import('./http.ts')).HttpClients(addresses)
    case 'sdk':
      return (await import('./sdk.ts')).SdkClients.connect(addresses)
    case 'etcd':
      return new (await import('./etcd.ts')).EtcdClients(addresses)
    case 'etcd-rpc':
      return new (await import('./etcd-rpc.ts')).EtcdRpcClients(addresses)
    case 'redlock':
      return new (await import('./redlock.ts')).RedlockClients(addresses)
    case 'redis':
      return new (await import('./redis.ts')).RedisClients(addresses)
  }
}
