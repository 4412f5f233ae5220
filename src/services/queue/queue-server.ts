import { present, unreachable } from '#base/assert.ts'
import type { Prng } from '#base/prng.ts'
import type { ClusterEvent } from '#api/common/events.ts'
import type { NodeApi } from '#api/common/node-api.ts'
import { instantOf } from '#api/schemas.ts'
import { countsOf } from '#core/queue/queries.ts'
import type { QueueState } from '#core/queue/state.ts'
import type { PartitionChange, QueueEvent } from '#core/queue/types.ts'
import type { LogIndex, RoleChange } from '#core/raft/types.ts'
import type { Clock } from '#ports/clock.ts'
import type { Entropy } from '#ports/entropy.ts'
import type { Telemetry } from '#ports/telemetry.ts'
import type { Leadership } from '#runtime/leadership.ts'
import type { ServiceHooks } from '#runtime/node-config.ts'
import { metaGroup } from '#runtime/meta-machine.ts'
import type { MemberStanding } from '#runtime/node-standing.ts'
import { nodeNameOf } from '#runtime/replica-name.ts'
import type { SlotHost } from '#runtime/slot-host.ts'
import type { ApplyContext, StateMachine } from '#runtime/state-machine.ts'
import { memberEvents } from '#services/common/cluster-events.ts'
import type { Admission } from '#services/common/admission.ts'
import { EventHub } from '#services/common/event-hub.ts'
import { pathLimits } from '#services/common/limits.ts'
import { ServiceNode } from '#services/common/service-node.ts'
import { Bodies } from './bodies.ts'
import { CatalogueKeeper } from './catalogue-keeper.ts'
import { CatalogueMachine } from './catalogue-machine.ts'
import { QueueClientDesk } from './client-desk.ts'
import { ConsumerDesk } from './consumer-desk.ts'
import { Consuming } from './consuming.ts'
import { catalogueGroupOf } from './limits.ts'
import { Managing } from './managing.ts'
import type { PeerAnswer, PeerQuestion } from './peer-messages.ts'
import { decodePeerAnswer, decodePeerQuestion, encodePeerAnswer, encodePeerQuestion } from './peer-messages.ts'
import { Producing } from './producing.ts'
import { depthsOf } from './depths.ts'
import type { QueueDepth } from './depths.ts'
import { counted, eventViewOf } from './queue-events.ts'
import { QueueCalls } from './queue-calls.ts'
import { QueueStateMachine } from './queue-machine.ts'
import { QueueService } from './queue-service.ts'
import { Settling } from './settling.ts'
import { SlotDesk } from './slot-desk.ts'
import { SlotWarden } from './slot-warden.ts'
import { Transfers } from './transfers.ts'
import type { StorageUse } from './viewing.ts'
import { Viewing } from './viewing.ts'

export interface QueueServerPorts {
  /** Asked for only once the node is made. */
  readonly node: () => SlotHost
  readonly name: string
  /** Of the cluster, for life; the catalogue has one more group. */
  readonly slots: number
  /** Of this software. */
  readonly version: string
  readonly clock: Clock
  readonly prng: Prng
  readonly entropy: Entropy
  readonly telemetry: Telemetry
  readonly storage: () => Promise<StorageUse>
  /** Whether the disk has room: without it nothing is taken that only grows. */
  readonly hasRoom: () => boolean
  readonly admission: Admission
}

const isSure = (leadership: Leadership | null): boolean => leadership !== null && leadership.now < leadership.leaseUntil

/** The queue service of one node: its parts, and what tells them of each other. */
export class QueueServer implements ServiceHooks {
  readonly queues: QueueService
  readonly nodeApi: NodeApi
  /** Who clients of the binary protocol talk to. */
  readonly clients: QueueClientDesk
  readonly #ports: QueueServerPorts
  readonly #hub = new EventHub()
  readonly #catalogueGroup: number
  readonly #calls: QueueCalls
  readonly #bodies: Bodies
  readonly #desk: ConsumerDesk
  readonly #slots: SlotDesk
  readonly #warden: SlotWarden
  readonly #transfers: Transfers
  readonly #keeper: CatalogueKeeper
  /** The newest replica that this node has had of each slot. */
  readonly #machines = new Map<number, QueueStateMachine>()
  #members: readonly MemberStanding[] = []
  #tickets = 0

