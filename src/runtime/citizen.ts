import type { Millis } from '#base/brand.ts'
import { nextMultiple } from '#base/cadence.ts'
import { preferredLeader } from '#core/cluster/placement.ts'
import { sameTiming } from '#core/cluster/timing.ts'
import type { Answer, ClusterState, Command, Member, Timing } from '#core/cluster/types.ts'
import type { ReplicaId } from '#core/raft/types.ts'
import type { Clock } from '#ports/clock.ts'
import type { NodeKey } from '#ports/transport.ts'
import { encodeCommand } from '#wire/command.ts'
import type { Group } from './group.ts'
import { HandOvers } from './hand-overs.ts'
import type { ReplicaHost } from './host.ts'
import type { Identity } from './identity.ts'
import { metaGroup } from './meta-machine.ts'
import { idOfReplica, livesOn, nodeNameOf } from './replica-name.ts'
import { foundAnew, lossesOf } from './slot-lives.ts'
import type { Steward } from './steward.ts'

/**
 * A member's duties, in rounds: adopt new cluster constants and say so (decision R4), announce its version and commit its groups to the one all
 * can run (decision R9), hand leadership to where the table wants it, give up replicas that nobody wants, say which it has lost and begin slots anew
 * that a majority has lost (decision C12), and act as steward while it leads the meta group.
 */
export class Citizen {
  readonly #options: CitizenOptions
  #announcing = false
  #adopting = false
  #asking = false
  #stopped = false
  /** When it was last seen among the members. */
  #isLeaving = false
  #nextReport = 0
  #lastState: ClusterState | null = null
  #changedAt = 0
  /** Groups that were asked to change leader or version lately, and until when they are left alone. */
  readonly #patience = new Map<number, Millis>()
  readonly #handOvers = new HandOvers()

  constructor(options: CitizenOptions) {
    this.#options = options
  }

  start(): void {
    this.#round()
  }

  stop(): void {
    this.#stopped = true
  }

