import type { Millis } from '#base/brand.ts'
import { initialPlacement } from '#core/cluster/placement.ts'
import { clusterKeyOf } from '#core/cluster/recovery.ts'
import type { Answer, ClusterState, Command, Formation, Member, Timing } from '#core/cluster/types.ts'
import { logIndex } from '#core/raft/types.ts'
import type { RoleChange } from '#core/raft/types.ts'
import { emptyWrite } from '#ports/log-store.ts'
import type { GroupWrite } from '#ports/log-store.ts'
import type { NodeKey, Peer, Transport } from '#ports/transport.ts'
import type { Hello, PeerRequest, PeerResponse, ProposalOutcome } from '#wire/peer-message.ts'
import { packValue } from '#wire/value.ts'
import { Citizen } from './citizen.ts'
import { encodeOverview } from './cluster-overview.ts'
import type { ClusterOverview, OverviewAnswer } from './cluster-overview.ts'
import { ElectionTimer } from './election-timer.ts'
import { FormationClient } from './formation-client.ts'
import type { About } from './own-replicas.ts'
import { ReplicaHost } from './host.ts'
import { encodeIdentity } from './identity.ts'
import type { Identity } from './identity.ts'
import { decodeClusterAnswer, decodeClusterState, encodeClusterCommand, metaGroup, MetaMachine } from './meta-machine.ts'
import type { NodeConfig, NodeFatal, NodePorts } from './node-config.ts'
import { PeerService } from './peer-service.ts'
import { Reads } from './reads.ts'
import { refusal } from './refusal.ts'
import { idOfReplica, nodeNameOf } from './replica-name.ts'
import { Router } from './router.ts'
import { Routes } from './routes.ts'
import { SeedFinder } from './seed-finder.ts'
import { ServicePort } from './service-port.ts'
import { Steward } from './steward.ts'

/** A node that knows who it is. */
export class ClusterNode {
  readonly host: ReplicaHost
  readonly router: Router
  readonly reads: Reads
  readonly services: ServicePort
  identity: Identity
  readonly #config: NodeConfig
  readonly #ports: NodePorts
  readonly #service: PeerService
  readonly #routes: Routes
  readonly #self: NodeKey
  readonly #transport: Transport
  readonly #steward: Steward
  readonly #citizen: Citizen
  readonly #elections = new ElectionTimer()
  /** When each node last said anything. */
  readonly #heard = new Map<string, Millis>()
  #forming: FormationClient | null = null
  #finder: SeedFinder | null = null
  #meta = new MetaMachine()
  /** The newest state of the cluster this node has seen, and at which index: its replica of the meta group may start over. */
  #known: { readonly state: ClusterState | null; readonly index: number } = { state: null, index: 0 }

