import type { QueueClient } from '#bench/queues/queue-client.ts'

export type ClientKind = 'http' | 'sdk' | 'rabbitmq' | 'jetstream' | 'jetstream-confirmed' | 'bullmq'

/** Loads only the library that is asked for: what others do in a process is in nobody's figures. */
export async function connectClient(kind: ClientKind, addresses: readonly string[]): Promise<QueueClient> {
  switch (kind) {
    case 'http':
      return new (await import('./http.ts')).HttpClient(addresses)
    case 'sdk':
      return (await import('./sdk.ts')).SdkClient.connect(addresses)
    case 'rabbitmq':
      return (await import('./rabbitmq.ts')).RabbitmqClient.connect(addresses)
    case 'jetstream':
      return (await import('./jetstream.ts')).JetstreamClient.connect(addresses, { confirmedAcks: false })
    case 'jetstream-confirmed':
      return (await import('./jetstream.ts')).JetstreamClient.connect(addresses, { confirmedAcks: true })
    case 'bullmq':
      return new (await import('./bullmq.ts')).BullmqClient(addresses)
  }
}
