import { assert } from '#base/assert.ts'
import { millis } from '#base/brand.ts'
import { nextMultiple } from '#base/cadence.ts'
import type { Prng } from '#base/prng.ts'
import type { Instant, LogIndex, Message, ReplicaId, RoleChange, SnapshotMeta, Term, Timing } from '#core/raft/types.ts'
import { logIndex, term } from '#core/raft/types.ts'
import type { Cancel, Clock } from '#ports/clock.ts'
import { emptyGroup, emptyWrite } from '#ports/log-store.ts'
import type { GroupWrite, LogStore, StoredGroup, StoreFailure } from '#ports/log-store.ts'
import type { Telemetry } from '#ports/telemetry.ts'
import type { Lane, NodeKey, Transport } from '#ports/transport.ts'
import type { Beat, BeatAck, PeerMessage, PeerRequest, PeerResponse } from '#wire/peer-message.ts'
import { packValue } from '#wire/value.ts'
import type { GroupHost } from './group-host.ts'
import { Group } from './group.ts'
import type { CompactionPolicy } from './limits.ts'
import { Loop } from './loop.ts'
import { Outbox } from './outbox.ts'
import { metaGroup } from './meta-machine.ts'
import { decodeAbout, encodeTombstone, OwnReplicas } from './own-replicas.ts'
import type { About } from './own-replicas.ts'
import { livesOn } from './replica-name.ts'
import { ReplicatedMachine } from './replicated-machine.ts'
import { Requests } from './requests.ts'
import { RoleLog } from './role-log.ts'
import type { StateMachine } from './state-machine.ts'
import { WallClockWatch } from './wall-clock-watch.ts'

export interface HostPorts {
  readonly clock: Clock
  readonly transport: Transport
  readonly store: LogStore
  readonly telemetry: Telemetry
  readonly prng: Prng
}

export interface HostOptions {
  readonly node: NodeKey
  readonly compaction: CompactionPolicy
  readonly machineFor: (group: number) => StateMachine
  /** The newest machine version this build knows (decision R9). */
  readonly machineVersion: number
  readonly events: HostEvents
}

/** What the host tells the node around it. */
interface HostEvents {
  request(from: NodeKey, request: PeerRequest, respond: (response: PeerResponse) => void): void
  notice(from: NodeKey, content: Uint8Array): void
  /** The machine of a group has moved on. */
  advanced(group: number): void
  roleChanged(group: number, change: RoleChange): void
  /** The store can no longer be trusted: every replica here has fallen silent. */
  failed(failure: StoreFailure): void
}

/**
 * The replicas of one node and the loop that drives them: drain what arrived → step every group → send what may go ∥ one durable
 * commit for all groups → send what had to wait → apply. One heartbeat message per peer serves all groups.
 */
export class ReplicaHost implements GroupHost {
  readonly store: LogStore
  readonly telemetry: Telemetry
  readonly requests: Requests
  readonly groups = new Map<number, Group>()
  readonly own = new OwnReplicas()
  readonly #options: HostOptions
  readonly #clock: Clock
  readonly #transport: Transport
  readonly #prng: Prng
  readonly #loop: Loop
  readonly #outbox: Outbox
  readonly #walls: WallClockWatch
  readonly #roles: RoleLog
  readonly #dirty = new Set<number>()
  #writes: { readonly write: GroupWrite | null; readonly done: () => void }[] = []
  /** What is to follow the newest commit under way; null while none is. */
  #lastCommit: (() => void)[] | null = null
  #timer: { readonly at: number; readonly cancel: Cancel } | null = null
  #failure: StoreFailure | null = null
  #timing: Timing
  #eligible = true
  #nextJudgement = 0
  #stopping = false

  constructor(options: HostOptions, ports: HostPorts, timing: Timing) {
    this.#options = options
    this.#clock = ports.clock
    this.#transport = ports.transport
    this.#prng = ports.prng
    this.store = ports.store
    this.telemetry = ports.telemetry
    this.#timing = timing
    this.#outbox = new Outbox(ports.clock, ports.transport)
    this.#loop = new Loop(ports.clock, () => this.#endTurn())
    this.#walls = new WallClockWatch(ports.clock)
    this.#roles = new RoleLog(ports.telemetry)
    this.requests = new Requests({ ...ports, post: (task) => this.post(task) })
  }

