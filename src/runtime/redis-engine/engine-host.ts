import type { Millis } from '#base/brand.ts'
import type { Instant, ReplicaId, RoleChange } from '#core/raft/types.ts'
import { replicaId } from '#core/raft/types.ts'
import type { RedisSlots } from '#ports/redis-slots.ts'
import type { Telemetry } from '#ports/telemetry.ts'
import type { NodeKey } from '#ports/transport.ts'
import type { CompactionPolicy } from '#runtime/limits.ts'
import type { ReplicatedMachine } from '#runtime/replicated-machine.ts'

/** What a slot may ask of the node it is hosted on. */
export interface EngineHost {
  readonly redis: RedisSlots
  readonly telemetry: Telemetry
  /** This member's id. */
  readonly self: string
  readonly compaction: CompactionPolicy
  /** Until when whatever this node owns is nobody else's, on its own clock. */
  readonly leaseUntil: Millis
  instant(): Instant
  /** Runs in a turn of the loop. */
  post(task: () => void): void
  /** The slot wants to be flushed at the end of the turn. */
  dirty(slot: number): void
  newMachine(slot: number): ReplicatedMachine
  advanced(slot: number): void
  roleChanged(slot: number, change: RoleChange): void
}

/** A member as everything above the engine knows it. */
export const replicaOf = (member: string): ReplicaId => replicaId(`${member}/0`)

export const memberOf = ({ name, incarnation }: NodeKey): string => `${name}/${incarnation}`

export function nodeOfMember(member: string): NodeKey {
  const at = member.lastIndexOf('/')
  return { name: member.slice(0, at), incarnation: member.slice(at + 1) }
}
