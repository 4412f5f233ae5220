import type { Result } from '#base/result.ts'
import { err, ok } from '#base/result.ts'
import type { Prng } from '#base/prng.ts'
import type { Call } from '#api/call.ts'
import type { serviceErrors } from '#api/common/errors.ts'
import { noLeader, unavailable } from '#api/common/faults.ts'
import type { OperatorApi } from '#api/common/operators.ts'
import type { Fault } from '#api/errors.ts'
import { faultOf } from '#api/errors.ts'
import { findMember, majorityWithout } from '#core/cluster/replica.ts'
import { commandOfRebalance, commandOfTransfer, planTransfer } from '#core/cluster/transfers.ts'
import type { LeaderTransfer } from '#core/cluster/transfers.ts'
import type { Answer, ClusterState, Command, Member } from '#core/cluster/types.ts'
import type { Clock } from '#ports/clock.ts'
import type { Telemetry } from '#ports/telemetry.ts'
import type { ClusterOverview, OverviewAnswer } from '#runtime/cluster-overview.ts'
import { decodeOverview } from '#runtime/cluster-overview.ts'
import { decodeClusterAnswer, encodeClusterCommand, metaGroup } from '#runtime/meta-machine.ts'
import type { SlotHost } from '#runtime/slot-host.ts'
import { audit, outcomeOf } from './audit.ts'
import type { Admission } from './admission.ts'
import { GroupPath } from './group-path.ts'
import { membersView, plainMembersView, replicasOf } from './members-view.ts'

export interface OperatorPorts {
  readonly node: () => SlotHost
  readonly name: string
  readonly clock: Clock
  readonly prng: Prng
  readonly telemetry: Telemetry
  readonly admission: Admission
}

type ServiceFault = Fault<(typeof serviceErrors)[number]>
type Seen = Result<ClusterOverview, ServiceFault | Fault<'unsupported'>>

/** Without a command there is nothing to change. */
type Decided<Value, F extends Fault> = Result<{ readonly command: Command | null; readonly value: Value }, F>

const aliveWithinMinMs = 2_000
/** So many changes of the table by others may come in between. */
const attemptsMax = 10

/**
 * What operators change about a cluster, by any node: it looks at the cluster as its meta leader has it, decides, and proposes commands that are
 * refused if that is not so any more.
 */
export class OperatorDesk implements OperatorApi {
  readonly #ports: OperatorPorts
  readonly #path: GroupPath<null, Extract<OverviewAnswer, { type: 'overview' }>>

  constructor(ports: OperatorPorts) {
    this.#ports = ports
    this.#path = new GroupPath({ ...ports, group: metaGroup, encode: () => new Uint8Array(0), decode: decodeOverview })
  }

  async members({ consistency }: Parameters<OperatorApi['members']>[0]): ReturnType<OperatorApi['members']> {
    const { node, name, clock } = this.#ports
    const { overview, standing } = node()
    if (standing.engine === 'redis') return ok(plainMembersView(standing.members, name, standing.clusterId))
    if (consistency === 'local') {
      return overview === null ? err(unavailable('this node does not know its cluster yet')) : ok(membersView(overview, name, clock.wall()))
    }
    const seen = await this.#ask()
    return seen === null ? err(noLeader()) : ok(membersView(seen, name, clock.wall()))
  }

  async leave({ node_id: id }: Parameters<OperatorApi['leave']>[0], call: Call): ReturnType<OperatorApi['leave']> {
    const name = id ?? this.#ports.name
    return this.#audited('leave', { member: name }, call, await this.#leave(name))
  }

  async remove({ node_id: id, force = false }: Parameters<OperatorApi['remove']>[0], call: Call): ReturnType<OperatorApi['remove']> {
    return this.#audited('removeMember', { member: id, force }, call, await this.#remove(id, force))
  }

