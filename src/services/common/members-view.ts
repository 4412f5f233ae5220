import type { MembersView } from '#api/common/operators.ts'
import { instantOf } from '#api/schemas.ts'
import type { ClusterState, Member } from '#core/cluster/types.ts'
import { movesLeft } from '#core/cluster/moves-left.ts'
import { holdsReplicas } from '#core/cluster/replica.ts'
import type { ClusterOverview } from '#runtime/cluster-overview.ts'
import type { MemberStanding } from '#runtime/node-standing.ts'

/** The cluster for those who look after it. `wallMs` is now. */
export function membersView({ state, deadAfterMs, heard }: ClusterOverview, node: string, wallMs: number): MembersView {
  const { formation, constants, members, table } = state
  const { heartbeatMs, electionMinMs, electionMaxMs, leaseMs } = constants.timing
  return {
    node_id: node,
    cluster_id: formation.clusterId,
    constants: {
      revision: constants.revision,
      heartbeat_ms: heartbeatMs,
      election_min_ms: electionMinMs,
      election_max_ms: electionMaxMs,
      lease_ms: leaseMs,
    },
    dead_after_ms: deadAfterMs,
    members: members.map((member) => ({
      ...statusOf(member, state),
      since: heard === null ? null : instantOf(wallMs - Math.max(0, heard.time - member.since)),
      silent_ms: heard?.silentMs[member.name] ?? null,
    })),
    moves: table.slots.flatMap(({ move }, slot) =>
      move === null ? [] : [{ slot, from: move.from?.node ?? null, to: move.to?.node ?? null, step: move.step }],
    ),
    moves_left: movesLeft(state),
    pinned_slots: table.slots.flatMap(({ pinned }, slot) => (pinned ? [slot] : [])),
  }
}

type Status = Omit<MembersView['members'][number], 'since' | 'silent_ms'>

function statusOf(member: Member, state: ClusterState): Status {
  const { name, address, incarnation, state: life, version } = member
  const { slots } = state.table
  return {
    node_id: name,
    address,
    incarnation,
    state: life,
    voter: slots[0]?.replicas.some((replica) => replica.node === name && replica.incarnation === incarnation) ?? false,
    replicas: replicasOf(state, member),
    leads: slots.filter(({ leader }) => leader === name).length,
    machine_version: version,
  }
}

/** Those that are on their way to it, too. */
export const replicasOf = (state: ClusterState, member: Member): number =>
  state.table.slots.filter((slot) => holdsReplicas({ ...state, table: { ...state.table, slots: [slot] } }, member)).length

/** Where no meta group decides: who is heard is a member. */
export function plainMembersView(members: readonly MemberStanding[], node: string, clusterId: string | null): MembersView {
  const unknown = { since: null, silent_ms: null, voter: false, replicas: 0, leads: 0, machine_version: 0 }
  return {
    node_id: node,
    cluster_id: clusterId,
    constants: null,
    dead_after_ms: null,
    members: members.map(({ name, address, incarnation, state }) => ({ node_id: name, address, incarnation, state, ...unknown })),
    moves: [],
    moves_left: 0,
    pinned_slots: [],
  }
}
