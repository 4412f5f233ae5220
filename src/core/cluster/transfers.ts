import { electable } from './planner.ts'
import type { ClusterState, SetPreferredLeaders } from './types.ts'

/** Whose leadership goes where: that of one slot, or of all slots of a node. Without `to` anybody else will do. */
export interface LeaderTransfer {
  readonly what: { readonly slot: number } | { readonly from: string }
  readonly to: string | null
}

export interface TransferPlan {
  readonly moves: readonly { readonly slot: number; readonly from: string | null; readonly to: string }[]
  /** Slots that nobody could take who was asked for. */
  readonly skipped: readonly number[]
}

/** By the table, which leadership follows. Where there is a choice the one takes it that leads least. */
export function planTransfer(state: ClusterState, { what, to }: LeaderTransfer): TransferPlan {
  const led = new Map<string, number>()
  for (const { leader } of state.table.slots) if (leader !== null) led.set(leader, (led.get(leader) ?? 0) + 1)
  const moves: TransferPlan['moves'][number][] = []
  const skipped: number[] = []
  for (const [group, slot] of state.table.slots.entries()) {
    const isMeant = group > 0 && ('slot' in what ? what.slot === group : slot.leader === what.from)
    if (!isMeant) continue
    const giver = 'slot' in what ? slot.leader : what.from
    const candidates = electable(state, slot).filter((node) => (to === null ? node !== giver : node === to))
    const [taker] = candidates.toSorted((left, right) => (led.get(left) ?? 0) - (led.get(right) ?? 0))
    if (taker === undefined) skipped.push(group)
    else {
      moves.push({ slot: group, from: slot.leader, to: taker })
      led.set(taker, (led.get(taker) ?? 0) + 1)
    }
  }
  return { moves, skipped }
}

/** Where a node is relieved of all it leads, what others lead stays with them: or the balance would send it there instead. */
export function commandOfTransfer({ table }: ClusterState, { what }: LeaderTransfer, { moves }: TransferPlan): SetPreferredLeaders {
  const moved = new Map(moves.map(({ slot, to }) => [slot, to]))
  const leaders = table.slots.flatMap(({ leader }, slot) => {
    const node = moved.get(slot) ?? ('from' in what && leader !== what.from ? leader : null)
    return node === null ? [] : [{ slot, node }]
  })
  return { type: 'set-preferred-leaders', expectedVersion: table.version, leaders, pinned: true }
}

/** Gives back to the balance what operators had chosen; null when they have not. */
export function commandOfRebalance({ table }: ClusterState): SetPreferredLeaders | null {
  const leaders = table.slots.flatMap(({ leader, pinned }, slot) => (pinned && leader !== null ? [{ slot, node: leader }] : []))
  return leaders.length === 0 ? null : { type: 'set-preferred-leaders', expectedVersion: table.version, leaders, pinned: false }
}
