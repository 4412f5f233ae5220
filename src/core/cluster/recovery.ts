import { lostTermsMax } from './limits.ts'
import { nextLife } from './lives.ts'
import { findMember } from './replica.ts'
import { refuse } from './transition.ts'
import type { Transition } from './transition.ts'
import type { ClusterState, Context, Formation, Recover, Slot } from './types.ts'

/**
 * Decision R3: a majority that is gone for good is given up by an operator, and by nobody else. One member is left, with what its store has: of every
 * group that it votes in it is the only voter from now on. Nobody can say what the others had beyond that, or that they never come back: so
 * they are of another cluster from now on, and terms and lives go on far above any that they may have reached.
 */
export function recover(state: ClusterState, command: Recover, context: Context): Transition {
  const { name, incarnation, recovery, kept } = command
  const member = findMember(state, name)
  if (member?.incarnation !== incarnation) return refuse(state, 'unknown-member')
  const slots = state.table.slots.map((slot, group) => {
    const found = kept.find((each) => each.slot === group && (group === 0 || each.configurationIndex > slot.life.index))
    if (found !== undefined) return onlyOn(slot, found)
    return nextLife(slot, { members: [member], afterTerm: slot.life.term + lostTermsMax, since: context.wall })
  })
  return {
    state: {
      ...state,
      formation: { ...state.formation, recovery },
      members: [{ ...member, state: 'active', since: context.time }],
      table: { version: state.table.version + 1, slots },
    },
    answer: { type: 'done' },
  }
}

function onlyOn(slot: Slot, { replica, configurationIndex }: Recover['kept'][number]): Slot {
  return {
    ...slot,
    replicas: [replica],
    lost: [],
    configurationIndex,
    nextGeneration: Math.max(slot.nextGeneration, replica.generation + 1),
    leader: null,
    pinned: false,
    move: null,
  }
}

/** What nodes must agree on to speak with each other. */
export const clusterKeyOf = ({ clusterId, recovery }: Formation): string => (recovery === null ? clusterId : `${clusterId}-${recovery}`)
