import { unreachable } from '#base/assert.ts'
import { membersMax, nameLengthMax, tombstonesMax } from './limits.ts'
import { findMember, holdsReplicas, majorityWithout } from './replica.ts'
import { sameTiming } from './timing.ts'
import { refuse } from './transition.ts'
import type { Announce, ClusterState, Context, Join, Member, MemberCommand, MemberId } from './types.ts'
import type { Transition } from './transition.ts'

export function isValidMember(member: MemberId & { readonly address: string }): boolean {
  const texts = [member.name, member.incarnation, member.address]
  // A replica's id is cut at its last two slashes.
  return texts.every((text) => text.length >= 1 && text.length <= nameLengthMax) && !member.incarnation.includes('/')
}

export function applyMemberCommand(state: ClusterState, command: MemberCommand, context: Context): Transition {
  if (isTombstoned(state, command)) {
    return command.type === 'remove' ? { state, answer: { type: 'done' } } : refuse(state, 'removed')
  }
  if (command.type === 'join') return join(state, command, context)
  const member = findMember(state, command.name)
  if (member?.incarnation !== command.incarnation) return refuse(state, 'unknown-member')
  switch (command.type) {
    case 'announce':
      return announce(state, { member, command, context })
    case 'leave':
      return leave(state, member, context)
    case 'mark-dead':
      return enter(state, member, 'dead', context)
    case 'mark-alive':
      return member.state === 'dead' ? enter(state, member, stateOfReturned(state, member), context) : answerMember(state, member)
    case 'remove':
      return remove(state, member, context)
    default:
      return unreachable(command)
  }
}

/** A new node, a restarted one, or one that lost what it had stored: the latter takes the place of its former self. */
function join(state: ClusterState, command: Join, context: Context): Transition {
  if (!isValidMember(command)) return refuse(state, 'invalid')
  if (command.version < state.version) return refuse(state, 'version-too-old')
  const { name, incarnation, address, version } = command
  const known = findMember(state, name)
  if (known?.incarnation === incarnation) return answerJoined(state, { ...known, address, version })
  if (!sameTiming(command.timing, state.constants.timing)) return refuse(state, 'timing-differs')
  if (known === null && state.members.length >= membersMax) return refuse(state, 'full')
  if (known !== null && state.tombstones.length >= tombstonesMax) return refuse(state, 'full')
  const member: Member = { name, incarnation, address, version, state: 'joining', since: context.time, adopted: 0 }
  return answerJoined(known === null ? state : bury(state, known, context), member)
}

/** Announcements may arrive late and out of order: what was adopted once stays adopted. */
function announce(
  state: ClusterState,
  input: { readonly member: Member; readonly command: Announce; readonly context: Context },
): Transition {
  const { member, command, context } = input
  if (command.adopted > state.constants.revision || !isValidMember(command)) return refuse(state, 'invalid')
  if (command.version < state.version) return refuse(state, 'version-too-old')
  const adopted = Math.max(member.adopted, command.adopted)
  const updated: Member = { ...member, address: command.address, version: command.version, adopted }
  if (member.state === 'joining' && adopted === state.constants.revision) return enter(state, updated, 'active', context)
  return answerMember(withMember(state, updated), updated)
}

/**
 * One that comes back with its replicas takes them up at once: the constants cannot have changed more than once behind its back
 * (decision R4). Without replicas it may have missed more, and must catch up with the constants first.
 */
function stateOfReturned(state: ClusterState, member: Member): 'active' | 'joining' {
  return holdsReplicas(state, member) || member.adopted === state.constants.revision ? 'active' : 'joining'
}

/** Two that leave at once may each have seen the other active; somebody has to stay who takes over. */
function leave(state: ClusterState, member: Member, context: Context): Transition {
  if (member.state === 'dead') return refuse(state, 'not-active')
  const isLast = member.state === 'active' && !state.members.some((other) => other.name !== member.name && other.state === 'active')
  return isLast ? refuse(state, 'last-active') : enter(state, member, 'leaving', context)
}

function remove(state: ClusterState, member: Member, context: Context): Transition {
  if (member.state === 'active') return refuse(state, 'still-active')
  if (member.state === 'leaving' && holdsReplicas(state, member)) return refuse(state, 'holds-replicas')
  // One that is only silent may come back with what a slot needs, unless it is removed: then its store is refused for ever.
  if (!majorityWithout(state, member.name)) return refuse(state, 'no-majority')
  if (state.tombstones.length >= tombstonesMax) return refuse(state, 'full')
  return { state: bury(state, member, context), answer: { type: 'done' } }
}

function isTombstoned(state: ClusterState, id: MemberId): boolean {
  return state.tombstones.some((tombstone) => tombstone.name === id.name && tombstone.incarnation === id.incarnation)
}

function bury(state: ClusterState, member: Member, context: Context): ClusterState {
  const { name, incarnation } = member
  return {
    ...state,
    members: state.members.filter((other) => other.name !== name),
    tombstones: [...state.tombstones, { name, incarnation, since: context.time }],
  }
}

function enter(state: ClusterState, member: Member, next: Member['state'], context: Context): Transition {
  const entered: Member = member.state === next ? member : { ...member, state: next, since: context.time }
  return answerMember(withMember(state, entered), entered)
}

function answerJoined(state: ClusterState, member: Member): Transition {
  return { state: withMember(state, member), answer: { type: 'joined', member, formation: state.formation } }
}

function answerMember(state: ClusterState, member: Member): Transition {
  return { state, answer: { type: 'member', member } }
}

function withMember(state: ClusterState, member: Member): ClusterState {
  const others = state.members.filter((other) => other.name !== member.name)
  return { ...state, members: [...others, member].sort((left, right) => (left.name < right.name ? -1 : 1)) }
}
