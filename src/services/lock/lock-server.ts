import { unreachable } from '#base/assert.ts'
import type { Prng } from '#base/prng.ts'
import type { ClusterEvent } from '#api/common/events.ts'
import type { NodeApi } from '#api/common/node-api.ts'
import type { LockApi } from '#api/locks/lock-api.ts'
import { instantOf } from '#api/schemas.ts'
import type { Member } from '#core/cluster/types.ts'
import type { LockState } from '#core/lock/state.ts'
import type { DeadlockMode, LockEvent, SessionId } from '#core/lock/types.ts'
import type { RoleChange } from '#core/raft/types.ts'
import type { Clock } from '#ports/clock.ts'
import type { Entropy } from '#ports/entropy.ts'
import type { Telemetry } from '#ports/telemetry.ts'
import type { KeptState } from '#wire/client-message.ts'
import type { LockstepNode } from '#runtime/node.ts'
import type { ServiceHooks } from '#runtime/node-config.ts'
import { nodeNameOf } from '#runtime/replica-name.ts'
import type { ApplyContext, StateMachine } from '#runtime/state-machine.ts'
import type { Admission } from '#services/common/admission.ts'
import { pathLimits } from '#services/common/limits.ts'
import { ClientDesk } from './client-desk.ts'
import { memberEvents } from '#services/common/cluster-events.ts'
import { Commands } from './commands.ts'
import { EventHub } from '#services/common/event-hub.ts'
import { lockGroup, serviceLimits } from './limits.ts'
import { eventViewOf } from './lock-events.ts'
import { LockStateMachine } from './lock-machine.ts'
import { ServiceNode } from '#services/common/service-node.ts'
import { LockService } from './lock-service.ts'
import { LockSlot } from './lock-slot.ts'
import type { Asked } from './lock-slot.ts'
import { Looking } from './looking.ts'
import { NodeSession } from './node-session.ts'
import { Parking, settlementOf } from './parking.ts'
import { decodePeerQuestion, encodePeerAnswer } from './peer-questions.ts'
import type { PeerAnswer, PeerQuestion } from './peer-questions.ts'
import { Warden } from './warden.ts'

/** The lock service of one node: its parts, and what tells them of each other. */
export class LockServer implements ServiceHooks {
  readonly locks: LockApi
  readonly session: NodeSession
  /** Who clients of the binary protocol talk to. */
  readonly clients: ClientDesk
  readonly #ports: LockServerPorts
  readonly #hub = new EventHub()
  readonly #node: ServiceNode
  readonly #slot: LockSlot
  readonly #looking: Looking
  readonly #parking: Parking
  readonly #warden: Warden
  /** Of the newest replica that this node has had. */
  #machine: LockStateMachine | null = null
  #members: readonly Member[] = []
  #counted = { deadlocks: 0, grants: 0 }