  constructor(identity: Identity, config: NodeConfig, ports: NodePorts, fatal: (reason: NodeFatal) => void) {
    this.identity = identity
    this.#config = config
    this.#ports = ports
    this.#self = { name: identity.name, incarnation: identity.incarnation }
    this.#transport = ports.connect(this.#self, () => (this.identity.formation === null ? null : clusterKeyOf(this.identity.formation)))
    this.host = new ReplicaHost(
      {
        node: this.#self,
        compaction: config.compaction,
        machineFor: (group) => (group === metaGroup ? this.#newMeta() : ports.machineFor(group)),
        machineVersion: config.machineVersion,
        events: {
          request: (from, request, respond) => this.#answer(from, request, respond),
          notice: (from, content) => ports.hooks?.noticed?.(from.name, content),
          advanced: (group) => this.#advanced(group),
          roleChanged: (group, change) => this.#roleChanged(group, change),
          failed: fatal,
        },
      },
      { ...ports, transport: this.#transport },
      identity.constants?.timing ?? config.timing,
    )
    this.#service = new PeerService(this.host, this.#self)
    this.services = new ServicePort(this.host, this.#self, ports.hooks, () => encodeOverview(this.#aboutCluster()))
    this.#routes = new Routes(this.host, ports.prng, { self: identity.name, nodesOf: (group) => this.nodesOf(group) })
    this.router = new Router(this.host, ports, this.#routes)
    this.reads = new Reads(this.host, ports, this.#routes)
    this.#steward = new Steward(
      {
        clock: ports.clock,
        submit: (command, then) => this.#submitMeta(command, then),
        ask: (to, request, done) => this.#ask(to, request, done),
        heardAt: (node) => this.#heard.get(keyOf(node)) ?? null,
      },
      { self: this.#self, deadAfterMs: config.deadAfterMs },
    )
    this.#citizen = new Citizen({
      steward: this.#steward,
      host: this.host,
      cluster: () => this.#known.state,
      metaState: () => this.#meta.state,
      currentState: (then) => this.#askMeta(then),
      clock: ports.clock,
      self: { ...this.#self, address: config.address, version: config.machineVersion },
      identity: () => this.identity,
      timing: () => this.#timing,
      changeIdentity: (change, then) => this.#save(change, [], then),
      handingOver: (group, then) => {
        if (ports.hooks?.handingOver === undefined) then()
        else ports.hooks.handingOver(group, then)
      },
      submit: (command, then) => this.#submitMeta(command, then),
      removed: (type) => fatal({ type, detail: `${endings[type]}; it can join again with an empty store` }),
    })
  }

  get #timing(): Timing {
    return this.identity.constants?.timing ?? this.#config.timing
  }

  get cluster(): ClusterState | null {
    return this.#known.state
  }

  /** Null before it belongs to a cluster. */
  get overview(): ClusterOverview | null {
    const { state } = this.#known
    if (state === null) return null
    const leadership = this.services.leadership(metaGroup)
    const isSure = leadership !== null && leadership.now < leadership.leaseUntil
    const heard = isSure ? { time: leadership.machineTime, silentMs: this.#silentMs(state.members) } : null
    return { state, deadAfterMs: this.#config.deadAfterMs, heard }
  }

  #silentMs(members: readonly Member[]): Readonly<Record<string, number>> {
    const now = this.#ports.clock.now()
    const heard = members.map((member) => [member.name, member.name === this.#self.name ? now : this.#heard.get(keyOf(member))] as const)
    return Object.fromEntries(heard.flatMap(([name, at]) => (at === undefined ? [] : [[name, Math.round(Math.max(0, now - at))]])))
  }

  /** Only the leader of the meta group can say how things are now. */
  #aboutCluster(): OverviewAnswer {
    const { overview } = this
    if (overview?.heard) return { type: 'overview', overview }
    return { type: 'elsewhere', leader: this.services.leaderOf(metaGroup) }
  }

  start(): void {
    this.#transport.start({
      message: (from, message) => {
        this.#heard.set(keyOf(from), this.#ports.clock.now())
        this.host.message(from, message)
      },
      up: (peer) => {
        this.host.peerUp(peer)
        this.host.post(() => this.#forming?.connected(peer.name))
      },
      down: (peer) => {
        this.host.peerDown(peer)
        this.host.post(() => this.#forming?.disconnected(peer.name))
      },
    })
    if (this.identity.formation === null) this.#seek()
    else this.#takePart()
  }

  stop(done: () => void): void {
    this.#forming?.stop()
    this.#finder?.stop()
    this.#citizen.stop()
    this.host.stop(() => {
      this.router.stop()
      this.reads.stop()
      this.#transport.stop(done)
    })
  }

  #seek(): void {
    const told = [...this.#config.voters, ...this.#config.seeds]
    this.#seekAt(told)
    const { lookUp, clock } = this.#ports
    if (lookUp !== undefined) {
      const post = (task: () => void): void => this.host.post(task)
      this.#finder = new SeedFinder({ clock, lookUp, post }, this.#config.seeds, (found) => this.#seekAt([...told, ...found]))
      this.#finder.start()
    }
    const { slots, replication, machineVersion: version } = this.#config
    this.#forming = new FormationClient(
      { ...this.#ports, requests: this.host.requests, post: (task) => this.host.post(task) },
      { slots, replication, version },
      { self: () => this.#hello(), adopt: (formation, then) => this.#adopt(formation, then) },
    )
    this.#forming.start()
  }

  #seekAt(addresses: readonly string[]): void {
    const others = [...new Set(addresses)].filter((address) => address !== this.#config.address)
    this.#transport.setPeers(others.map((address): Peer => ({ name: null, address })))
  }

  /** The formation and this node's first replicas become durable together. */
  #adopt(formation: Formation, then: () => void): void {
    const abouts = foundingReplicas(formation, this.#self)
    const writes = abouts.map(({ group, about }) => ({ ...emptyWrite(group), about: packValue(about) }))
    const founder = abouts.length > 0
    const constants = founder ? { revision: 1, timing: formation.timing } : null
    this.#save({ formation, constants }, writes, () => {
      this.#forming = null
      this.#finder?.stop()
      for (const { group, about } of abouts) this.host.create(group, about, () => {})
      this.#takePart()
      then()
    })
  }

  /** Changes are written one after the other, so none undoes another; `then` runs once this one is durable. */
  #save(change: Partial<Identity>, groups: readonly GroupWrite[], then: () => void): void {
    this.identity = { ...this.identity, ...change }
    this.#ports.store.commit({ node: encodeIdentity(this.identity), groups }, (failure) => {
      this.host.post(() => {
        if (failure === null) then()
        else this.host.storageFailed(failure)
      })
    })
  }

  #takePart(): void {
    this.#setPeers()
    this.#citizen.start()
  }

