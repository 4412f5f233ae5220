import type { Fault } from '#api/errors.ts'
import type { QueueApi } from '#api/queues/queue-api.ts'
import type { Actor } from '#sim/clients/actor.ts'
import type { Beliefs } from './beliefs.ts'
import type { Claims } from './claims.ts'
import type { QueueOptions } from './options.ts'

/** What a client of the queues is given. */
export interface ClientPorts {
  readonly actor: Actor<QueueApi>
  readonly claims: Claims
  readonly beliefs: Beliefs
  readonly options: QueueOptions
  /** Counts what clients do. */
  readonly did: (action: string) => void
  readonly isOver: () => boolean
  /** Whether a node that was to be stopped has answered waits early since then. */
  readonly stoppedSince: (at: number) => boolean
}

/** Nothing was done, and it may be tried again. */
export const isPassing = ({ code }: Fault): boolean => passing.includes(code)
const passing: readonly Fault['code'][] = ['no_leader', 'unavailable', 'overloaded', 'stopping', 'queue_deleting']

/** What a clock on the wall says that is right. */
export const wallOf = (now: number): number => 1_700_000_000_000 + now
