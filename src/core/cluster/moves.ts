import { present, unreachable } from '#base/assert.ts'
import { movesMax, replicationMax } from './limits.ts'
import { exchange, findMember, isLost, keepsMajority, sameReplica } from './replica.ts'
import { refuse } from './transition.ts'
import type { Transition } from './transition.ts'
import type {
  AbortMove,
  AdvanceMove,
  ClusterState,
  FinishMove,
  Move,
  MoveStep,
  PlanMove,
  RefusalCode,
  Replica,
  SetPreferredLeaders,
  Slot,
  TableCommand,
} from './types.ts'

/**
 * Decision R8: the table records what is intended, the slot's own log says what is so. A command that was decided on another
 * table, another move, another step or an earlier configuration is refused, whoever sends it and however late.
 */

/** Forwards, or back to where the configuration shows the move to be. */
const stepsAfter: { readonly [step in MoveStep]: readonly MoveStep[] } = {
  learn: ['catch-up'],
  'catch-up': ['switch', 'learn', 'retire'],
  switch: ['retire', 'catch-up'],
  retire: [],
  revert: ['retire'],
}

const isLast = (step: MoveStep): boolean => step === 'retire' || step === 'revert'

export function applyTableCommand(state: ClusterState, command: TableCommand): Transition {
  switch (command.type) {
    case 'plan-move':
      return plan(state, command)
    case 'advance-move':
      return advance(state, command)
    case 'finish-move':
      return finish(state, command)
    case 'abort-move':
      return abort(state, command)
    case 'set-preferred-leaders':
      return setPreferredLeaders(state, command)
    default:
      return unreachable(command)
  }
}

function plan(state: ClusterState, command: PlanMove): Transition {
  const slot = state.table.slots[command.slot]
  if (slot === undefined) return refuse(state, 'no-such-slot')
  const code = whyNotPlanned(state, slot, command)
  if (code !== null) return refuse(state, code)
  const { from } = command
  const to = newReplica(state, slot, command.to)
  const move: Move = {
    id: state.table.version,
    from,
    to,
    step: to === null ? 'switch' : 'learn',
    configurationIndex: slot.configurationIndex,
  }
  const nextGeneration = slot.nextGeneration + (to === null ? 0 : 1)
  return withSlot(state, command.slot, { ...slot, nextGeneration, move })
}

function whyNotPlanned(state: ClusterState, slot: Slot, command: PlanMove): RefusalCode | null {
  const { from, to } = command
  if (command.expectedVersion !== state.table.version) return 'stale-version'
  if (slot.move !== null) return 'move-pending'
  if (movesUnderWay(state) >= movesMax) return 'full'
  if (from === null && to === null) return 'invalid'
  if (from !== null && !slot.replicas.some((replica) => sameReplica(replica, from))) return 'not-a-replica'
  const rest = exchange(slot.replicas, from, null)
  const replica = newReplica(state, slot, to)
  if (to !== null && (replica === null || findMember(state, to)?.state !== 'active')) return 'not-active'
  if (rest.some((other) => other.node === to)) return 'already-a-replica'
  const isSameNode = from !== null && from.node === replica?.node && from.incarnation === replica.incarnation
  if (isSameNode && !isLost(slot, from)) return 'already-a-replica'
  const after = replica === null ? rest : [...rest, replica]
  if (from === null && after.length > replicationMax) return 'full'
  return keepsMajority(state, slot, after) ? null : 'no-majority'
}

function newReplica(state: ClusterState, slot: Slot, node: string | null): Replica | null {
  const member = node === null ? null : findMember(state, node)
  return member === null ? null : { node: member.name, incarnation: member.incarnation, generation: slot.nextGeneration }
}

function advance(state: ClusterState, command: AdvanceMove): Transition {
  const found = findMove(state, command)
  if (found === null) return refuse(state, 'no-such-move')
  const { slot, move } = found
  const { expected, next, configurationIndex } = command
  const isNext = next === expected || (stepsAfter[expected].includes(next) && !(next === 'learn' && move.to === null))
  if (expected !== move.step || !isNext) return refuse(state, 'stale-step')
  // A switch that is done has left a later configuration behind.
  const indexMin = next === 'retire' && next !== expected ? move.configurationIndex + 1 : move.configurationIndex
  if (configurationIndex < indexMin) return refuse(state, 'stale-index')
  const advanced: Move = { ...move, step: next, configurationIndex }
  if (next !== 'retire' || expected === 'retire') return withSlot(state, command.slot, { ...slot, move: advanced })
  const replicas = exchange(slot.replicas, move.from, move.to)
  const leader = replicas.some((replica) => replica.node === slot.leader) ? slot.leader : null
  const pinned = leader !== null && slot.pinned
  return withSlot(state, command.slot, { ...slot, replicas, leader, pinned, configurationIndex, move: advanced })
}

function finish(state: ClusterState, command: FinishMove): Transition {
  const found = findMove(state, command)
  if (found === null) return refuse(state, 'no-such-move')
  const { slot, move } = found
  if (!isLast(move.step)) return refuse(state, 'stale-step')
  if (command.configurationIndex < move.configurationIndex) return refuse(state, 'stale-index')
  return withSlot(state, command.slot, { ...slot, configurationIndex: command.configurationIndex, move: null })
}

/** Until the voters are to change, a move can be taken back. */
function abort(state: ClusterState, command: AbortMove): Transition {
  const found = findMove(state, command)
  if (found === null) return refuse(state, 'no-such-move')
  const { slot, move } = found
  if (move.step === 'switch' || move.step === 'retire') return refuse(state, 'too-late')
  return withSlot(state, command.slot, { ...slot, move: { ...move, step: 'revert' } })
}

function setPreferredLeaders(state: ClusterState, command: SetPreferredLeaders): Transition {
  if (command.expectedVersion !== state.table.version) return refuse(state, 'stale-version')
  const chosen = new Map(command.leaders.map(({ slot, node }) => [slot, node]))
  for (const [group, node] of chosen) {
    const slot = group === 0 ? undefined : state.table.slots[group]
    if (slot === undefined) return refuse(state, 'no-such-slot')
    if (!slot.replicas.some((replica) => replica.node === node)) return refuse(state, 'not-a-replica')
  }
  const { pinned } = command
  const slots = state.table.slots.map((slot, group) => {
    const leader = chosen.get(group)
    return leader === undefined ? slot : { ...slot, leader, pinned }
  })
  return { state: { ...state, table: { version: state.table.version + 1, slots } }, answer: { type: 'done' } }
}

export function movesUnderWay(state: ClusterState): number {
  return state.table.slots.filter((slot) => slot.move !== null).length
}

function findMove(
  state: ClusterState,
  command: { readonly slot: number; readonly move: number },
): { readonly slot: Slot; readonly move: Move } | null {
  const slot = state.table.slots[command.slot]
  return slot?.move?.id === command.move ? { slot, move: slot.move } : null
}

function withSlot(state: ClusterState, group: number, slot: Slot): Transition {
  const before = present(state.table.slots[group], 'the slot is in the table')
  const given = [...slot.replicas, slot.move?.from ?? null, slot.move?.to ?? null]
  const lost = slot.lost.filter((replica) => given.some((other) => sameReplica(other, replica)))
  const table = { version: state.table.version + 1, slots: state.table.slots.with(group, { ...slot, lost }) }
  const move = slot.move ?? before.move
  return { state: { ...state, table }, answer: move === null ? { type: 'done' } : { type: 'move', move } }
}
