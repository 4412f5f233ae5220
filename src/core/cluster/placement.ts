import { present } from '#base/assert.ts'
import { chooseLeaders } from '#core/ring/leaders.ts'
import { metaVotersMax } from './limits.ts'
import { Shares } from './shares.ts'
import type { Formation, Replica, Slot, Table } from './types.ts'

/**
 * How many replicas a group should have among `members` nodes. Beyond three an even number bears no more failures than one fewer,
 * so groups that ask for more take the largest odd number.
 */
export function replicasWanted(replication: number, members: number): number {
  if (replication <= 3) return Math.min(replication, members)
  return Math.min(replication, members % 2 === 1 ? members : Math.max(0, members - 1))
}

export function replicationOf(formation: Formation, group: number): number {
  return group === 0 ? metaVotersMax : formation.replication
}

/**
 * The first replicas of every group, by group number. It follows from the founding members alone, in whatever order they are
 * listed: every node finds the same before any of them has spoken (decision R3).
 */
export function initialPlacement(formation: Formation): readonly (readonly Replica[])[] {
  const incarnations = new Map(formation.members.map((member) => [member.name, member.incarnation]))
  const replica = (node: string): Replica => ({
    node,
    incarnation: present(incarnations.get(node), 'replicas are placed on founding members'),
    generation: 0,
  })
  return placeNames(formation).map((names) => names.map(replica))
}

function placeNames(formation: Formation): string[][] {
  const nodes = formation.members.map((member) => member.name).toSorted()
  const wanted = replicasWanted(formation.replication, nodes.length)
  const shares = new Shares({ nodes, replicas: wanted * formation.slots })
  const groups = new Map<number, string[]>()
  for (let group = 1; group <= formation.slots; group++) {
    const names: string[] = []
    while (names.length < wanted) {
      const node = present(shares.pick(group, names), 'no more replicas are wanted than there are members')
      names.push(node)
      shares.add(node, 1)
    }
    groups.set(group, names)
  }
  levelOut(shares, groups)

  const meta: string[] = []
  while (meta.length < replicasWanted(metaVotersMax, nodes.length)) {
    meta.push(present(shares.pickUnbounded(0, meta), 'no more voters are wanted than there are members'))
  }
  return [meta, ...groups.values()]
}

/** What the planner would move at once is better placed there from the start. */
function levelOut(shares: Shares, groups: Map<number, string[]>): void {
  for (let transfer = shares.nextTransfer(groups); transfer !== null; transfer = shares.nextTransfer(groups)) {
    const { group, from, to } = transfer
    const names = present(groups.get(group), 'a transfer is of a group that may move')
    groups.set(group, [...names.filter((name) => name !== from), to])
    shares.add(from, -1)
    shares.add(to, 1)
  }
}

/** The table that a cluster begins with. */
export function initialTable(formation: Formation): Table {
  const sets = initialPlacement(formation)
  const leaders = chooseLeaders(sets.slice(1).map((set) => ({ candidates: set.map((replica) => replica.node), current: null })))
  const slots = sets.map((initial, group): Slot => ({
    life: { number: 1, index: 0, term: 0, since: null },
    initial,
    replicas: initial,
    lost: [],
    configurationIndex: 0,
    nextGeneration: 1,
    leader: group === 0 ? null : (leaders[group - 1] ?? null),
    pinned: false,
    move: null,
  }))
  return { version: 1, slots }
}

/**
 * The node that should lead a group; null when the table does not mind. Where there is only one slot the meta group is led beside it: then one
 * node sends heartbeats, and one answers for both.
 */
export function preferredLeader({ slots }: Table, group: number): string | null {
  const only = slots.length === 2 ? slots[1] : undefined
  return (group === 0 ? only : slots[group])?.leader ?? null
}
