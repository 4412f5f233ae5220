import type { Brand } from '#base/brand.ts'
import type { ClusterState, Member, MemberId, Replica, Slot } from './types.ts'

/** A replica as its group's configuration names it; the same brand as in the Raft core, which this core does not know. */
export type ReplicaId = Brand<string, 'ReplicaId'>

/** `node/incarnation/generation`; a node's name may itself hold a slash. */
export function replicaId(replica: Replica): ReplicaId {
  return `${replica.node}/${replica.incarnation}/${replica.generation}` as ReplicaId
}

/** Null when the text is no replica's id. */
export function parseReplicaId(id: string): Replica | null {
  const match = /^(.+)\/([^/]+)\/(0|[1-9]\d{0,14})$/s.exec(id)
  const [, node, incarnation, generation] = match ?? []
  if (node === undefined || incarnation === undefined || generation === undefined) return null
  return { node, incarnation, generation: Number(generation) }
}

export function sameReplica(left: Replica | null, right: Replica | null): boolean {
  if (left === null || right === null) return left === right
  return left.node === right.node && left.incarnation === right.incarnation && left.generation === right.generation
}

export function findMember(state: ClusterState, name: string): Member | null {
  return state.members.find((member) => member.name === name) ?? null
}

/** The member that holds the replica; null when it was removed or replaced by another incarnation. */
export function holderOf(state: ClusterState, replica: Replica): Member | null {
  const member = findMember(state, replica.node)
  return member?.incarnation === replica.incarnation ? member : null
}

/** The replicas once the move under way, if any, is done. */
export function replicasAfterMove(slot: Slot): readonly Replica[] {
  const { move } = slot
  if (move === null || move.step === 'retire' || move.step === 'revert') return slot.replicas
  return exchange(slot.replicas, move.from, move.to)
}

export function exchange(replicas: readonly Replica[], from: Replica | null, to: Replica | null): Replica[] {
  const rest = replicas.filter((replica) => !sameReplica(replica, from))
  return to === null ? rest : [...rest, to]
}

/** Whether the member votes or stores anywhere, or is about to. */
export function holdsReplicas(state: ClusterState, member: MemberId): boolean {
  return state.table.slots.some((slot) =>
    [...slot.replicas, slot.move?.from, slot.move?.to].some(
      (replica) => replica?.node === member.name && replica.incarnation === member.incarnation,
    ),
  )
}

export function isLost({ lost }: Slot, replica: Replica): boolean {
  return lost.some((other) => sameReplica(other, replica))
}

/** Whether the replica can answer now. */
export function isAlive(state: ClusterState, slot: Slot, replica: Replica): boolean {
  const holder = holderOf(state, replica)
  return holder !== null && holder.state !== 'dead' && !isLost(slot, replica)
}

/** Whether a change from the slot's replicas to those can be carried out, and leaves a majority that works. */
export function keepsMajority(state: ClusterState, slot: Slot, after: readonly Replica[]): boolean {
  return [slot.replicas, after].every((set) => isMajorityAlive(state, slot, set))
}

export function isMajorityAlive(state: ClusterState, slot: Slot, set: readonly Replica[]): boolean {
  return isMajority(set, (replica) => isAlive(state, slot, replica))
}

export function isMajority<Voter>(set: readonly Voter[], has: (voter: Voter) => boolean): boolean {
  return set.filter(has).length > set.length / 2
}

/** Whether every slot keeps a majority that works without that member, which may be dead already. Nor do those work that are silent. */
export function majorityWithout(state: ClusterState, name: string, silent: ReadonlySet<string> = new Set()): boolean {
  const works = (node: string, incarnation: string): boolean => {
    const member = findMember(state, node)
    return node !== name && member?.incarnation === incarnation && member.state !== 'dead' && !silent.has(node)
  }
  const isSpared = (replicas: readonly Replica[]): boolean =>
    replicas.every(({ node }) => node !== name) || isMajority(replicas, ({ node, incarnation }) => works(node, incarnation))
  return state.table.slots.every(({ replicas, move }) => {
    // An order to switch may be on its way: then the slot may need both majorities, or that of its new replicas already.
    const mayHaveSwitched = move !== null && move.step !== 'learn' && move.step !== 'retire'
    return isSpared(replicas) && (!mayHaveSwitched || isSpared(exchange(replicas, move.from, move.to)))
  })
}
