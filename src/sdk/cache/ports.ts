import type { ClientDialer } from '#ports/client.ts'
import type { SdkPorts } from '#sdk/ports.ts'
import type { CacheClientMessage, CacheServerMessage } from '#wire/cache-client-message.ts'

export interface CacheSdkPorts extends Omit<SdkPorts, 'dialer'> {
  readonly dialer: ClientDialer<CacheClientMessage, CacheServerMessage>
}
