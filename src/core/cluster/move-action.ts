import { unreachable } from '#base/assert.ts'
import { isMajority, replicaId } from './replica.ts'
import type { ReplicaId } from './replica.ts'
import type { AdvanceMove, FinishMove, Move, MoveStep, Replica, Slot } from './types.ts'

/**
 * What to do next about the move of a slot: the table says what is intended, the slot's own configuration what is so (decision R8).
 * The answer is a pure function of the two, so it does not matter which meta leader asks, how often, or what the one before it had
 * begun. An action that was decided on what is no longer so is refused where it arrives.
 *
 *             learn ──────► catch-up ─────► switch ─────────► retire ──────► done
 *   configuration {abc}      {abc} + d       {abc}+{abd}       {abd}
 *               │               │                               drop c
 *               └── abort ──────┴────────► revert ──────────► done
 *                                           {abc}, drop d
 *
 * What is found otherwise than a step expects leads back: from `switch` to `catch-up`, from there to `learn`; and from
 * `catch-up` and `revert` to `retire`. A switch that the new voters could not commit is not begun, as it could not be taken back: the move
 * waits where it can be given up.
 */

/** What the slot's leader reports. */
export interface Observed {
  readonly membership: {
    readonly voters: readonly ReplicaId[]
    readonly outgoing: readonly ReplicaId[]
    readonly learners: readonly ReplicaId[]
  }
  readonly membershipIndex: number
  /** How far the slot's log is committed. */
  readonly commit: number
  /** Learners that have everything, bodies included. */
  readonly caughtUp: readonly ReplicaId[]
  /** Members that answered lately, the leader among them. */
  readonly reachable: readonly ReplicaId[]
}

export type MoveAction =
  /** Nothing to do, or something under way: look again later. */
  | { readonly type: 'wait' }
  /** First make sure that `host` is there as an empty replica; then ask the slot's leader, compare-and-set on `expectedIndex`. */
  | {
      readonly type: 'change-membership'
      readonly host: Replica | null
      readonly expectedIndex: number
      readonly voters: readonly ReplicaId[]
      readonly learners: readonly ReplicaId[]
    }
  | { readonly type: 'propose'; readonly command: AdvanceMove }
  /** Tell its node to drop the replica, but do not wait for a node that is gone; then propose. */
  | { readonly type: 'drop'; readonly replica: Replica | null; readonly command: FinishMove }

interface Situation {
  readonly group: number
  readonly move: Move
  readonly observed: Observed
}

const wait: MoveAction = { type: 'wait' }

export function nextMoveAction(group: number, slot: Slot, observed: Observed): MoveAction {
  // A change that is not committed may be taken back by the next leader, and the table would wait for an index that never comes. And the
  // Raft leader leaves a joint configuration by itself.
  if (observed.membershipIndex > observed.commit || observed.membership.outgoing.length > 0) return wait
  if (slot.move === null) return tidy(group, observed)
  const situation: Situation = { group, move: slot.move, observed }
  switch (slot.move.step) {
    case 'learn':
      return learn(situation)
    case 'catch-up':
      return catchUp(situation)
    case 'switch':
      return switchVoters(situation)
    case 'retire':
      return drop(situation, slot.move.from)
    case 'revert':
      return revert(situation)
    default:
      return unreachable(slot.move.step)
  }
}

/** A learner may be left behind by a leader that was deposed while its request was on its way. The meta group's are not the table's. */
function tidy(group: number, observed: Observed): MoveAction {
  const { voters, learners } = observed.membership
  if (group === 0 || learners.length === 0) return wait
  return { type: 'change-membership', host: null, expectedIndex: observed.membershipIndex, voters, learners: [] }
}

function learn(situation: Situation): MoveAction {
  const { move, observed } = situation
  const { voters, learners } = observed.membership
  const to = idOf(move.to)
  if (to === null || learners.includes(to)) return advance(situation, 'catch-up')
  const others = situation.group === 0 ? learners : []
  return change(situation, { host: move.to, voters, learners: [...others, to] })
}

/** A learner may be taken away again by the tidying of a leader that knows an older table, and an order to switch may arrive late. */
function catchUp(situation: Situation): MoveAction {
  const { learners } = situation.observed.membership
  const to = idOf(situation.move.to)
  if (isSwitched(situation)) return advance(situation, 'retire')
  if (isReady(situation)) return advance(situation, 'switch')
  return to === null || learners.includes(to) ? wait : advance(situation, 'learn')
}

function isReady(situation: Situation): boolean {
  const { caughtUp, reachable } = situation.observed
  const to = idOf(situation.move.to)
  return (to === null || caughtUp.includes(to)) && isMajority(votersAfter(situation), (voter) => reachable.includes(voter))
}

function votersAfter({ move, observed }: Situation): readonly ReplicaId[] {
  const to = idOf(move.to)
  const rest = observed.membership.voters.filter((id) => id !== idOf(move.from))
  return to === null ? rest : [...rest, to]
}

function isSwitched({ move, observed }: Situation): boolean {
  const { voters } = observed.membership
  const from = idOf(move.from)
  const to = idOf(move.to)
  return (to === null || voters.includes(to)) && (from === null || !voters.includes(from))
}

/** Goes back to waiting when the learner has fallen behind or is gone, or the new voters would be too few to go on. */
function switchVoters(situation: Situation): MoveAction {
  if (isSwitched(situation)) return advance(situation, 'retire')
  if (!isReady(situation)) return advance(situation, 'catch-up')
  const learners = situation.observed.membership.learners.filter((id) => id !== idOf(situation.move.to))
  return change(situation, { host: null, voters: votersAfter(situation), learners })
}

function revert(situation: Situation): MoveAction {
  const { move, observed } = situation
  const { voters, learners } = observed.membership
  const to = idOf(move.to)
  // An order to switch that was on its way when the move was given up has been carried out: then it is done after all.
  if (isSwitched(situation)) return advance(situation, 'retire')
  if (to !== null && voters.includes(to)) return wait
  // Or it is still on its way: then any other change makes it come too late, even one that changes nothing.
  const isFenced = to === null ? observed.membershipIndex > move.configurationIndex : !learners.includes(to)
  if (isFenced) return drop(situation, move.to)
  return change(situation, { host: null, voters, learners: learners.filter((id) => id !== to) })
}

/** A step is carried out on the configuration it was decided on; on any other it is first decided anew. */
function change(
  situation: Situation,
  target: { readonly host: Replica | null; readonly voters: readonly ReplicaId[]; readonly learners: readonly ReplicaId[] },
): MoveAction {
  const { move, observed } = situation
  if (observed.membershipIndex !== move.configurationIndex) return advance(situation, move.step)
  return { type: 'change-membership', expectedIndex: move.configurationIndex, ...target }
}

function advance(situation: Situation, next: MoveStep): MoveAction {
  const { group, move, observed } = situation
  const configurationIndex = observed.membershipIndex
  return {
    type: 'propose',
    command: { type: 'advance-move', slot: group, move: move.id, expected: move.step, next, configurationIndex },
  }
}

function drop(situation: Situation, replica: Replica | null): MoveAction {
  const { group, move, observed } = situation
  return {
    type: 'drop',
    replica,
    command: { type: 'finish-move', slot: group, move: move.id, configurationIndex: observed.membershipIndex },
  }
}

function idOf(replica: Replica | null): ReplicaId | null {
  return replica === null ? null : replicaId(replica)
}
