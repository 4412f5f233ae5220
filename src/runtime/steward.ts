import type { Millis } from '#base/brand.ts'
import { isBeyondRecovery, isStuck, planFormAnew, remainingOf } from '#core/cluster/lives.ts'
import { nextMoveAction } from '#core/cluster/move-action.ts'
import type { MoveAction } from '#core/cluster/move-action.ts'
import { planDeparture, planLeaders, planMoves } from '#core/cluster/planner.ts'
import { versionKnownToAll } from '#core/cluster/version.ts'
import type { Answer, ClusterState, Command, Formation, Member, Replica, Slot } from '#core/cluster/types.ts'
import type { LogIndex, Membership, ReplicaId } from '#core/raft/types.ts'
import { logIndex } from '#core/raft/types.ts'
import type { Clock } from '#ports/clock.ts'
import type { NodeKey } from '#ports/transport.ts'
import type { GroupStatus, PeerRequest, PeerResponse } from '#wire/peer-message.ts'
import type { Group } from './group.ts'
import { metaGroup } from './meta-machine.ts'
import { idOfReplica, livesOn, nodeNameOf } from './replica-name.ts'

/**
 * What the leader of the meta group does for its cluster, and nobody else: notices who is gone, keeps every member informed, and carries out
 * the moves that the table records.
 *
 * It remembers nothing that matters: each round starts from the table and from what the slots report, so another leader goes on where
 * this one stopped (decision R8). Every change it asks for is compare-and-set, so an order that arrives late does nothing.
 */
export class Steward {
  readonly #ports: StewardPorts
  readonly #self: NodeKey
  readonly #deadAfterMs: number
  /** Slots about which a question or an order is under way. */
  readonly #busy = new Set<number>()
  #listeningSince: Millis
  #roundAt: Millis
  #nextToTidy = 1
  #nextTidyAt = 0
  /** Slots that may be stuck, whose leader is being looked for. */
  readonly #searching = new Set<number>()
  /** And since when nobody was found to lead them. */
  readonly #leaderlessSince = new Map<number, Millis>()
  #planning = false
  #atRest: ClusterState | null = null

  constructor(ports: StewardPorts, options: { readonly self: NodeKey; readonly deadAfterMs: number }) {
    this.#ports = ports
    this.#self = options.self
    this.#listeningSince = this.#roundAt = ports.clock.now()
    this.#deadAfterMs = options.deadAfterMs
  }

  /** Silence counts only from when this node is the one that others speak to. */
  listenAnew(): void {
    this.#listeningSince = this.#ports.clock.now()
  }

  round(meta: Group, state: ClusterState | null, formation: Formation): void {
    if (state === null) {
      this.#propose({ type: 'form', formation })
      return
    }
    this.#judgeLife(state)
    this.#informMembers(meta, state)
    this.#driveMoves(state)
    this.#giveUpStuck(state)
    this.#plan(meta, state)
  }