  #hello(): Hello {
    const { name, incarnation, formation } = this.identity
    const { address, voters } = this.#config
    return { name, incarnation, address, voters, timing: this.#timing, formation }
  }

  #answer(from: NodeKey, request: PeerRequest, respond: (response: PeerResponse) => void): void {
    if (request.type === 'hello' || request.type === 'form') {
      if (this.#forming !== null) this.#forming.answer(request, respond)
      else if (request.type === 'hello') respond({ type: 'hello', hello: this.#hello() })
      else if (this.identity.formation !== null && clusterKeyOf(request.formation) === clusterKeyOf(this.identity.formation))
        respond({ type: 'done' })
      else respond(refusal('other-cluster', 'this node belongs to another cluster'))
    } else if (request.type === 'join') {
      this.#admit(request, respond)
    } else if (request.type === 'service') {
      this.services.answer(request, respond)
    } else {
      this.#service.answer(from, request, respond)
    }
  }

  /** Any member takes a newcomer's request to the meta group. */
  #admit(request: Extract<PeerRequest, { type: 'join' }>, respond: (response: PeerResponse) => void): void {
    if (this.#forming !== null) {
      respond(refusal('not-formed', 'this node does not belong to a cluster yet'))
      return
    }
    const command: Command = { type: 'join', ...request.join }
    this.router.submit(metaGroup, encodeClusterCommand(command), {
      timeoutMs: joinTimeoutMs,
      done: (outcome) => respond(joinResponse(outcome)),
    })
  }

  #newMeta(): MetaMachine {
    this.#meta = new MetaMachine()
    return this.#meta
  }

