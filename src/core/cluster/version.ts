import type { ClusterState } from './types.ts'

/** The newest machine version that all members know (decision R9): what the cluster may be raised to. */
export function versionKnownToAll(state: ClusterState): number {
  return Math.min(...state.members.map((member) => member.version))
}
