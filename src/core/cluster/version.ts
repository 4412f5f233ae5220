import { holderOf } from './replica.ts'
import type { ClusterState } from './types.ts'

/**
 * The newest machine version that the group may commit itself to (decision R9): every member that applies its log can run it. The
 * meta group is followed by all members, a slot by those that hold it or are about to.
 */
export function versionOfGroup(state: ClusterState, group: number): number {
  const slot = state.table.slots[group]
  const replicas = [...(slot?.replicas ?? []), slot?.move?.to ?? null]
  const holders = replicas.map((replica) => (replica === null ? null : holderOf(state, replica)))
  const versions = (group === 0 ? state.members : holders).flatMap((member) => (member === null ? [] : [member.version]))
  return versions.length === 0 ? 1 : Math.min(...versions)
}