  #propose(command: Command, then: (isDone: boolean) => void = () => {}): void {
    this.#ports.submit(command, (answer) => then(answer !== null && answer.type !== 'refused'))
  }

  /** A node that was paused has heard nobody meanwhile: its own silence is not that of the others. */
  #judgeLife(state: ClusterState): void {
    const now = this.#ports.clock.now()
    if (now - this.#roundAt > pausedAfterMs) this.listenAnew()
    this.#roundAt = now
    for (const { name, incarnation, state: life } of state.members) {
      if (name === this.#self.name) continue
      const heardAt = this.#ports.heardAt({ name, incarnation }) ?? Number.NEGATIVE_INFINITY
      const silentMs = now - Math.max(heardAt, this.#listeningSince)
      if (life !== 'dead' && silentMs > this.#deadAfterMs) this.#propose({ type: 'mark-dead', name, incarnation })
      else if (life === 'dead' && now - heardAt < backAfterMs) this.#propose({ type: 'mark-alive', name, incarnation })
    }
  }

  /** Every living member follows the meta group, as a learner where it does not vote. One change at a time. */
  #informMembers(meta: Group, state: ClusterState): void {
    const { membership, membershipIndex } = meta.raft
    const slot = state.table.slots[metaGroup] as Slot
    // What is not committed may be taken back, and a follower's new replica would have taken the place of a voter.
    if (this.#busy.has(metaGroup) || membershipIndex > meta.raft.commit || membership.outgoing.length > 0) return
    const target = slot.move?.to ?? null
    const followers = state.members.filter(
      (member) => member.state !== 'dead' && target?.node !== member.name && !membership.voters.some((voter) => livesOn(voter, member)),
    )
    const known = membership.learners.filter(
      (id) => (target !== null && id === idOfReplica(target)) || followers.some((member) => livesOn(id, member)),
    )
    const missing = followers.find((member) => !known.some((id) => livesOn(id, member)))
    if (missing === undefined && known.length === membership.learners.length) return
    const host = missing === undefined ? null : followerReplica(missing, membershipIndex)
    const learners = host === null ? known : [...known, idOfReplica(host)]
    this.#hostThenChange(host, slot, { group: metaGroup, expectedIndex: membershipIndex, voters: membership.voters, learners })
  }

  #driveMoves(state: ClusterState): void {
    state.table.slots.forEach((slot, group) => {
      if (slot.move !== null) this.#drive(group, slot)
    })
    const now = this.#ports.clock.now()
    if (now < this.#nextTidyAt) return
    this.#nextTidyAt = now + tidyEveryMs
    const tidy = this.#nextToTidy
    this.#nextToTidy = tidy + 1 < state.table.slots.length ? tidy + 1 : 1
    const slot = state.table.slots[tidy]
    if (slot !== undefined && slot.move === null) this.#drive(tidy, slot)
  }

  #drive(group: number, slot: Slot): void {
    if (this.#busy.has(group)) return
    this.#busy.add(group)
    this.#askLeader(group, slot, (status) => {
      if (status === null) this.#busy.delete(group)
      else this.#act(group, slot, nextMoveAction(group, slot, status))
    })
  }

  /**
   * Decision C12. A slot that has lost replicas and finds no leader will not find one while the rest is silent, or is split over the two configurations of a
   * move. Then those that could still answer are given up too: once they say so, the slot can begin anew. Until then it may still come back.
   */
  #giveUpStuck(state: ClusterState): void {
    const now = this.#ports.clock.now()
    for (const [group, slot] of state.table.slots.entries()) {
      if (!isStuck(state, slot) || isBeyondRecovery(slot)) {
        this.#leaderlessSince.delete(group)
        continue
      }
      if (this.#searching.has(group)) continue
      this.#searching.add(group)
      this.#askLeader(group, slot, (status) => {
        this.#searching.delete(group)
        const since = this.#leaderlessSince.get(group) ?? now
        if (status !== null) this.#leaderlessSince.delete(group)
        else this.#leaderlessSince.set(group, since)
        if (status === null && now - since >= leaderlessMs)
          for (const replica of remainingOf(slot)) this.#drop(group, replica, { givesUp: true })
      })
    }
  }

  #act(group: number, slot: Slot, action: MoveAction): void {
    const free = (): void => {
      this.#busy.delete(group)
    }
    switch (action.type) {
      case 'wait':
        free()
        break
      case 'propose':
        this.#propose(action.command, free)
        break
      case 'change-membership': {
        const { expectedIndex, voters, learners } = action
        this.#busy.delete(group)
        this.#hostThenChange(action.host, slot, {
          group,
          expectedIndex: logIndex(expectedIndex),
          voters,
          learners,
        })
        break
      }
      case 'drop':
        // Not before the table says so: who has dropped what it is still given is taken for one that lost it.
        this.#propose(action.command, (isDone) => {
          free()
          if (isDone && action.replica !== null) this.#drop(group, action.replica, { givesUp: false })
        })
        break
    }
  }

  /** A learner must exist before the leader counts on it. */
  #hostThenChange(host: Replica | null, slot: Slot, change: Omit<Extract<PeerRequest, { type: 'change-membership' }>, 'type'>): void {
    const { group } = change
    this.#busy.add(group)
    const free = (): void => {
      this.#busy.delete(group)
    }
    const apply = (learners: readonly ReplicaId[]): void =>
      this.#toLeader(group, slot, { type: 'change-membership', ...change, learners }, free)
    if (host === null) {
      apply(change.learners)
      return
    }
    const request = {
      type: 'host-group',
      group,
      replica: idOfReplica(host),
      initial: initialMembership(slot),
      decidedAt: change.expectedIndex,
    } as const
    this.#ports.ask(host.node, request, (response) => {
      if (response?.type === 'done') apply(change.learners)
      // The node may have what was decided on the same configuration and came to nothing. What is decided on the next one is later.
      else if (group === metaGroup && response?.type === 'refused' && response.code === 'removed')
        apply(change.learners.filter((learner) => learner !== idOfReplica(host)))
      else free()
    })
  }

  #drop(group: number, replica: Replica, { givesUp }: { readonly givesUp: boolean }): void {
    this.#ports.ask(replica.node, { type: 'drop-group', group, replica: idOfReplica(replica), givesUp }, () => {})
  }

  /** A state that calls for nothing now calls for nothing later: planning is not free. */
  #plan(meta: Group, state: ClusterState): void {
    const anew = planFormAnew(state, meta.raft.machineTimeAt(this.#ports.clock.now()) ?? 0)
    if (this.#planning || (state === this.#atRest && anew === null)) return
    const [next] = planMoves(state)
    const version = versionKnownToAll(state)
    const raise: Command | null = version > state.version ? { type: 'raise-version', version } : null
    const command = anew ?? next ?? planDeparture(state) ?? raise ?? planLeaders(state)
    if (command === null) {
      this.#atRest = state
      return
    }
    this.#planning = true
    this.#propose(command, () => {
      this.#planning = false
    })
  }

  /** Replicas are asked in turn until one that leads answers. */
  #askLeader(group: number, slot: Slot, done: (status: GroupStatus | null) => void): void {
    const names = [...slot.replicas.map(({ node }) => node), ...(slot.move?.to ? [slot.move.to.node] : [])]
    const asked = new Set<string>()
    const next = (hint: string | null): void => {
      const name = hint !== null && !asked.has(hint) ? hint : names.find((candidate) => !asked.has(candidate))
      if (name === undefined) {
        done(null)
        return
      }
      asked.add(name)
      this.#ports.ask(name, { type: 'group-status', group }, (response) => {
        const status = response?.type === 'group-status' ? response.status : null
        if (status?.role === 'leader') done(status)
        else next(status?.leader ? nodeNameOf(status.leader) : null)
      })
    }
    next(null)
  }

  #toLeader(group: number, slot: Slot, request: PeerRequest, done: () => void): void {
    this.#askLeader(group, slot, (status) => {
      if (status === null) done()
      else this.#ports.ask(nodeNameOf(status.replica), request, () => done())
    })
  }
}

export interface StewardPorts {
  readonly clock: Clock
  /** Proposes in the meta group; `then` is called once, with null when there was no answer. */
  submit(command: Command, then: (answer: Answer | null) => void): void
  /** Also answers questions to this node itself. */
  ask(to: string, request: PeerRequest, done: (response: PeerResponse | null) => void): void
  /** When this node last heard from that one; null for never. */
  heardAt(node: NodeKey): Millis | null
}

function initialMembership(slot: Slot): Membership {
  return { voters: slot.initial.map(idOfReplica), outgoing: [], learners: [] }
}

/** Generations of moves are small; those of followers bear the index of the configuration they are added to, so none is used twice. */
const followerReplica = ({ name, incarnation }: Member, expectedIndex: LogIndex): Replica => ({
  node: name,
  incarnation,
  generation: firstFollowerGeneration + expectedIndex,
})

const firstFollowerGeneration = 1_000_000_000
const backAfterMs = 1_000
/** Rounds that are further apart than any that were meant to be. */
const pausedAfterMs = 3_000
const tidyEveryMs = 2_000
/** Many elections fit in. */
const leaderlessMs = 5_000
