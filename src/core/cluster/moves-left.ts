import { assert, present } from '#base/assert.ts'
import { movesUnderWay } from './moves.ts'
import { planMoves } from './planner.ts'
import { findMember, replicasAfterMove } from './replica.ts'
import type { ClusterState, PlanMove, Slot } from './types.ts'

/** How many moves are under way or will be planned until the table is at rest, if nothing else happens. */
export function movesLeft(state: ClusterState): number {
  let left = movesUnderWay(state)
  let current = withSlots(state, state.table.slots.map(settled))
  for (let round = 0; ; round++) {
    assert(round < roundsMax, 'the planner comes to an end')
    const plans = planMoves(current).filter((command) => command.type === 'plan-move')
    if (plans.length === 0) return left
    left += plans.length
    for (const plan of plans) current = carriedOut(current, plan)
  }
}

const withSlots = (state: ClusterState, slots: readonly Slot[]): ClusterState => ({
  ...state,
  table: { version: state.table.version + 1, slots },
})

const settled = (slot: Slot): Slot => ({ ...slot, replicas: replicasAfterMove(slot), move: null })

function carriedOut(state: ClusterState, { slot: group, from, to }: PlanMove): ClusterState {
  const slot = present(state.table.slots[group], 'what is planned is in the table')
  const member = to === null ? null : findMember(state, to)
  const replica = member === null ? null : { node: member.name, incarnation: member.incarnation, generation: slot.nextGeneration }
  const move = { id: state.table.version, from, to: replica, step: 'learn', configurationIndex: slot.configurationIndex } as const
  return withSlots(state, state.table.slots.with(group, settled({ ...slot, nextGeneration: slot.nextGeneration + 1, move })))
}

const roundsMax = 10_000