  async transfer({ slot, from, to }: Parameters<OperatorApi['transfer']>[0], call: Call): ReturnType<OperatorApi['transfer']> {
    const what = slot === undefined ? { from: from ?? this.#ports.name } : { slot }
    const outcome = await this.#transfer({ what, to: to ?? null })
    return this.#audited('transfer', { slot: slot ?? null, from: from ?? null, to: to ?? null }, call, outcome)
  }

  async rebalance(_request: object, call: Call): ReturnType<OperatorApi['rebalance']> {
    const outcome = await this.#set((state): Decided<{ readonly status: 'rebalancing'; readonly slots: readonly number[] }, never> => {
      const command = commandOfRebalance(state)
      return ok({ command, value: { status: 'rebalancing', slots: (command?.leaders ?? []).map(({ slot }) => slot) } })
    })
    return this.#audited('rebalance', {}, call, outcome)
  }

  async #leave(name: string): ReturnType<OperatorApi['leave']> {
    const seen = await this.#look()
    if (!seen.ok) return seen
    const { state } = seen.value
    const member = findMember(state, name)
    if (member === null) return isGone(state, name) ? ok({ status: 'leaving', node_id: name, replicas: 0 }) : err(unknownMember(name))
    if (member.state === 'dead') return err(memberDead(name))
    if (!state.members.some((other) => other.name !== name && other.state === 'active')) return err(lastMember(name))
    const answered = await this.#change({ type: 'leave', name, incarnation: member.incarnation })
    if (!answered.ok) return answered
    if (answered.value.type === 'member') return ok({ status: 'leaving', node_id: name, replicas: replicasOf(state, member) })
    const code = answered.value.type === 'refused' ? answered.value.code : null
    if (code === 'last-active') return err(lastMember(name))
    return err(code === 'not-active' ? memberDead(name) : unknownMember(name))
  }

  async #remove(name: string, force: boolean): ReturnType<OperatorApi['remove']> {
    const seen = await this.#look()
    if (!seen.ok) return seen
    const { state, heard } = seen.value
    const member = findMember(state, name)
    if (member === null) return isGone(state, name) ? ok({ status: 'removed', node_id: name }) : err(unknownMember(name))
    const silentMsOf = (node: string): number => heard?.silentMs[node] ?? Infinity
    const aliveWithinMs = aliveWithinMsOf(state)
    const alive: Alive = { silentMs: silentMsOf(name), aliveWithinMs }
    if (member.state !== 'dead' && (!force || alive.silentMs < aliveWithinMs)) return err(memberAlive(member, alive))
    const silent = new Set(state.members.map((other) => other.name).filter((node) => silentMsOf(node) >= aliveWithinMs))
    if (!majorityWithout(state, name, silent)) return err(noMajority(name))
    const { incarnation } = member
    if (member.state !== 'dead') {
      const marked = await this.#change({ type: 'mark-dead', name, incarnation })
      if (!marked.ok) return marked
    }
    const answered = await this.#change({ type: 'remove', name, incarnation })
    if (!answered.ok) return answered
    if (answered.value.type === 'done') return ok({ status: 'removed', node_id: name })
    const code = answered.value.type === 'refused' ? answered.value.code : null
    if (code === 'no-majority') return err(noMajority(name))
    return err(code === 'still-active' ? memberAlive(member, { ...alive, silentMs: 0 }) : unknownMember(name))
  }

  #transfer(asked: LeaderTransfer): ReturnType<OperatorApi['transfer']> {
    return this.#set((state) => {
      const fault = faultOfNames(state, asked)
      if (fault !== null) return err(fault)
      const plan = planTransfer(state, asked)
      if (plan.moves.length === 0 && plan.skipped.length > 0) return err(cannotLead(asked))
      const leaders = plan.moves.map(({ slot, from, to }) => ({ slot, from, to }))
      const value = { status: 'transferring' as const, leaders, skipped: [...plan.skipped] }
      return ok({ command: commandOfTransfer(state, asked, plan), value })
    })
  }

  /** Decides on the table as it is, and anew when that has changed meanwhile. */
  async #set<Value, F extends Fault>(
    decide: (state: ClusterState) => Decided<Value, F>,
  ): Promise<Result<Value, F | ServiceFault | Fault<'unsupported'>>> {
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      const seen = await this.#look()
      if (!seen.ok) return seen
      const decided = decide(seen.value.state)
      if (!decided.ok) return decided
      const { command, value } = decided.value
      if (command === null) return ok(value)
      const answered = await this.#change(command)
      if (!answered.ok) return answered
      if (answered.value.type === 'done') return ok(value)
    }
    return err(unavailable('replicas are moving all the time'))
  }

  async #look(): Promise<Seen> {
    if (this.#ports.node().standing.engine === 'redis') return err(unsupported())
    const overview = await this.#ask()
    return overview === null ? err(noLeader()) : ok(overview)
  }

  #ask(): Promise<ClusterOverview | null> {
    return new Promise((resolve) => {
      this.#path.askLeader(null, (asked) => resolve(asked.type === 'overview' ? asked.overview : null))
    })
  }

  #change(command: Command): Promise<Result<Answer, ServiceFault>> {
    return new Promise((resolve) => {
      this.#path.forward(encodeClusterCommand(command), (forwarded) => {
        resolve(forwarded.ok ? ok(decodeClusterAnswer(forwarded.value)) : forwarded)
      })
    })
  }

  /** One for each call that changes the cluster or was to. */
  #audited<Value, F extends Fault>(
    action: string,
    about: Readonly<Record<string, string | number | boolean | null>>,
    call: Call,
    outcome: Result<Value, F>,
  ): Result<Value, F> {
    audit(this.#ports.telemetry, call, { action, about, outcome: outcomeOf(outcome) })
    return outcome
  }
}