  #advanced(group: number): void {
    if (group === metaGroup) this.#metaAdvanced()
    this.#ports.hooks?.advanced(group)
  }

  #metaAdvanced(): void {
    const index = this.host.groups.get(metaGroup)?.applier.last.index ?? 0
    if (index <= this.#known.index || this.#meta.state === null) return
    const before = this.#known.state
    this.#known = { state: this.#meta.state, index }
    if (before?.members !== this.#meta.state.members) this.#membersChanged(this.#meta.state.members)
  }

  /** Who is gone is not remembered. */
  #membersChanged(members: readonly Member[]): void {
    this.#setPeers()
    const keys = new Set(members.map(keyOf))
    for (const key of this.#heard.keys()) if (!keys.has(key)) this.#heard.delete(key)
    this.host.walls.keepOnly(new Set(members.map(({ name }) => name)))
  }

  /** The members as far as this node knows them, or remembers them from its last life; before that, those it was told of. */
  #setPeers(): void {
    const { state } = this.#known
    const { peers: remembered, formation } = this.identity
    const members = state?.members ?? (remembered.length > 0 ? remembered : (formation?.members ?? []))
    const peers = members.filter(({ name }) => name !== this.#self.name).map(({ name, address }) => ({ name, address }))
    const told = state === null ? [...this.#config.voters, ...this.#config.seeds] : []
    const others = told.filter((address) => address !== this.#config.address && !peers.some((peer) => peer.address === address))
    this.#transport.setPeers([...peers, ...others.map((address): Peer => ({ name: null, address }))])
    if (state !== null && JSON.stringify(peers) !== JSON.stringify(remembered)) this.#save({ peers }, [], () => {})
  }

  #roleChanged(group: number, change: RoleChange): void {
    if (group === metaGroup && change.role === 'leader') this.#steward.listenAnew()
    if (change.leader !== null) {
      this.#routes.leads(group, nodeNameOf(change.leader))
      this.router.wake(group)
    }
    const tookMs = this.#elections.changed(group, change, this.#ports.clock.now())
    if (tookMs !== null) this.#ports.telemetry.observe('lockstep_election_seconds', { group: String(group) }, tookMs / 1_000)
    this.#ports.hooks?.roleChanged(group, change)
  }

  /** The other nodes that have a replica, as far as this one knows. */
  nodesOf(group: number): readonly string[] {
    const slot = this.#known.state?.table.slots[group]
    const names = slot?.replicas.map(({ node }) => node) ?? this.identity.formation?.members.map(({ name }) => name) ?? []
    return names.filter((name) => name !== this.#self.name)
  }

  /** The answer is null when there was none. */
  #submitMeta(command: Command, then: (answer: Answer | null) => void): void {
    this.router.submit(metaGroup, encodeClusterCommand(command), {
      timeoutMs: metaTimeoutMs,
      done: (outcome) => then(outcome.type === 'applied' ? decodeClusterAnswer(outcome.answer) : null),
    })
  }

  #askMeta(then: (state: ClusterState | null) => void): void {
    const done = (answer: Uint8Array | null): void => then(answer === null ? null : decodeClusterState(answer))
    this.reads.query(metaGroup, new Uint8Array(0), { timeoutMs: metaTimeoutMs, done })
  }

  #ask(to: string, request: PeerRequest, done: (response: PeerResponse | null) => void): void {
    if (to === this.#self.name) this.#answer(this.#self, request, (response) => this.host.post(() => done(response)))
    else this.host.requests.ask(to, request, { timeoutMs: askTimeoutMs, done })
  }
}

const endings = { left: 'this node has left its cluster', removed: 'the cluster has removed this node for good' } as const

const keyOf = ({ name, incarnation }: NodeKey): string => `${name}/${incarnation}`

function foundingReplicas(formation: Formation, self: NodeKey): { readonly group: number; readonly about: About }[] {
  if (formation.recovery !== null) return []
  return initialPlacement(formation).flatMap((replicas, group) => {
    const own = replicas.find(({ node, incarnation }) => node === self.name && incarnation === self.incarnation)
    if (own === undefined) return []
    const initial = { voters: replicas.map(idOfReplica), outgoing: [], learners: [] }
    return [{ group, about: { replica: idOfReplica(own), initial, decidedAt: logIndex(0) } }]
  })
}

function joinResponse(outcome: ProposalOutcome): PeerResponse {
  if (outcome.type !== 'applied') return refusal('not-leader', 'the meta group could not be reached in time')
  const answer = decodeClusterAnswer(outcome.answer)
  if (answer.type === 'joined') return { type: 'joined', formation: answer.formation }
  const code = answer.type === 'refused' ? answer.code : 'invalid'
  return refusal(joinRefusals.find((candidate) => candidate === code) ?? 'invalid', `the cluster refuses the node: ${code}`)
}

const joinTimeoutMs = 4_000
const metaTimeoutMs = 2_000
const askTimeoutMs = 1_000
const joinRefusals = ['not-formed', 'removed', 'timing-differs', 'version-too-old', 'other-cluster'] as const