  get failure(): StoreFailure | null {
    return this.#failure
  }
  get overloaded(): boolean {
    return this.#loop.overloaded
  }
  get walls(): WallClockWatch {
    return this.#walls
  }

  instant(): Instant {
    return { now: this.#clock.now(), wall: this.#clock.wall() }
  }

  post(task: () => void): void {
    this.#loop.post(task)
  }

  /** Opens a replica that the store knows, or a new one. */
  open(stored: StoredGroup): void {
    assert(!this.groups.has(stored.group), 'a group has one replica on a node')
    assert(stored.about !== null, 'a stored group says which replica it is')
    const about = decodeAbout(stored.about)
    this.own.become(stored.group, about)
    const { group: id, hardState, partial, base, snapshot, entries, bodies } = stored
    const log = { base, snapshot, entries, initial: about.initial }
    const replica = { self: about.replica, timing: this.#timing, prng: this.#prng.fork(), at: this.instant(), hardState, partial, log }
    const machine = new ReplicatedMachine(this.#options.machineFor(id), this.#options.machineVersion)
    const onAdvanced = (): void => this.#options.events.advanced(id)
    const group = new Group({ id, replica, machine, compaction: this.#options.compaction, fetchedBodies: bodies, onAdvanced }, this)
    this.groups.set(id, group)
    if (!this.#eligible) group.step({ type: 'eligibility', eligible: false })
    this.post(() => {})
  }

  /**
   * Makes this node an empty replica of a group that it has no replica of; `then` runs when that is durable. What was decided holds from now on,
   * so that another order that comes before the disk has answered is compared with it.
   */
  create(id: number, about: About, then: () => void): void {
    assert(!this.groups.has(id), 'a group has one replica on a node')
    this.own.become(id, about)
    this.write({ ...emptyWrite(id), about: packValue(about) }, () => {
      if (this.own.about(id) === about) this.open({ ...emptyGroup(id), about: packValue(about) })
      then()
    })
  }

  /** Makes this node a replica of a group that begins another life: empty, behind all that was before (decision C12). */
  found(id: number, about: About, { index, term: firstTerm }: { readonly index: LogIndex; readonly term: Term }): void {
    assert(!this.groups.has(id), 'a group has one replica on a node')
    const empty = new ReplicatedMachine(this.#options.machineFor(id), this.#options.machineVersion)
    const bytes = new Uint8Array(Buffer.concat([...empty.snapshot()]))
    const snapshot: SnapshotMeta = {
      index,
      term: firstTerm,
      time: millis(0),
      membership: about.initial,
      membershipIndex: index,
      bytes: bytes.length,
    }
    const hardState = { term: firstTerm, vote: null }
    const stored = { ...emptyGroup(id), about: packValue(about), hardState, snapshot, base: { index, term: firstTerm } }
    this.own.become(id, about)
    const snapshotChunk = { index, term: firstTerm, offset: 0, bytes }
    this.write({ ...emptyWrite(id), about: stored.about, hardState, snapshotChunk, install: snapshot }, () => {
      if (this.own.about(id) === about) this.open(stored)
    })
  }

  /** Gives a replica up for good, also one that is only becoming; what remains is the tombstone (decision R8). */
  drop(id: number, then: () => void): void {
    const about = this.own.about(id)
    if (about === null) {
      then()
      return
    }
    const group = this.groups.get(id)
    this.groups.delete(id)
    group?.close()
    // Nothing may have come of it: a slot's next replica here, which has a larger generation, may be decided on where it was.
    const wasDecidedAt = id === metaGroup ? about.decidedAt : about.decidedAt - 1
    const decidedAt = logIndex(Math.max(wasDecidedAt, group === undefined ? -1 : settledBefore(group)))
    const tombstone = { replica: about.replica, term: group?.raft.term ?? term(0), decidedAt }
    this.own.bury(id, tombstone)
    this.write({ ...emptyWrite(id), remove: { tombstone: encodeTombstone(tombstone) } }, then)
  }

  /** Never becomes that replica, which it is not (decision C12). */
  renounce(id: number, replica: ReplicaId, then: () => void): void {
    const tombstone = this.own.renounce(id, replica)
    if (tombstone === null) then()
    else this.write({ ...emptyWrite(id), remove: { tombstone: encodeTombstone(tombstone) } }, then)
  }

  setTiming(timing: Timing): void {
    this.#timing = timing
    for (const group of this.groups.values()) group.step({ type: 'timing', timing })
  }

  message(from: NodeKey, message: PeerMessage): void {
    this.post(() => this.#receive(from, message))
  }

  peerUp(peer: NodeKey): void {
    this.post(() => this.requests.connected(peer.name))
  }

  peerDown(peer: NodeKey): void {
    this.post(() => this.requests.broken(peer.name))
  }

  /** Hands leadership over, answers whoever waits, and falls silent. */
  stop(done: () => void): void {
    const deadline = this.instant().now + this.#timing.electionMinMs
    const wait = (): void => {
      const leads = [...this.groups.values()].some(({ raft }) => raft.role === 'leader' && raft.membership.voters.length > 1)
      if (leads && this.instant().now < deadline && this.#failure === null) {
        this.#clock.after(10, () => this.post(wait))
        return
      }
      this.#shutDown(done)
    }
    this.post(() => {
      this.#stopping = true
      this.#judgeEligibility()
      wait()
    })
  }

  /** To the service on another node. */
  notify(to: string, lane: Lane, content: Uint8Array): void {
    this.#transport.send(to, lane, { type: 'notice', content })
  }

  send(group: number, message: Message): void {
    this.#outbox.add(group, message)
  }

  write(write: GroupWrite, done: () => void): void {
    if (this.#failure !== null) return
    this.#writes.push({ write, done })
    this.post(() => {})
  }

  afterWrites(done: () => void): void {
    if (this.#writes.length > 0) this.#writes.push({ write: null, done })
    else if (this.#lastCommit !== null) this.#lastCommit.push(done)
    else done()
  }

  ask(to: string, request: PeerRequest, options: Parameters<Requests['ask']>[2]): void {
    this.requests.ask(to, request, options)
  }

  after(delayMs: number, task: () => void): void {
    this.#clock.after(delayMs, () => this.post(task))
  }

  dirty(group: number): void {
    this.#dirty.add(group)
    this.post(() => {})
  }

  roleChanged(group: number, change: RoleChange): void {
    this.#roles.changed(group, change)
    this.#options.events.roleChanged(group, change)
  }

  /** Nothing this node says may rest on its disk any more: it stops voting, leading and acknowledging at once. */
  storageFailed(failure: StoreFailure): void {
    if (this.#failure !== null || failure.code === 'closed') return
    this.#failure = failure
    this.#writes = []
    this.#outbox.clear()
    this.telemetry.log('error', 'storage-failed', { code: failure.code, detail: failure.detail })
    for (const group of this.groups.values()) group.step({ type: 'storage-failed' })
    this.#options.events.failed(failure)
  }

  #receive(from: NodeKey, message: PeerMessage): void {
    switch (message.type) {
      case 'raft':
        if (livesOn(message.message.from, from)) this.groups.get(message.group)?.step({ type: 'message', message: message.message })
        break
      case 'heartbeats':
        this.#walls.heard(from.name, message.wall)
        for (const beat of message.beats) this.#receiveBeat(from, 'heartbeat', beat)
        break
      case 'heartbeat-acks':
        this.#walls.heard(from.name, message.wall)
        for (const ack of message.acks) this.#receiveBeat(from, 'heartbeat-ack', ack)
        break
      case 'request':
        this.#receiveRequest(from, message.id, message.request)
        break
      case 'response':
        this.requests.answered(from.name, message.id, message.response)
        break
      case 'notice':
        this.#options.events.notice(from, message.content)
        break
    }
  }

  /** Only the group that is named is credited (decision R2). */
  #receiveBeat(from: NodeKey, type: 'heartbeat', beat: Beat): void
  #receiveBeat(from: NodeKey, type: 'heartbeat-ack', beat: BeatAck): void
  #receiveBeat(from: NodeKey, type: 'heartbeat' | 'heartbeat-ack', beat: Beat | BeatAck): void {
    if (!livesOn(beat.from, from)) return
    const message = { ...beat, type } as Message
    this.groups.get(beat.group)?.step({ type: 'message', message })
  }

  #receiveRequest(from: NodeKey, id: number, request: PeerRequest): void {
    this.#options.events.request(from, request, (response) => {
      this.#transport.send(from.name, 'bulk', { type: 'response', id, response })
    })
  }

  #endTurn(): void {
    this.#tickDue()
    for (const id of this.#dirty) this.groups.get(id)?.flush()
    this.#dirty.clear()
    this.#outbox.flush()
    this.#commit()
    this.#arm()
  }

  #tickDue(): void {
    const { now } = this.instant()
    for (const group of this.groups.values()) if (now >= group.raft.deadline) group.step({ type: 'tick' })
    if (now < this.#nextJudgement) return
    this.#nextJudgement = nextMultiple(now, judgementMs)
    this.#tellTime()
    this.#judgeEligibility()
  }

  /** To everybody: those that only follow hear nothing of each other, and would have none but the leader's clock to compare theirs with. */
  #tellTime(): void {
    if (this.#failure !== null) return
    const wall = this.#clock.wall()
    for (const name of this.requests.reachable) this.#transport.send(name, 'urgent', { type: 'heartbeats', wall, beats: [] })
  }

  #judgeEligibility(): void {
    const eligible = !this.#stopping && this.#walls.verdict !== 'unfit'
    if (eligible === this.#eligible) return
    this.#eligible = eligible
    this.telemetry.log('warn', 'eligibility-changed', { eligible, aheadMs: this.#walls.aheadMs, stopping: this.#stopping })
    for (const group of this.groups.values()) group.step({ type: 'eligibility', eligible })
  }

  #commit(): void {
    if (this.#writes.length === 0 || this.#failure !== null) return
    const writes = this.#writes
    this.#writes = []
    const followers = writes.map(({ done }) => done)
    this.#lastCommit = followers
    this.store.commit({ node: null, groups: writes.flatMap(({ write }) => write ?? []) }, (failure) => {
      this.post(() => {
        if (this.#lastCommit === followers) this.#lastCommit = null
        if (failure !== null) this.storageFailed(failure)
        else for (const done of followers) if (this.#failure === null) done()
      })
    })
  }

  /** One timer for all groups; it may fire early when a deadline has moved, which costs an empty turn. */
  #arm(): void {
    let at = Number.POSITIVE_INFINITY
    for (const group of this.groups.values()) if (group.raft.role !== 'halted') at = Math.min(at, group.raft.deadline)
    if (at === Number.POSITIVE_INFINITY || (this.#timer !== null && this.#timer.at <= at)) return
    this.#timer?.cancel()
    const cancel = this.#clock.after(Math.max(0, at - this.#clock.now()), () => {
      this.#timer = null
      this.#loop.turn()
    })
    this.#timer = { at, cancel }
  }

  #shutDown(done: () => void): void {
    for (const group of this.groups.values()) group.close()
    this.groups.clear()
    this.requests.stop()
    this.#outbox.flush()
    this.#timer?.cancel()
    this.#loop.stop()
    done()
  }
}

/** How often a node tells the others the time, and compares its wall clock with theirs. */
const judgementMs = 2_000

/**
 * An order that was decided on an older configuration than the last one this replica knows to be committed is no news about it. One that was
 * decided on exactly that configuration may be: it brings back who was left out there.
 */
const settledBefore = ({ raft }: Group): number => raft.membershipAt(raft.commit).index - 1
