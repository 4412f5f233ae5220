import { millis } from '#base/brand.ts'
import type { Prng } from '#base/prng.ts'
import type { Entry, LogIndex, RoleChange } from '#core/raft/types.ts'
import type { Clock } from '#ports/clock.ts'
import type { Entropy } from '#ports/entropy.ts'
import type { ClusterRecord, MemberRecord, RedisSlots } from '#ports/redis-slots.ts'
import type { Telemetry } from '#ports/telemetry.ts'
import type { NodeKey, Transport } from '#ports/transport.ts'
import type { Leadership } from '#runtime/leadership.ts'
import type { CompactionPolicy } from '#runtime/limits.ts'
import type { ServiceHooks } from '#runtime/node-config.ts'
import { refusedProposal, unknownOutcome } from '#runtime/proposals.ts'
import type { QueryOptions, ReadIndexOptions } from '#runtime/reads.ts'
import { metaGroup } from '#runtime/meta-machine.ts'
import { nodeNameOf } from '#runtime/replica-name.ts'
import { Requests } from '#runtime/requests.ts'
import type { SubmitOptions } from '#runtime/router.ts'
import { RoleLog } from '#runtime/role-log.ts'
import { Router } from '#runtime/router.ts'
import type { AskOptions } from '#runtime/service-port.ts'
import type { SlotHost } from '#runtime/slot-host.ts'
import type { StateMachine } from '#runtime/state-machine.ts'
import { encodeCommand, parseCommand } from '#wire/command.ts'
import type { PeerMessage, PeerRequest, PeerResponse, ProposalOutcome, RefusalCode } from '#wire/peer-message.ts'
import { nodeOfMember, replicaOf } from './engine-host.ts'
import type { HostedSlot } from './hosted-slot.ts'
import { OwnerRoutes } from './owner-routes.ts'
import type { RedisFatal } from './redis-host.ts'
import { RedisHost } from './redis-host.ts'
import { bestLast, RedisStanding } from './redis-standing.ts'

export interface RedisNodeConfig {
  readonly name: string
  /** Where other nodes reach this one. */
  readonly address: string
  /** When this node is the first of its cluster; otherwise the cluster knows. */
  readonly slots: number
  readonly compaction: CompactionPolicy
  readonly machineVersion: number
  readonly relaxed: boolean
  /** How many replicas confirm each write. */
  readonly replicas: number
}

export interface RedisNodePorts {
  readonly clock: Clock
  readonly redis: RedisSlots
  readonly telemetry: Telemetry
  readonly prng: Prng
  readonly entropy: Entropy
  /** `clusterId` is null until the cluster is known. */
  readonly connect: (self: NodeKey, clusterId: () => string | null) => Transport
  readonly machineFor: (group: number) => StateMachine
  readonly hooks?: ServiceHooks
}

/**
 * One node of a cluster that keeps everything in Redis (decision Q2): no log, no identity and no votes of its own. Each life of the process is another
 * incarnation, so nothing of a former one is ever taken for it.
 */
export class RedisNode implements SlotHost {
  readonly host: RedisHost
  readonly standing: RedisStanding
  readonly overview = null
  readonly #self: NodeKey
  readonly #ports: RedisNodePorts
  readonly #transport: Transport
  readonly #requests: Requests
  readonly #routes: OwnerRoutes
  readonly #router: Router
  readonly #roles: RoleLog
  #stopped = false
  #isConnected = false

  constructor(config: RedisNodeConfig, ports: RedisNodePorts, fatal: (reason: RedisFatal) => void) {
    const { name, address, slots, compaction, machineVersion, relaxed, replicas } = config
    this.#ports = ports
    this.#self = { name, incarnation: ports.entropy.hex(8) }
    this.#transport = ports.connect(this.#self, () => this.host.cluster?.id ?? null)
    this.host = new RedisHost(
      {
        node: this.#self,
        address,
        proposal: { id: ports.entropy.hex(16), slots },
        compaction,
        machineVersion,
        relaxed,
        replicas,
        machineFor: ports.machineFor,
        events: {
          founded: () => this.#connect(),
          members: (members) => this.#membersTold(members),
          advanced: (slot) => ports.hooks?.advanced(slot),
          roleChanged: (slot, change) => this.#roleChanged(slot, change),
          handedOver: (slot, to) => this.#tellSuccessor(slot, to),
          versionKnown: (version) => this.#raise(version),
          failed: fatal,
        },
      },
      ports,
    )
    this.standing = new RedisStanding(this.host)
    const post = (task: () => void): void => this.post(task)
    this.#requests = new Requests({ clock: ports.clock, prng: ports.prng, transport: this.#transport, post })
    this.#routes = new OwnerRoutes(name, this.#requests, (group) => this.host.slots.get(group))
    this.#router = new Router(this.host, ports, this.#routes)
    this.#roles = new RoleLog(ports.telemetry)
  }

