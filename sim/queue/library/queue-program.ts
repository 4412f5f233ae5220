import { QueueClient } from '#sdk/queue/queue-client.ts'
import { Program } from '#sim/clients/program.ts'
import type { ProgramPorts } from '#sim/clients/program.ts'
import type { Beliefs } from '#sim/queue/beliefs.ts'
import type { Claims } from '#sim/queue/claims.ts'
import type { Ledger } from '#sim/queue/ledger.ts'
import type { QueueOptions } from '#sim/queue/options.ts'
import type { QueueClientMessage, QueueServerMessage } from '#wire/queue-client-message.ts'
import { HeldMessages } from './held-messages.ts'

export interface QueueProgramPorts extends ProgramPorts<QueueClientMessage, QueueServerMessage> {
  readonly beliefs: Beliefs
  readonly claims: Claims
  readonly ledger: Ledger
  readonly options: QueueOptions
  /** Whether a node that was to be stopped has answered waits early since then. */
  readonly stoppedSince: (at: number) => boolean
}

/** One life of a program that sends and receives with the library. */
export type QueueProgram = Program<QueueClientMessage, QueueServerMessage, QueueProgramPorts, HeldMessages>

export const queueProgram = (name: string, ports: QueueProgramPorts): QueueProgram =>
  new Program({ name, ports, held: new HeldMessages(name, ports.beliefs), leasesMs: [2_000, 4_000, 8_000] })

export const connectQueues = (program: QueueProgram): Promise<QueueClient | null> =>
  program.connect((ports, options) => QueueClient.connect(ports, options))