/** A member that was heard of so lately is certainly not dead. */
const aliveWithinMsOf = ({ constants }: ClusterState): number => Math.max(aliveWithinMinMs, 2 * constants.timing.electionMaxMs)

function faultOfNames(state: ClusterState, { what, to }: LeaderTransfer): Fault<'unknown_member' | 'unknown_slot' | 'cannot_lead'> | null {
  if ('slot' in what && (what.slot < 1 || what.slot >= state.table.slots.length)) {
    return faultOf('unknown_slot', `there is no slot ${what.slot} to be led: there are 1 to ${state.table.slots.length - 1}`, {})
  }
  const stranger = ['from' in what ? what.from : null, to].find((name) => name !== null && findMember(state, name) === null)
  return stranger === undefined || stranger === null ? null : unknownMember(stranger)
}

/** It has been removed: who was not told so asks again. */
const isGone = ({ tombstones }: ClusterState, name: string): boolean => tombstones.some((tombstone) => tombstone.name === name)

const unknownMember = (name: string): Fault<'unknown_member'> =>
  faultOf('unknown_member', `${JSON.stringify(name)} is no member: GET /cluster/members lists them`, {})

const memberDead = (name: string): Fault<'member_dead'> =>
  faultOf('member_dead', `${name} is taken for dead and hands nothing over: remove it, or start it again first`, {})

const lastMember = (name: string): Fault<'last_member'> =>
  faultOf('last_member', `no other active member could take over what ${name} has: let another join first`, {})

const noMajority = (name: string): Fault<'no_majority'> =>
  faultOf(
    'no_majority',
    `without ${name} a slot would have no majority for good: bring the others back that are dead or silent, then remove it`,
    {},
  )

const cannotLead = ({ what, to }: LeaderTransfer): Fault<'cannot_lead'> =>
  faultOf(
    'cannot_lead',
    `${to === null ? 'nobody else can' : `${to} cannot`} lead ${'slot' in what ? `slot ${what.slot}` : `what ${what.from} leads`}: who leads is active and has a replica`,
    {},
  )

const unsupported = (): Fault<'unsupported'> =>
  faultOf('unsupported', 'this cluster keeps everything in Redis: a node joins when it is started, and has left when it was stopped', {})

interface Alive {
  readonly silentMs: number
  readonly aliveWithinMs: number
}

function memberAlive({ name, state }: Member, { silentMs, aliveWithinMs }: Alive): Fault<'member_alive'> {
  const heard = Number.isFinite(silentMs) ? `was heard ${Math.round(silentMs)} ms ago` : 'is not taken for dead yet'
  const how = silentMs < aliveWithinMs ? 'let it leave, or stop it first' : 'let it leave, wait, or say force'
  return faultOf('member_alive', `${name} is ${state}, and ${heard}: ${how}`, {})
}