  get cluster(): ClusterRecord | null {
    return this.host.cluster
  }

  start(): void {
    this.host.start()
  }

  stop(done: () => void): void {
    if (this.#stopped) return
    this.#stopped = true
    this.host.stop(() => {
      this.#router.stop()
      this.#requests.stop()
      if (this.#isConnected) this.#transport.stop(done)
      else done()
    })
  }

  post(task: () => void): void {
    this.host.post(task)
  }

  submit(group: number, body: Uint8Array, options: SubmitOptions): void {
    if (this.host.cluster === null) options.done(refusedProposal('not-formed'))
    else this.#router.submit(group, body, options)
  }

  /** Only the owner has a machine. */
  query(group: number, question: Uint8Array, { timeoutMs, done }: QueryOptions): void {
    this.#attempt(timeoutMs, done, (then) => {
      const slot = this.host.slots.get(group)
      if (this.#routes.ownerOf(group) !== this.#self.name) return 'never'
      then(slot?.isServing === true ? (slot.applier?.machine.machine.query(question) ?? null) : null)
      return 'asked'
    })
  }

  readIndex(group: number, { timeoutMs, done }: ReadIndexOptions): void {
    this.#attempt(timeoutMs, done, (then: (index: LogIndex | null) => void) => {
      this.#routes.readIndex(group, then)
      return 'asked'
    })
  }

  ask(to: string, group: number, question: Uint8Array, { timeoutMs, done }: AskOptions): void {
    const request: PeerRequest = { type: 'service', group, question }
    const answered = (response: PeerResponse | null): void => done(response?.type === 'service' ? response.answer : null)
    if (to === this.#self.name) this.#answer(request, (response) => this.host.post(() => answered(response)))
    else this.#requests.ask(to, request, { timeoutMs, done: answered })
  }

  propose(group: number, body: Uint8Array, done: (outcome: ProposalOutcome) => void): void {
    this.host.post(() => {
      const slot = this.host.slots.get(group)
      const command = encodeCommand({ type: 'anonymous', body })
      if (slot === undefined) done(refusedProposal('no-such-group'))
      else slot.propose({ commands: [command], done: ([outcome]) => done(outcome ?? unknownOutcome) })
    })
  }

  leadership(group: number): Leadership | null {
    return this.host.slots.get(group)?.leadership ?? null
  }

  /** Nobody else has a machine that would wait for it. */
  tellCommit(): void {}

  /** Null while an owner still loads it. */
  appliedIndex(group: number): LogIndex | null {
    return this.host.slots.get(group)?.applier?.last.index ?? null
  }

  leaderOf(group: number): string | null {
    return this.#routes.ownerOf(group)
  }

  nodesOf(group: number): readonly string[] {
    const owner = this.#routes.ownerOf(group)
    return owner === null || owner === this.#self.name ? [] : [owner]
  }

  /** From Redis, on any node. */
  readEntry(group: number, index: LogIndex, done: (entry: Entry | null) => void): void {
    this.host.redis.readEntry(group, index, (reply) => {
      this.host.post(() => {
        const read = reply.type === 'done' ? reply.value : null
        const isDamaged = read !== null && 'type' in read
        if (isDamaged) this.#ports.telemetry.log('error', 'entry-damaged', { slot: group, detail: read.detail })
        done(isDamaged ? null : read)
      })
    })
  }

  /** Peers are only spoken to within the cluster. */
  #connect(): void {
    if (this.#isConnected || this.#stopped) return
    this.#isConnected = true
    this.#transport.start({
      message: (from, message) => this.host.post(() => this.#receive(from, message)),
      up: (peer) => this.host.post(() => this.#requests.connected(peer.name)),
      down: (peer) => this.host.post(() => this.#requests.broken(peer.name)),
    })
  }

  /** A node that was started again, perhaps elsewhere, is listed twice until its former life is forgotten. */
  #membersTold(members: readonly MemberRecord[]): void {
    const live = new Set(this.host.liveMembers.map(({ id }) => id))
    const addresses = new Map(bestLast(members, live).map(({ id, address }) => [nodeOfMember(id).name, address]))
    addresses.delete(this.#self.name)
    this.#transport.setPeers([...addresses].map(([name, address]) => ({ name, address })))
    this.#ports.hooks?.advanced(metaGroup)
  }

  #roleChanged(group: number, change: RoleChange): void {
    this.#roles.changed(group, change)
    if (change.leader !== null) {
      this.#routes.changed(group)
      this.#router.wake(group)
    }
    this.#ports.hooks?.roleChanged(group, change)
  }

  #tellSuccessor(group: number, to: string): void {
    const request = { type: 'transfer', group, to: replicaOf(to) } as const
    this.#requests.ask(nodeNameOf(replicaOf(to)), request, { timeoutMs: 1_000, done: () => {} })
  }

  /** Decision R9: all members know this version. */
  #raise(version: number): void {
    for (const slot of this.host.slots.values()) {
      const agreed = slot.applier?.machine.version ?? version
      if (slot.isServing && agreed < version) slot.propose({ commands: [encodeCommand({ type: 'set-version', version })], done: () => {} })
    }
  }

  #receive(from: NodeKey, message: PeerMessage): void {
    if (message.type === 'response') this.#requests.answered(from.name, message.id, message.response)
    if (message.type !== 'request') return
    this.#answer(message.request, (response) => {
      this.#transport.send(from.name, 'bulk', { type: 'response', id: message.id, response })
    })
  }

  #answer(request: PeerRequest, respond: (response: PeerResponse) => void): void {
    switch (request.type) {
      case 'propose':
        this.#answerProposal(request.group, request.commands, respond)
        break
      case 'read-index': {
        const slot = this.host.slots.get(request.group)
        const index = slot?.isServing === true ? (slot.applier?.last.index ?? null) : null
        respond(index === null ? refusal('not-leader', 'this node does not own the slot', slot) : { type: 'read-index', index })
        break
      }
      case 'service':
        if (this.#ports.hooks === undefined) respond(refusal('invalid', 'no service on this node takes questions'))
        else this.#ports.hooks.asked(request.group, request.question, (answer) => respond({ type: 'service', answer }))
        break
      case 'transfer':
        this.host.look()
        respond({ type: 'done' })
        break
      default:
        respond(refusal('invalid', 'a cluster in Redis has no replicas'))
    }
  }

  #answerProposal(group: number, commands: readonly Uint8Array[], respond: (response: PeerResponse) => void): void {
    const slot = this.host.slots.get(group)
    if (slot === undefined) respond(refusal('no-such-group', `there is no slot ${group}`))
    else if (this.host.overloaded) respond(refusal('overloaded', 'too much work waits on this node', slot))
    else if (commands.length === 0 || commands.some((command) => parseCommand(command) === null)) {
      respond(refusal('invalid', 'a proposal is a list of well-formed commands'))
    } else slot.propose({ commands, done: (outcomes) => respond({ type: 'proposed', outcomes }) })
  }

  /** Until there is an answer, or never can be, or the time is over. */
  #attempt<Value>(timeoutMs: number, done: (value: Value | null) => void, ask: Ask<Value>): void {
    const deadline = millis(this.#ports.clock.now() + timeoutMs)
    const again = (): void => {
      if (this.#stopped || this.#ports.clock.now() >= deadline) {
        done(null)
        return
      }
      const asked = ask((value) => {
        if (value === null) this.#ports.clock.after(this.#ports.prng.between(10, 50), again)
        else done(value)
      })
      if (asked === 'never') done(null)
    }
    again()
  }
}

type Ask<Value> = (then: (value: Value | null) => void) => 'asked' | 'never'

function refusal(code: RefusalCode, detail: string, slot?: HostedSlot): PeerResponse {
  const owner = slot?.owner ?? null
  return { type: 'refused', code, detail, leader: owner === null ? null : replicaOf(owner) }
}
