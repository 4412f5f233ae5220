import { unreachable } from '#base/assert.ts'
import type { WallMillis } from '#base/brand.ts'
import { clientLeaseMsMax, lifeEntriesMax, livesMax, replicationMax } from './limits.ts'
import { replicasWanted } from './placement.ts'
import { exchange, findMember, holderOf, isAlive, isLost, isMajority, sameReplica } from './replica.ts'
import { Shares } from './shares.ts'
import { refuse } from './transition.ts'
import type { Transition } from './transition.ts'
import type {
  ClusterState,
  Context,
  FormAnew,
  LifeCommand,
  LostReplica,
  MemberId,
  RefusalCode,
  Replica,
  ReportLosses,
  Slot,
} from './types.ts'

/**
 * Decision C12. A replica whose log is only in memory ends with its process. Its node keeps on disk that there was one, and in which term: so it never
 * speaks as that replica again, and says that it is lost. While a majority is left, the planner replaces it like any other. When too few are
 * left, the slot can never again elect, commit or renew a lease, and what it had is gone. Then it begins another life: empty, with new replicas,
 * above every index and term of the life before.
 *
 * 1. Terms. A leader was elected by a majority, and so were the lost ones half of the replicas or more: they have one in common, and it
 *    remembers a term that is no smaller. So the largest term of the lost ones is at least that of any leader there was.
 * 2. Leases. When a replica ended that the majority needed, the last leader's lease had begun before; clients that it told may use what they
 *    know for one lease of theirs after that. Machine time never runs ahead of true time, so it is counted in it.
 * 3. Moves. Until a move is done nobody but the slot knows which configuration is in force: both must have lost their majority.
 */

export function applyLifeCommand(state: ClusterState, command: LifeCommand, context: Context): Transition {
  switch (command.type) {
    case 'report-losses':
      return reportLosses(state, command, context)
    case 'form-anew':
      return formAnew(state, command, context)
    default:
      return unreachable(command)
  }
}

/** Of what is not in the table any more nobody needs to know. */
function reportLosses(state: ClusterState, { losses }: ReportLosses, { time }: Context): Transition {
  let { slots } = state.table
  for (const { slot: group, replica, term } of losses) {
    const slot = group === 0 ? undefined : slots[group]
    if (slot === undefined) return refuse(state, 'no-such-slot')
    if (isLost(slot, replica) || !replicasOf(slot).some((other) => sameReplica(other, replica))) continue
    const { node, incarnation, generation } = replica
    const lost: LostReplica = { node, incarnation, generation, term, since: time }
    slots = slots.with(group, { ...slot, lost: [...slot.lost, lost] })
  }
  if (slots === state.table.slots) return { state, answer: { type: 'done' } }
  return { state: { ...state, table: { version: state.table.version + 1, slots } }, answer: { type: 'done' } }
}

function formAnew(state: ClusterState, command: FormAnew, context: Context): Transition {
  if (command.expectedVersion !== state.table.version) return refuse(state, 'stale-version')
  let { slots } = state.table
  for (const { slot: group, nodes } of command.slots) {
    const slot = group === 0 ? undefined : slots[group]
    if (slot === undefined) return refuse(state, 'no-such-slot')
    const code = whyNotAnew(state, { slot, nodes, context })
    if (code !== null) return refuse(state, code)
    slots = slots.with(group, anew(state, { slot, nodes, context }))
  }
  return { state: { ...state, table: { version: state.table.version + 1, slots } }, answer: { type: 'done' } }
}

interface Rebirth {
  readonly slot: Slot
  readonly nodes: readonly string[]
  readonly context: Context
}

function whyNotAnew(state: ClusterState, { slot, nodes, context }: Rebirth): RefusalCode | null {
  if (!isBeyondRecovery(slot)) return 'majority-left'
  if (context.time < anewFrom(state, slot)) return 'too-early'
  if (nodes.length === 0 || nodes.length > replicationMax || new Set(nodes).size !== nodes.length) return 'invalid'
  if (nodes.some((node) => findMember(state, node)?.state !== 'active')) return 'not-active'
  return slot.life.number >= livesMax ? 'full' : null
}

