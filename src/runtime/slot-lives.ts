import { isLost, sameReplica } from '#core/cluster/replica.ts'
import type { ClusterState, Replica, ReportLosses, Slot } from '#core/cluster/types.ts'
import { logIndex, term } from '#core/raft/types.ts'
import type { NodeKey } from '#ports/transport.ts'
import type { ReplicaHost } from './host.ts'
import { metaGroup } from './meta-machine.ts'
import { idOfReplica, livesOn } from './replica-name.ts'

/** What a member does about replicas that ended with its former process, and about slots that begin anew (decision C12). */

/** What nobody was told of yet: what these replicas promised to keep is gone. */
export function lossesOf(host: ReplicaHost, { table }: ClusterState): ReportLosses['losses'] {
  return endedOn(host, table).filter(({ slot, replica }) => !isLost(table.slots[slot] as Slot, replica))
}

/** How many slots this node does not have again yet; one that takes its learner back does not come back to it. */
export function missingOn(host: ReplicaHost, { table }: ClusterState, self: NodeKey): number {
  const ended = endedOn(host, table).filter(({ slot, replica }) => !isTakenBack(table.slots[slot] as Slot, replica))
  return ended.length + table.slots.filter(({ replicas }, group) => group !== metaGroup && replicas.some(isFormerOf(self))).length
}

/** Of the same name, and of a store that is not here any more. */
const isFormerOf =
  ({ name, incarnation }: NodeKey) =>
  (replica: Replica): boolean =>
    replica.node === name && replica.incarnation !== incarnation

/** Replicas that the table takes for this node's, and of which there is a tombstone here. */
function endedOn(host: ReplicaHost, table: ClusterState['table']): ReportLosses['losses'] {
  return table.slots.flatMap((slot, group) => {
    const buried = group === metaGroup ? null : host.own.buried(group)
    if (buried === null) return []
    const replica = givenBy(slot).find((given) => idOfReplica(given) === buried.replica)
    return replica === undefined ? [] : [{ slot: group, replica, term: buried.term }]
  })
}

/** A learner that is taken back may be a voter by now, for all that anybody but the slot knows. */
function givenBy({ replicas, move }: Slot): Slot['replicas'] {
  const learner = move?.to ?? null
  return learner === null || replicas.some((replica) => sameReplica(replica, learner)) ? replicas : [...replicas, learner]
}

const isTakenBack = ({ replicas, move }: Slot, replica: Replica): boolean =>
  move?.step === 'revert' && sameReplica(move.to, replica) && !replicas.some((other) => sameReplica(other, replica))

/** Becomes a replica of each slot whose new life is to begin here too. An old table does no harm: a replica is founded once, and one that nobody wants is a stray. */
export function foundAnew(host: ReplicaHost, { table }: ClusterState, self: NodeKey): void {
  for (const [group, { life, initial }] of table.slots.entries()) {
    const own = life.number === 1 ? undefined : initial.find((replica) => livesOn(idOfReplica(replica), self))
    if (own === undefined) continue
    const about = {
      replica: idOfReplica(own),
      initial: { voters: initial.map(idOfReplica), outgoing: [], learners: [] },
      decidedAt: logIndex(life.index),
    }
    if (!host.own.isNews(group, about)) continue
    host.drop(group, () => {})
    host.found(group, about, { index: logIndex(life.index), term: term(life.term) })
  }
}
