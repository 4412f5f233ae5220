import { assert, present } from '#base/assert.ts'
import { metaVotersMax, movesMax, replicationMax } from './limits.ts'
import { movesUnderWay } from './moves.ts'
import { findMember, holderOf, holdsReplicas, parseReplicaId, replicaId, sameReplica } from './replica.ts'
import { isSane } from './timing.ts'
import type { ClusterState, Move, Replica, Slot } from './types.ts'

/** What holds after every command; run by the simulator and by tests. */
export function checkInvariants(state: ClusterState): void {
  checkMembers(state)
  checkConstants(state)
  assert(state.table.slots.length === state.formation.slots + 1, 'the number of groups is fixed for life')
  assert(movesUnderWay(state) <= movesMax, 'moves are throttled')
  for (const [group, slot] of state.table.slots.entries()) checkSlot(slot, group)
}

/** What holds between a state and any later one: these only grow, or never change. */
export function checkProgress(before: ClusterState, after: ClusterState): void {
  assert(after.formation === before.formation || after.formation.clusterId === before.formation.clusterId, 'a cluster is formed once')
  assert(after.constants.revision >= before.constants.revision, 'revisions only grow')
  assert(after.version >= before.version, 'a version in use is never taken back')
  assert(after.table.version >= before.table.version, 'versions only grow')
  assert(after.table === before.table || after.table.version > before.table.version, 'every change of the table has its version')
  assert(after.tombstones.length >= before.tombstones.length, 'what was removed is refused for ever')
  for (const [group, slot] of before.table.slots.entries()) {
    const later = present(after.table.slots[group], 'the number of groups is fixed for life')
    assert(later.life.number >= slot.life.number, 'a life that is over does not come back')
    if (later.life.number === slot.life.number)
      assert(JSON.stringify(later.initial) === JSON.stringify(slot.initial), 'the initial replica set is fixed for life')
    else assert(later.life.index > slot.configurationIndex && later.life.term > slot.life.term, 'another life is above the one before')
    assert(later.nextGeneration >= slot.nextGeneration, 'generations only grow')
    assert(later.configurationIndex >= slot.configurationIndex, 'the table does not go back to an earlier configuration')
  }
}

function checkMembers(state: ClusterState): void {
  for (const [at, member] of state.members.entries()) {
    const before = state.members[at - 1]
    assert(before === undefined || before.name < member.name, 'members are sorted and named once')
    assert(member.adopted >= 0 && member.adopted <= state.constants.revision, 'nobody runs constants that there never were')
    assert(member.version >= state.version, 'every member knows the version in use (decision R9)')
    assert(member.state !== 'joining' || !holdsReplicas(state, member), 'a joining member holds no replica')
  }
  for (const tombstone of state.tombstones) {
    assert(findMember(state, tombstone.name)?.incarnation !== tombstone.incarnation, 'a removed incarnation is no member')
  }
}

function checkConstants(state: ClusterState): void {
  const { revision, timing } = state.constants
  assert(revision >= 1 && isSane(timing), 'the constants make sense')
  for (const slot of state.table.slots) {
    for (const replica of slot.replicas) {
      const holder = holderOf(state, replica)
      assert(holder === null || holder.adopted >= revision - 1, 'voters run the current constants or the ones before (decision R4)')
    }
  }
}

function checkSlot(slot: Slot, group: number): void {
  const { replicas, leader, move } = slot
  assert(replicas.length >= 1, 'a slot is never without replicas')
  assert(replicas.length <= (group === 0 ? metaVotersMax : replicationMax), 'a slot has no more replicas than it may')
  assert(new Set(replicas.map((replica) => replica.node)).size === replicas.length, 'replicas live on distinct nodes')
  for (const replica of [...slot.initial, ...replicas, ...(move?.to === undefined || move.to === null ? [] : [move.to])]) {
    assert(replica.generation < slot.nextGeneration, 'generations only grow')
    assert(sameReplica(parseReplicaId(replicaId(replica)), replica), 'a replica is known by its id')
  }
  assert(leader === null || replicas.some((replica) => replica.node === leader), 'a leader is one of the replicas')
  assert(group > 0 || leader === null, 'the meta group elects whom it likes')
  assert(group > 0 || (slot.life.number === 1 && slot.lost.length === 0), 'the meta group is always on disk (decision C12)')
  for (const replica of slot.lost)
    assert(
      [...replicas, move?.from ?? null, move?.to ?? null].some((other) => sameReplica(other, replica)),
      'what is lost is of the table',
    )
  if (move !== null) checkMove(move, replicas)
}

function checkMove(move: Move, replicas: readonly Replica[]): void {
  const has = (replica: Replica | null): boolean => replicas.some((other) => sameReplica(other, replica))
  const isSwitched = move.step === 'retire'
  assert(move.from !== null || move.to !== null, 'a move moves something')
  assert(move.from === null || has(move.from) !== isSwitched, 'a replica goes when the voters have switched')
  assert(move.to === null || has(move.to) === isSwitched, 'a replica comes when the voters have switched')
  assert(move.to !== null || move.step !== 'learn', 'nobody learns in order to go')
}