  constructor(ports: QueueServerPorts) {
    this.#ports = ports
    const { node, clock, name, prng } = ports
    const catalogueGroup = catalogueGroupOf(ports.slots)
    this.#catalogueGroup = catalogueGroup
    this.#calls = new QueueCalls(ports)
    const calls = this.#calls
    const ledState = (group: number): QueueState | null => this.#ledState(group)
    const bodies = new Bodies({
      readEntry: (group, index, done) => node().readEntry(group, index, done),
      fetch: (group, index, done) => this.#fetch(group, index, done),
    })
    this.#bodies = bodies
    this.#desk = new ConsumerDesk({
      clock,
      bodies,
      telemetry: this.#ports.telemetry,
      post: (task) => node().post(task),
      ledState,
      leaderOf: (group) => node().leaderOf(group),
      vouchesFor: (group) => isSure(node().leadership(group)),
      submit: (group, command, done) => calls.path(group).forward(command, done),
    })
    this.#slots = new SlotDesk({
      clock,
      bodies,
      consumers: this.#desk,
      leadership: (group) => node().leadership(group),
      leaderOf: (group) => node().leaderOf(group),
      ledState,
      caughtUp: (group, done) =>
        node().query(group, new Uint8Array(), { timeoutMs: pathLimits.askMs, done: (view) => done(view !== null) }),
    })
    this.#warden = new SlotWarden({
      clock,
      leadership: (group) => node().leadership(group),
      nextDeadline: (group) => this.#machines.get(group)?.state.nextDeadline() ?? null,
      propose: (group, command, done) => node().propose(group, command, done),
    })
    this.#transfers = new Transfers({ calls, bodies, ledState })
    this.#keeper = new CatalogueKeeper({ calls, clock, leads: () => node().leadership(catalogueGroup) !== null })
    const viewing = new Viewing({ calls, node, name, clock, storage: ports.storage, entries: () => this.#entries })
    this.nodeApi = new ServiceNode({
      ...ports,
      service: 'queue',
      group: catalogueGroup,
      events: this.#hub,
      ring: () => viewing.ring(),
    })
    const prefix = ports.entropy.hex(8)
    const settling = new Settling(calls)
    this.queues = new QueueService({
      producing: new Producing(calls, prng, (group) => node().leaderOf(group) ?? name),
      consuming: new Consuming({
        calls,
        clock,
        newTicket: () => `${prefix}-${++this.#tickets}`,
        undelivered: (receipts) => settling.undelivered(receipts),
      }),
      settling,
      managing: new Managing(calls, this.#keeper),
      viewing,
      telemetry: ports.telemetry,
    })
    this.clients = new QueueClientDesk({ ...ports, api: this.queues, calls })
  }

  stop(): void {
    this.#warden.stop()
    this.#keeper.stop()
  }

  /** Of the slots that this node leads: over all nodes each message is there once. */
  get depths(): readonly QueueDepth[] {
    const led = [...this.#machines.keys()].flatMap((group) => this.#ledState(group) ?? [])
    return depthsOf(led, this.#ports.clock.wall())
  }

  /** Run by the simulator. */
  checkInvariants(): void {
    this.#desk.checkInvariants()
  }

  newMachine(group: number): StateMachine {
    if (group === this.#catalogueGroup) return new CatalogueMachine()
    const clusterId = present(this.#ports.node().standing.clusterId, 'a node with replicas belongs to a cluster')
    const machine = new QueueStateMachine(
      { clusterId, slot: group },
      {
        applied: (events, context) => this.#applied(group, machine, events, context),
        restored: () => this.#warden.look(group),
      },
    )
    this.#machines.set(group, machine)
    return machine
  }

  roleChanged(group: number, { leader, term }: RoleChange): void {
    this.#desk.roleChanged(group)
    this.advanced(group)
    this.clients.leaderChanged(group)
    if (!this.#hub.isWatched) return
    const at = instantOf(this.#ports.clock.wall())
    const event: ClusterEvent = { type: 'leader-changed', at, slot: group, leader: leader === null ? null : nodeNameOf(leader), term }
    this.#hub.publish(event)
  }

  advanced(group: number): void {
    if (group === this.#catalogueGroup) this.#keeper.look()
    if (group === metaGroup) this.#tellMembers()
    if (!this.#machines.has(group)) return
    this.#warden.look(group)
    this.#transfers.look(group)
    this.#desk.look(group)
  }

  asked(group: number, question: Uint8Array, answer: (answer: Uint8Array) => void): void {
    const decoded = decodePeerQuestion(question)
    if (decoded !== null) this.#answer(group, decoded, (given) => answer(encodePeerAnswer(given)))
  }

  #answer(group: number, question: PeerQuestion, answer: (answer: PeerAnswer) => void): void {
    switch (question.type) {
      case 'consume':
        return this.#desk.consume(group, question, answer)
      case 'leave':
        this.#desk.leave(question.ticket)
        return answer({ type: 'left' })
      case 'entry':
        return this.#answerEntry(group, question.index, answer)
      case 'look':
        if (group !== this.#catalogueGroup) return this.#slots.look(group, question.question, answer)
        return this.#calls.directory.query(question.question, (view) =>
          answer(view === null ? { type: 'elsewhere', leader: null } : { type: 'view', view }),
        )
      default:
        return unreachable(question)
    }
  }

  #tellMembers(): void {
    const { members } = this.#ports.node().standing
    if (members === this.#members) return
    for (const event of memberEvents(this.#members, members, instantOf(this.#ports.clock.wall()))) this.#hub.publish(event)
    this.#members = members
  }

  get #entries(): number {
    const hosted = [...this.#machines].filter(([group]) => this.#ports.node().appliedIndex(group) !== null)
    return hosted.reduce((sum, [, { state }]) => sum + countsOf(state).batches, 0)
  }

  /** From one replica after the other. */
  #fetch(group: number, index: LogIndex, done: (command: Uint8Array | null) => void): void {
    const node = this.#ports.node()
    const [...others] = node.nodesOf(group)
    const question = encodePeerQuestion({ type: 'entry', index })
    const ask = (): void => {
      const name = others.shift()
      if (name === undefined) return done(null)
      const answered = (bytes: Uint8Array | null): void => {
        const answer = bytes === null ? null : decodePeerAnswer(bytes)
        if (answer?.type === 'entry' && answer.command !== null) done(answer.command)
        else ask()
      }
      node.ask(name, group, question, { timeoutMs: pathLimits.askMs, done: answered })
    }
    ask()
  }

  /** Only what was applied here is certainly what the asker has applied. */
  #answerEntry(group: number, index: LogIndex, answer: (answer: PeerAnswer) => void): void {
    const applied = this.#ports.node().appliedIndex(group) ?? 0
    if (index > applied) answer({ type: 'entry', command: null })
    else this.#bodies.command(group, index, (command) => answer({ type: 'entry', command }))
  }

  #ledState(group: number): QueueState | null {
    return this.#ports.node().leadership(group) === null ? null : (this.#machines.get(group)?.state ?? null)
  }

  #count(change: PartitionChange): void {
    for (const name of counted)
      if (change[name] > 0) this.#ports.telemetry.count('lockstep_queue_messages_total', { change: name }, change[name])
  }

  #applied(group: number, machine: QueueStateMachine, events: readonly QueueEvent[], { wall }: ApplyContext): void {
    // What a node reads of a log that it has just got hold of happened before, to somebody else.
    if (this.#machines.get(group) !== machine || this.#ports.node().appliedIndex(group) === null) return
    this.#desk.applied(group, events)
    for (const event of events) {
      if (event.type === 'changed') {
        this.#slots.changed(group, event)
        this.#count(event)
      }
      const view = this.#hub.isWatched ? eventViewOf(event, group, machine.state, instantOf(wall)) : null
      if (view !== null) this.#hub.publish(view)
    }
  }
}