  constructor(ports: LockServerPorts) {
    this.#ports = ports
    const { node, clock, name } = ports
    this.#slot = new LockSlot(ports)
    this.#looking = new Looking(this.#slot, () => this.#state)
    this.#parking = new Parking(this.#slot)
    this.session = new NodeSession(this.#slot, { ...ports, node: name })
    this.#warden = new Warden({
      clock,
      leadership: () => node().leadership(lockGroup),
      state: () => this.#state,
      propose: (command, done) => node().propose(lockGroup, command, done),
      deadlockPolicy: ports.deadlockPolicy ?? null,
    })
    this.#node = new ServiceNode({ ...ports, service: 'lock', group: lockGroup, events: this.#hub })
    const commands = new Commands({ slot: this.#slot, parking: this.#parking, clock }, this.session, this.#looking)
    const keepAlive = (id: SessionId, done: (state: KeptState) => void): void => this.#keepAlive(id, done)
    this.clients = new ClientDesk({ ...ports, slot: this.#slot, parking: this.#parking, looking: this.#looking, keepAlive })
    const standing = () => this.#node.standing()
    this.locks = new LockService({ ...ports, commands, looking: this.#looking, slot: this.#slot, standing })
  }

  get nodeApi(): NodeApi {
    return this.#node
  }

  /** The node runs. */
  start(): void {
    this.session.start()
  }

  stop(): void {
    this.session.stop()
    this.#warden.stop()
  }

  newMachine(): StateMachine {
    const machine = new LockStateMachine({
      applied: (events, context) => this.#applied(machine, events, context),
      restored: (state) => {
        if (this.#machine === machine) this.#parking.recheck(state)
      },
    })
    this.#machine = machine
    return machine
  }

  roleChanged(group: number, { leader, term }: RoleChange): void {
    if (group === lockGroup) {
      this.#warden.look()
      if (leader !== null) this.clients.leaderChanged(nodeNameOf(leader))
    }
    if (!this.#hub.isWatched) return
    const at = instantOf(this.#ports.clock.wall())
    const event: ClusterEvent = { type: 'leader-changed', at, slot: group, leader: leader === null ? null : nodeNameOf(leader), term }
    this.#hub.publish(event)
  }

  advanced(group: number): void {
    if (group === lockGroup) {
      this.#warden.look()
      this.#count()
    } else {
      this.#tellMembers()
    }
  }

  asked(group: number, question: Uint8Array, answer: (answer: Uint8Array) => void): void {
    const decoded = group === lockGroup ? decodePeerQuestion(question) : null
    if (decoded !== null) this.#answer(decoded, (given) => answer(encodePeerAnswer(given)))
  }

  get #state(): LockState | null {
    return this.#slot.hasReplica ? (this.#machine?.state ?? null) : null
  }

  /** Here, if this node leads and may answer; else by the node that does. */
  #keepAlive(session: SessionId, done: (state: KeptState) => void): void {
    const kept = this.#warden.keepAlive(session)
    if (kept !== null) done(keptStateOf(kept))
    else this.#slot.askLeader({ type: 'keep-alive', session }, (asked) => done(keptStateOf(asked)), pathLimits.askMs)
  }

  #answer(question: PeerQuestion, answer: (answer: PeerAnswer) => void): void {
    const state = this.#state
    const elsewhere = { type: 'elsewhere', leader: this.#ports.node().leaderOf(lockGroup) } as const
    switch (question.type) {
      case 'keep-alive': {
        const kept = this.#warden.keepAlive(question.session)
        answer(kept === 'lost' ? { type: 'lost' } : (kept ?? elsewhere))
        break
      }
      case 'look':
        if (state === null) answer(elsewhere)
        else this.#looking.lookFor(question.question, (view) => answer(view === null ? elsewhere : { type: 'view', view }))
        break
      case 'settlement': {
        const settled = state === null ? null : settlementOf(state, question.attempt)
        if (state === null) answer(elsewhere)
        else if (settled !== null) answer({ type: 'settled', answer: settled })
        else this.#tellWhenSettled(question, answer)
        break
      }
      default:
        unreachable(question)
    }
  }

  #tellWhenSettled({ attempt }: Extract<PeerQuestion, { type: 'settlement' }>, answer: (answer: PeerAnswer) => void): void {
    const cancel = this.#ports.clock.after(serviceLimits.settlementMs, () => leave())
    const leave = this.#parking.park(attempt, (settled) => {
      cancel()
      answer({ type: 'settled', answer: settled })
    })
  }

  #applied(machine: LockStateMachine, events: readonly LockEvent[], { wall }: ApplyContext): void {
    if (this.#machine !== machine) return
    for (const event of events) {
      this.#warden.applied(event)
      if (event.type === 'settled') this.#settled(event, machine.state)
      if (event.type === 'session-ended') this.session.ended(event.session)
      this.clients.applied(event)
      const view = this.#hub.isWatched ? eventViewOf(event, instantOf(wall), machine.state) : null
      if (view !== null) this.#hub.publish(view)
    }
  }

  /** Whose client waits at another node is told at once: that node would learn of it with the next heartbeat. */
  #settled({ attempt, answer }: Extract<LockEvent, { type: 'settled' }>, { sessions }: LockState): void {
    const { node, name } = this.#ports
    this.#parking.settle(attempt, answer)
    const session = sessions.get(attempt.session)
    if (session?.type === 'node' && session.node !== name && node().leaderOf(lockGroup) === name) node().tellCommit(lockGroup, session.node)
  }

  #tellMembers(): void {
    const members = this.#ports.node().cluster?.members ?? []
    if (members === this.#members) return
    for (const event of memberEvents(this.#members, members, instantOf(this.#ports.clock.wall()))) this.#hub.publish(event)
    this.#members = members
  }

  /** What the state has counted, which a replica that starts over counts only once. */
  #count(): void {
    const state = this.#state
    if (state === null) return
    const { telemetry } = this.#ports
    const { deadlocks, grants } = this.#counted
    this.#counted = { deadlocks: Math.max(deadlocks, state.deadlocksFound), grants: Math.max(grants, state.token) }
    if (this.#counted.deadlocks > deadlocks) telemetry.count('lockstep_deadlocks_total', {}, this.#counted.deadlocks - deadlocks)
    if (this.#counted.grants > grants) telemetry.count('lockstep_lock_grants_total', {}, this.#counted.grants - grants)
    telemetry.gauge('lockstep_locks_held', {}, state.held)
    telemetry.gauge('lockstep_lock_waits', {}, state.waiting)
    telemetry.gauge('lockstep_lock_sessions', {}, state.sessions.size)
  }
}

function keptStateOf(asked: Asked | 'lost'): KeptState {
  if (asked === 'lost' || asked.type === 'lost') return 'lost'
  if (asked.type !== 'kept') return 'unknown'
  return asked.wounded ? 'wounded' : 'kept'
}

export interface LockServerPorts {
  /** Asked for only once the node is made. */
  readonly node: () => LockstepNode
  readonly name: string
  /** Of this software. */
  readonly version: string
  readonly clock: Clock
  readonly prng: Prng
  readonly entropy: Entropy
  readonly telemetry: Telemetry
  readonly admission: Admission
  /** Whether the disk has room: without it nothing is taken that only grows. */
  readonly hasRoom: () => boolean
  /** Without it the cluster keeps the one it has. */
  readonly deadlockPolicy?: DeadlockMode
}
