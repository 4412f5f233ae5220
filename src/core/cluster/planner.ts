import { chooseLeaders } from '#core/ring/leaders.ts'
import { movesMax, tombstonesMax } from './limits.ts'
import { movesUnderWay } from './moves.ts'
import { replicasWanted, replicationOf } from './placement.ts'
import {
  exchange,
  findMember,
  holderOf,
  holdsReplicas,
  isAlive,
  isLost,
  isMajorityAlive,
  keepsMajority,
  replicasAfterMove,
} from './replica.ts'
import { Shares } from './shares.ts'
import type { AbortMove, ClusterState, PlanMove, Remove, Replica, SetPreferredLeaders, Slot } from './types.ts'

/**
 * What the meta leader should do next about the table, from the table alone: any leader comes to the same plan, and one that takes
 * over goes on where the last one stopped. Repairs come first, then every node gets its share.
 *
 * A replica is fit while its member is active and has what it promised to keep. An unfit one is replaced, when there is a member to replace it and the slot can
 * carry the change. A dead one without a substitute stays, for it may come back, unless the slot bears more failures without it or
 * another could not leave.
 */

type Change = Pick<PlanMove, 'slot' | 'from' | 'to'>

/** Commands in the order in which to propose them: each counts on those before it. At most `movesMax` moves are under way at once. */
export function planMoves(state: ClusterState): (PlanMove | AbortMove)[] {
  const aborts = hopelessMoves(state)
  const firstVersion = state.table.version + aborts.length
  const moves = planChanges(state).map((change, at): PlanMove => ({ type: 'plan-move', expectedVersion: firstVersion + at, ...change }))
  return [...aborts, ...moves]
}

/** Moves to a member that will not keep the replica, and those that cost the slot the majority it has. */
function hopelessMoves(state: ClusterState): AbortMove[] {
  return state.table.slots.flatMap((current, slot): AbortMove[] => {
    const { move } = current
    if (move === null || (move.step !== 'learn' && move.step !== 'catch-up')) return []
    const keepsIt = isMajorityAlive(state, current, replicasAfterMove(current)) || !isMajorityAlive(state, current, current.replicas)
    return keepsIt && (move.to === null || isFit(state, current, move.to)) ? [] : [{ type: 'abort-move', slot, move: move.id }]
  })
}

function planChanges(state: ClusterState): Change[] {
  const nodes = state.members.filter((member) => member.state === 'active').map((member) => member.name)
  const room = movesMax - movesUnderWay(state)
  if (nodes.length === 0 || room <= 0) return []
  const wanted = replicasWanted(state.formation.replication, nodes.length)
  const shares = new Shares({ nodes, replicas: wanted * state.formation.slots })
  for (const slot of state.table.slots.slice(1)) {
    for (const replica of replicasAfterMove(slot)) if (isFit(state, slot, replica)) shares.add(replica.node, 1)
  }
  const repairs = planRepairs(state, shares, room)
  return [...repairs, ...planTransfers(state, { shares, room: room - repairs.length, repaired: new Set(repairs.map(({ slot }) => slot)) })]
}

function planRepairs(state: ClusterState, shares: Shares, room: number): Change[] {
  const changes: Change[] = []
  for (const [group, slot] of state.table.slots.entries()) {
    if (changes.length >= room) break
    const change = slot.move === null ? planRepair(state, group, shares) : null
    if (change === null) continue
    changes.push(change)
    if (group === 0) continue
    if (change.from !== null && isFit(state, slot, change.from)) shares.add(change.from.node, -1)
    if (change.to !== null) shares.add(change.to, 1)
  }
  return changes
}

function planRepair(state: ClusterState, group: number, shares: Shares): Change | null {
  const slot = state.table.slots[group] as Slot
  const size = sizes(state, group)
  const pick = (rest: readonly Replica[]): string | null => {
    const excluded = rest.map((replica) => replica.node)
    return group === 0 ? shares.pickUnbounded(group, excluded) : shares.pick(group, excluded)
  }
  const unfit = unfitReplicas(state, slot)
  const fit = slot.replicas.length - unfit.length
  for (const from of unfit) {
    if (isAwaited(state, from)) continue
    const rest = exchange(slot.replicas, from, null)
    const to = fit < size.wanted ? (rejoining(state, slot, from) ?? pick(rest)) : null
    if (to === null && !isBetterDropped(state, { slot, from, enough: fit >= size.wantedWithDead })) continue
    const change = feasible(state, slot, { slot: group, from, to })
    if (change !== null) return change
  }
  if (unfit.length > 0) return null
  if (fit < size.wanted) return feasible(state, slot, { slot: group, from: null, to: pick(slot.replicas) })
  const last = slot.replicas.at(-1) ?? null
  return fit > size.wantedWithDead ? feasible(state, slot, { slot: group, from: last, to: null }) : null
}

