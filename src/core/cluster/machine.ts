import { unreachable } from '#base/assert.ts'
import { membersMax, replicationMax, slotsMax } from './limits.ts'
import { applyLifeCommand } from './lives.ts'
import { applyMemberCommand, isValidMember } from './members.ts'
import { applyTableCommand } from './moves.ts'
import { initialTable } from './placement.ts'
import { recover } from './recovery.ts'
import { holderOf } from './replica.ts'
import { isSafeMixture, isSane, sameTiming } from './timing.ts'
import { refuse } from './transition.ts'
import type { Transition } from './transition.ts'
import type { Answer, ClusterState, Command, Context, Formation, Member, SetConstants } from './types.ts'

/**
 * The meta group's state machine. Every replica applies the same commands in the same order and comes to the same state; what a
 * command does depends on nothing but the state and its context.
 */
export class ClusterMachine {
  #state: ClusterState | null

  constructor(snapshot: ClusterState | null = null) {
    this.#state = snapshot
  }

  /** Null until the cluster is formed. Never changed in place: it may be kept and read at leisure. */
  get state(): ClusterState | null {
    return this.#state
  }

  apply(command: Command, context: Context): Answer {
    const result = applyCommand(this.#state, command, context)
    this.#state = result.state
    return result.answer
  }

  /** Plain data that survives JSON. */
  snapshot(): ClusterState | null {
    return this.#state
  }

  restore(snapshot: ClusterState | null): void {
    this.#state = snapshot
  }
}

interface FirstTransition {
  readonly state: ClusterState | null
  readonly answer: Answer
}

export function applyCommand(state: ClusterState | null, command: Command, context: Context): FirstTransition {
  if (state === null) {
    if (command.type === 'form') return form(command.formation, context)
    return { state, answer: { type: 'refused', code: 'not-formed' } }
  }
  switch (command.type) {
    case 'form':
      return formAgain(state, command.formation)
    case 'set-constants':
      return setConstants(state, command)
    case 'raise-version':
      return raiseVersion(state, command.version)
    case 'join':
    case 'announce':
    case 'leave':
    case 'mark-dead':
    case 'mark-alive':
    case 'remove':
      return applyMemberCommand(state, command, context)
    case 'plan-move':
    case 'advance-move':
    case 'finish-move':
    case 'abort-move':
    case 'set-preferred-leaders':
      return applyTableCommand(state, command)
    case 'report-losses':
    case 'form-anew':
      return applyLifeCommand(state, command, context)
    case 'recover':
      return recover(state, command, context)
    default:
      return unreachable(command)
  }
}

function form(formation: Formation, context: Context): FirstTransition {
  if (!isValidFormation(formation)) return { state: null, answer: { type: 'refused', code: 'invalid' } }
  const members = formation.members
    .map(({ name, incarnation, address }): Member => ({
      name,
      incarnation,
      address,
      state: 'active',
      since: context.time,
      version: 1,
      adopted: 1,
    }))
    .toSorted((left, right) => (left.name < right.name ? -1 : 1))
  const constants = { revision: 1, timing: formation.timing }
  return {
    state: { formation, constants, version: 1, members, tombstones: [], table: initialTable(formation) },
    answer: { type: 'formed', formation },
  }
}

/** Decision R3: each of the founders may say it, but it happens once. */
function formAgain(state: ClusterState, formation: Formation): Transition {
  if (formation.clusterId !== state.formation.clusterId) return refuse(state, 'other-cluster')
  return { state, answer: { type: 'formed', formation: state.formation } }
}

function isValidFormation(formation: Formation): boolean {
  const names = new Set(formation.members.map((member) => member.name))
  return (
    formation.clusterId.length > 0 &&
    formation.members.every(isValidMember) &&
    names.size === formation.members.length &&
    isWithin(names.size, membersMax) &&
    isWithin(formation.slots, slotsMax) &&
    isWithin(formation.replication, replicationMax) &&
    isSane(formation.timing)
  )
}

function isWithin(value: number, max: number): boolean {
  return Number.isSafeInteger(value) && value >= 1 && value <= max
}

/**
 * Decision R4. At any time voters run at most two revisions, the current one and the one before, and any mixture of those two is
 * safe. So whoever votes must have adopted the current one before the next is made. That includes a member taken for dead: it may
 * be cut off and come back to a slot before the meta group hears of it, as in
 * 1. waits are raised from 500 ms to 1 s; N3 is cut off and does not learn it; 2. without asking N3, leases are raised to 900 ms;
 * 3. N3 is back, confirms a heartbeat of N1, hears nothing for 500 ms and elects N2, while N1 trusts its lease for 400 ms more.
 */
function setConstants(state: ClusterState, command: SetConstants): Transition {
  const { revision, timing } = state.constants
  if (command.expectedRevision !== revision) return refuse(state, 'stale-revision')
  if (!isSane(command.timing)) return refuse(state, 'invalid')
  if (sameTiming(command.timing, timing)) return { state, answer: { type: 'constants', constants: state.constants } }
  if (!isSafeMixture(timing, command.timing)) return refuse(state, 'unsafe-mixture')
  if (!isAdopted(state)) return refuse(state, 'not-adopted')
  const constants = { revision: revision + 1, timing: command.timing }
  return { state: { ...state, constants }, answer: { type: 'constants', constants } }
}

function isAdopted(state: ClusterState): boolean {
  const { revision } = state.constants
  const voters = state.table.slots.flatMap((slot) => [...slot.replicas, slot.move?.from ?? null, slot.move?.to ?? null])
  return (
    state.members.every((member) => member.state !== 'active' || member.adopted >= revision) &&
    // A replica whose member is gone votes until it is moved.
    voters.every((replica) => replica === null || (holderOf(state, replica)?.adopted ?? 0) >= revision)
  )
}

/**
 * Decision R9. The dead count too: one that comes back finds its groups running what it must know. Machines follow by a command of
 * their own, in each group at a place in its log that is the same for all.
 */
function raiseVersion(state: ClusterState, version: number): Transition {
  if (!Number.isSafeInteger(version) || version < 1) return refuse(state, 'invalid')
  if (state.members.some((member) => member.version < version)) return refuse(state, 'version-too-old')
  return { state: { ...state, version: Math.max(state.version, version) }, answer: { type: 'done' } }
}