function anew(state: ClusterState, { slot, nodes, context }: Rebirth): Slot {
  const members = nodes.map((name) => ({ name, incarnation: findMember(state, name)?.incarnation ?? '' }))
  return nextLife(slot, { members, afterTerm: Math.max(slot.life.term, ...slot.lost.map((replica) => replica.term)), since: context.wall })
}

interface NextLife {
  readonly members: readonly MemberId[]
  /** That of any leader there may have been. */
  readonly afterTerm: number
  readonly since: WallMillis
}

/** Empty, and above all that was. */
export function nextLife(slot: Slot, { members, afterTerm, since }: NextLife): Slot {
  const initial = members.map(({ name, incarnation }): Replica => ({ node: name, incarnation, generation: slot.nextGeneration }))
  const index = slot.life.number * lifeEntriesMax
  return {
    life: { number: slot.life.number + 1, index, term: afterTerm + 1, since },
    initial,
    replicas: initial,
    lost: [],
    configurationIndex: index,
    nextGeneration: slot.nextGeneration + 1,
    leader: null,
    pinned: false,
    move: null,
  }
}

/** Whether those that are not lost are no majority of any configuration that may be in force: what is so, stays so. */
export function isBeyondRecovery(slot: Slot): boolean {
  return configurationsOf(slot).every((set) => !isMajority(set, (replica) => !isLost(slot, replica)))
}

/** Whether a slot that has lost replicas may have no majority as long as those that are silent stay so. */
export function isStuck(state: ClusterState, slot: Slot): boolean {
  return slot.lost.length > 0 && configurationsOf(slot).some((set) => !isMajority(set, (replica) => isAlive(state, slot, replica)))
}

/** Replicas that may still have what the slot had. */
export function remainingOf(slot: Slot): readonly Replica[] {
  return replicasOf(slot).filter((replica) => !isLost(slot, replica))
}

/**
 * In machine time. Clocks may differ in rate by less than a tenth. A leader that is cut off may go by the lease of the constants before these,
 * which the wait for an election exceeds by as much (decision R4).
 */
function anewFrom({ constants }: ClusterState, { lost }: Slot): number {
  return Math.max(...lost.map(({ since }) => since)) + constants.timing.electionMinMs + 1.1 * clientLeaseMsMax
}

/** An order to change the voters may be on its way, also of a move that was given up since. One that is to be retired is out. */
function configurationsOf({ replicas, move }: Slot): readonly (readonly Replica[])[] {
  return move === null || move.step === 'retire' ? [replicas] : [replicas, exchange(replicas, move.from, move.to)]
}

function replicasOf({ replicas, move }: Slot): readonly Replica[] {
  return [...replicas, ...(move?.to && !replicas.some((other) => sameReplica(other, move.to)) ? [move.to] : [])]
}

/** What can begin anew by now; null when nothing can. The nodes that had the slot have it again. */
export function planFormAnew(state: ClusterState, time: number): FormAnew | null {
  const due = [...state.table.slots.entries()].filter(
    ([, slot]) => slot.lost.length > 0 && isBeyondRecovery(slot) && time >= anewFrom(state, slot) && slot.life.number < livesMax,
  )
  const active = state.members.filter((member) => member.state === 'active').map(({ name }) => name)
  if (due.length === 0 || active.length === 0) return null
  const wanted = replicasWanted(state.formation.replication, active.length)
  const shares = new Shares({ nodes: active, replicas: wanted * state.formation.slots })
  const slots = due.map(([group, slot]) => {
    const former = slot.replicas.filter((replica) => holderOf(state, replica)?.state === 'active').map(({ node }) => node)
    const nodes = former.slice(0, wanted)
    for (let node = shares.pick(group, nodes); nodes.length < wanted && node !== null; node = shares.pick(group, nodes)) {
      nodes.push(node)
      shares.add(node, 1)
    }
    return { slot: group, nodes }
  })
  return { type: 'form-anew', expectedVersion: state.table.version, slots }
}