/** How many replicas the group should have now, and how many when those taken for dead come back. */
function sizes(state: ClusterState, group: number): { readonly wanted: number; readonly wantedWithDead: number } {
  const replication = replicationOf(state.formation, group)
  const active = state.members.filter((member) => member.state === 'active').length
  const dead = state.members.filter((member) => member.state === 'dead').length
  return { wanted: replicasWanted(replication, active), wantedWithDead: replicasWanted(replication, active + dead) }
}

/** Those that cannot answer first. */
function unfitReplicas(state: ClusterState, slot: Slot): Replica[] {
  const unfit = slot.replicas.filter((replica) => !isFit(state, slot, replica))
  return [...unfit.filter((replica) => !isAlive(state, slot, replica)), ...unfit.filter((replica) => isAlive(state, slot, replica))]
}

/** Whether to do without a replica for which there is no substitute. */
function isBetterDropped(state: ClusterState, input: { readonly slot: Slot; readonly from: Replica; readonly enough: boolean }): boolean {
  const { slot, from, enough } = input
  if (enough || holderOf(state, from)?.state !== 'dead') return true
  return slot.replicas.length % 2 === 0 || unfitReplicas(state, slot).length >= 2
}

function feasible(state: ClusterState, slot: Slot, change: Change): Change | null {
  const member = change.to === null ? null : findMember(state, change.to)
  const to = member === null ? null : { node: member.name, incarnation: member.incarnation, generation: slot.nextGeneration }
  if (change.from === null && to === null) return null
  return keepsMajority(state, slot, exchange(slot.replicas, change.from, to)) ? change : null
}

function planTransfers(
  state: ClusterState,
  input: { readonly shares: Shares; readonly room: number; readonly repaired: ReadonlySet<number> },
): Change[] {
  const { shares, room, repaired } = input
  const movable = new Map<number, readonly string[]>()
  for (const [group, slot] of state.table.slots.entries()) {
    const settled = group > 0 && slot.move === null && !repaired.has(group)
    if (settled && slot.replicas.every((replica) => isFit(state, slot, replica)))
      movable.set(
        group,
        slot.replicas.map((replica) => replica.node),
      )
  }
  const changes: Change[] = []
  while (changes.length < room) {
    const transfer = shares.nextTransfer(movable)
    if (transfer === null) break
    const { group, from: node, to } = transfer
    changes.push({ slot: group, from: state.table.slots[group]?.replicas.find((replica) => replica.node === node) ?? null, to })
    movable.delete(group)
    shares.add(node, -1)
    shares.add(to, 1)
  }
  return changes
}

/** Who leaves and holds nothing any more is free to go; one at a time. */
export function planDeparture(state: ClusterState): Remove | null {
  const gone = state.members.find((member) => member.state === 'leaving' && !holdsReplicas(state, member))
  if (gone === undefined || state.tombstones.length >= tombstonesMax) return null
  return { type: 'remove', name: gone.name, incarnation: gone.incarnation }
}

/** Leaders within the bound of the ring's rule, those that are pinned left where they are; null when the table has them already. */
export function planLeaders(state: ClusterState): SetPreferredLeaders | null {
  const slots = state.table.slots.slice(1)
  const chosen = chooseLeaders(slots.map((slot) => ({ candidates: leadersOf(state, slot), current: slot.leader })))
  const leaders = chosen.flatMap((node, at) => (node === null || node === slots[at]?.leader ? [] : [{ slot: at + 1, node }]))
  return leaders.length === 0 ? null : { type: 'set-preferred-leaders', expectedVersion: state.table.version, leaders, pinned: false }
}

/** Who may lead it, as far as the balance has a say. */
function leadersOf(state: ClusterState, slot: Slot): readonly string[] {
  const candidates = electable(state, slot)
  return slot.pinned && slot.leader !== null && candidates.includes(slot.leader) ? [slot.leader] : candidates
}

/** A replica on its way out does not take up leading. */
export function electable(state: ClusterState, slot: Slot): string[] {
  const staying = exchange(slot.replicas, slot.move?.step === 'revert' ? null : (slot.move?.from ?? null), null)
  return staying.filter((replica) => isFit(state, slot, replica)).map((replica) => replica.node)
}

function isFit(state: ClusterState, slot: Slot, replica: Replica): boolean {
  return holderOf(state, replica)?.state === 'active' && !isLost(slot, replica)
}

/** A node that lost its replica learns anew what it had. */
function rejoining(state: ClusterState, slot: Slot, replica: Replica): string | null {
  return isLost(slot, replica) && holderOf(state, replica)?.state === 'active' ? replica.node : null
}

/** Its node is on the way back under another incarnation: a replica elsewhere would soon move back. */
function isAwaited(state: ClusterState, replica: Replica): boolean {
  return findMember(state, replica.node)?.state === 'joining'
}
