import type { SdkPorts } from '#sdk/ports.ts'
import type { ClientDialer } from '#ports/client.ts'
import type { QueueClientMessage, QueueServerMessage } from '#wire/queue-client-message.ts'

export interface QueueSdkPorts extends Omit<SdkPorts, 'dialer'> {
  readonly dialer: ClientDialer<QueueClientMessage, QueueServerMessage>
}