  #round(): void {
    if (this.#stopped || this.#options.host.failure !== null) return
    const { clock, host, identity, steward } = this.#options
    const state = this.#options.cluster()
    const meta = host.groups.get(metaGroup)
    const { formation } = identity()
    if (meta === undefined || this.#isForgotten(meta)) this.#reportBack()
    else if (state !== null) this.#takePart(state)
    if (meta?.raft.termStarted === true && formation !== null) steward.round(meta, this.#options.metaState(), formation)
    const now = clock.now()
    clock.after(nextMultiple(now, this.#pause(state)) - now, () => host.post(() => this.#round()))
  }

  /** Rounds are rare while nothing changes: an idle node should cost next to nothing. */
  #pause(state: ClusterState | null): number {
    const now = this.#options.clock.now()
    if (state !== this.#lastState) {
      this.#lastState = state
      this.#changedAt = now
    }
    const moving = state?.table.slots.some(({ move }) => move !== null) ?? true
    return moving || now - this.#changedAt < restlessMs ? roundMs : idleRoundMs
  }

  /** A follower of the meta group hears its leader all the time. One that was taken for dead is not spoken to any more. */
  #isForgotten({ raft }: Group): boolean {
    const { clock, timing } = this.#options
    return raft.role !== 'leader' && clock.now() - raft.inspect().heardAt > 2 * timing().electionMaxMs
  }

  /** Who is no part of the meta group speaks up itself, or the steward would never know that it is back. */
  #reportBack(): void {
    const { self, clock, submit, timing } = this.#options
    if (clock.now() < this.#nextReport) return
    this.#nextReport = clock.now() + reportMs
    const { name, incarnation, address, version } = self
    submit({ type: 'join', name, incarnation, address, version, timing: timing() }, (answer) => {
      if (answer?.type === 'refused' && answer.code === 'removed') this.#gone()
    })
  }

  #gone(): void {
    if (this.#stopped) return
    this.stop()
    this.#options.removed(this.#isLeaving ? 'left' : 'removed')
  }

  #takePart(state: ClusterState): void {
    const { self } = this.#options
    const member = state.members.find(({ name, incarnation }) => name === self.name && incarnation === self.incarnation)
    if (member === undefined) {
      if (state.tombstones.some(({ name, incarnation }) => name === self.name && incarnation === self.incarnation)) this.#gone()
      return
    }
    this.#isLeaving = member.state === 'leaving'
    this.#adopt(state)
    this.#announce(member)
    this.#compareReplicas(state)
    foundAnew(this.#options.host, state, self)
    for (const group of this.#options.host.groups.values()) {
      this.#handOvers.leads(group.id, group.raft.leader, { tableVersion: state.table.version, now: this.#options.clock.now() })
      if (group.raft.termStarted) this.#serveGroup(group, state)
    }
  }

  /** With the table as it is now: what this node knows of it may be old, above all when it was restarted. */
  #compareReplicas(state: ClusterState): void {
    const { host, currentState, submit } = this.#options
    if (this.#asking || (straysOf(host, state).length === 0 && lossesOf(host, state).length === 0)) return
    const strays = straysOf(host, state)
    this.#asking = true
    currentState((now) => {
      this.#asking = false
      if (now === null || this.#stopped || host.failure !== null) return
      for (const stray of straysOf(host, now)) if (strays.includes(stray)) host.drop(stray.id, () => {})
      const losses = lossesOf(host, now)
      if (losses.length > 0) submit({ type: 'report-losses', losses }, () => {})
    })
  }

  /**
   * In force and durable before it is announced: the next change rests on it. After a restart the state runs through its past once more, and
   * what this node has left behind it must not take up again.
   */
  #adopt({ constants }: ClusterState): void {
    const { identity, changeIdentity, host } = this.#options
    const current = identity().constants
    if (this.#adopting || (current !== null && current.revision >= constants.revision)) return
    this.#adopting = true
    if (current === null || !sameTiming(current.timing, constants.timing)) host.setTiming(constants.timing)
    changeIdentity({ constants }, () => {
      this.#adopting = false
    })
  }

  #announce(member: Member): void {
    const { self, identity, submit } = this.#options
    const adopted = identity().constants?.revision ?? 0
    const news =
      adopted > member.adopted ||
      self.version !== member.version ||
      self.address !== member.address ||
      (member.state === 'joining' && adopted > 0)
    if (!news || this.#announcing || this.#adopting || adopted === 0) return
    this.#announcing = true
    const { name, incarnation, address, version } = self
    submit({ type: 'announce', name, incarnation, address, version, adopted }, () => {
      this.#announcing = false
    })
  }

  #serveGroup(group: Group, state: ClusterState): void {
    const now = this.#options.clock.now()
    if (now < (this.#patience.get(group.id) ?? 0)) return
    const { version } = state
    const preferred = preferredLeader(state.table, group.id)
    const heir = group.raft
      .matches()
      .find(
        ({ replica, match }) => nodeNameOf(replica) === preferred && match + handOverGap >= group.raft.commit && this.#mayLead(preferred),
      )
    if (version > group.applier.machine.version && isAmongMembers(group, state)) {
      this.#wait(group)
      group.propose({ commands: [encodeCommand({ type: 'set-version', version })], done: () => {} })
    } else if (heir !== undefined && group.raft.membership.voters.includes(heir.replica)) {
      const handOver = { group: group.id, heir: heir.replica, tableVersion: state.table.version }
      if (!this.#handOvers.isDue(handOver, now)) return
      this.#wait(group)
      this.#handOvers.begun(handOver, now)
      this.#options.handingOver(group.id, () => this.#handOver(group, heir.replica))
    }
  }

  /** The service took its time: a group that is led by another one now takes no notice. */
  #handOver(group: Group, to: ReplicaId): void {
    const { host } = this.#options
    host.post(() => {
      if (!this.#stopped && host.groups.get(group.id) === group) group.step({ type: 'transfer', to })
    })
  }

  /**
   * A replica that was restarted takes no lead before its hold-off is over (decision R1), and its group would refuse commands until the hand-over
   * is given up. Its hold-off began before its node was connected.
   */
  #mayLead(node: string): boolean {
    const { clock, host, timing } = this.#options
    const since = host.requests.connectedSince(node)
    return since !== null && clock.now() - since >= timing().electionMaxMs
  }

  #wait(group: Group): void {
    this.#patience.set(group.id, (this.#options.clock.now() + patienceMs) as Millis)
  }
}

export interface CitizenOptions {
  readonly steward: Steward
  readonly host: ReplicaHost
  /** The newest state this node has seen. */
  readonly cluster: () => ClusterState | null
  /** The state that its replica of the meta group is in. */
  readonly metaState: () => ClusterState | null
  /** Asks for the state of the cluster as it is now; null when nobody says. */
  readonly currentState: (then: (state: ClusterState | null) => void) => void
  readonly clock: Clock
  readonly self: NodeKey & { readonly address: string; readonly version: number }
  readonly identity: () => Identity
  /** The constants it runs. */
  readonly timing: () => Timing
  readonly changeIdentity: (change: Partial<Identity>, then: () => void) => void
  /** The service gets ready for it. */
  readonly handingOver: (group: number, then: () => void) => void
  readonly submit: (command: Command, then: (answer: Answer | null) => void) => void
  /** The cluster has removed this node for good. */
  readonly removed: (how: 'left' | 'removed') => void
}

/**
 * Replicas here that the table gives to nobody. The order to drop one is given once and may get lost. A replica is in every table from the plan of the move
 * that brings it to the end of the one that takes it away, and its id is never used again; so one that was here before the question and is not in the table
 * that answers it, which is newer than what this node knows, is wanted by nobody. The meta group is followed by all; there a new order takes the place of an
 * old replica.
 */
function straysOf(host: ReplicaHost, { table }: ClusterState): readonly Group[] {
  return [...host.groups.values()].filter(({ id, raft }) => {
    const slot = id === metaGroup ? undefined : table.slots[id]
    if (slot === undefined) return false
    const given = [...slot.replicas, slot.move?.from ?? null, slot.move?.to ?? null]
    return !given.some((replica) => replica !== null && idOfReplica(replica) === raft.self)
  })
}

/**
 * Who was removed is not asked which versions it knows, but its replica hears of everything that is committed until its configuration leaves it
 * out as well.
 */
function isAmongMembers({ raft }: Group, { members }: ClusterState): boolean {
  const { voters, outgoing, learners } = raft.membership
  return [...voters, ...outgoing, ...learners].every((replica) => members.some((member) => livesOn(replica, member)))
}

const roundMs = 200
const idleRoundMs = 2_000
const restlessMs = 5_000
const patienceMs = 5_000
const reportMs = 1_000
/** A preferred leader that lags by more is left to catch up first. */
const handOverGap = 1_000
