import { assert, AssertionFailure } from '#base/assert.ts'
import type { Prng } from '#base/prng.ts'
import type { NodeKey, Peer, Transport, TransportHandlers, Lane } from '#ports/transport.ts'
import { decode, Encoder } from '#wire/codec.ts'
import { passesUnformed } from '#wire/formation-gate.ts'
import type { PeerMessage, PeerRequest } from '#wire/peer-message.ts'
import type { Machine } from './machine.ts'
import type { Trace } from '#sim/trace.ts'
import type { Scheduler } from './scheduler.ts'

export interface NetworkOptions {
  readonly delayMinMs: number
  readonly delayMeanMs: number
  /** Probabilities per message: the protocols must bear more than the port allows a transport to do. */
  readonly loss: number
  readonly duplication: number
  readonly reordering: number
  /** Probability that a message goes through the production codec on its way. */
  readonly codec: number
}

export interface NetworkTotals {
  sent: number
  delivered: number
  lost: number
  duplicated: number
  reordered: number
  cut: number
  encoded: number
}

/**
 * The network between simulated nodes: connections by address, delays, and whatever goes wrong. Links are directed, so one direction can be cut
 * alone. A connection that carries nothing is noticed late, as with TCP.
 */
export class Network {
  readonly totals: NetworkTotals = { sent: 0, delivered: 0, lost: 0, duplicated: 0, reordered: 0, cut: 0, encoded: 0 }
  readonly #encoder = new Encoder()
  readonly #scheduler: Scheduler
  readonly #prng: Prng
  readonly #trace: Trace
  #options: NetworkOptions
  readonly #endpoints = new Map<string, Endpoint>()
  readonly #cut = new Set<string>()
  readonly #cutGroups = new Set<string>()
  readonly #lostUntil = new Map<PeerRequest['type'], number>()
  readonly #watchers = new Set<Watcher>()
  readonly #slowUntil = new Map<string, number>()
  /** When the last message of a link arrives, by lane: later ones do not overtake it. */
  readonly #arrival = new Map<string, number>()

  constructor(world: { scheduler: Scheduler; prng: Prng; trace: Trace }, options: NetworkOptions) {
    this.#scheduler = world.scheduler
    this.#prng = world.prng
    this.#trace = world.trace
    this.#options = options
  }

  setOptions(options: NetworkOptions): void {
    this.#options = options
  }

  /** The transport of a process that just started on this machine. */
  attach(machine: Machine, self: NodeKey, clusterId: () => string | null): Transport {
    const endpoint = new Endpoint({ network: this, machine, self, clusterId })
    return endpoint
  }

  started(endpoint: Endpoint): void {
    this.#endpoints.set(endpoint.address, endpoint)
    this.#reconnect(endpoint)
  }

  stopped(endpoint: Endpoint): void {
    if (this.#endpoints.get(endpoint.address) !== endpoint) return
    this.#endpoints.delete(endpoint.address)
    for (const other of this.#endpoints.values()) this.#disconnect(other, endpoint, 'the peer is gone')
  }

  crashed(name: string): void {
    const endpoint = this.#endpoints.get(addressOf(name))
    if (endpoint !== undefined) this.stopped(endpoint)
  }

  /** The connection between the two breaks, and is there again soon. */
  reset(one: string, other: string): void {
    const [left, right] = [this.#endpoints.get(addressOf(one)), this.#endpoints.get(addressOf(other))]
    if (left === undefined || right === undefined) return
    this.#disconnect(left, right, 'the connection was reset')
    this.#disconnect(right, left, 'the connection was reset')
    this.#scheduler.after(reconnectMs, () => this.#reconnect(left))
  }

  /** Nothing gets from one node to the other. */
  cut(from: string, to: string): void {
    this.#cut.add(`${from}>${to}`)
  }

  /** Of what one group's replicas say to each other nothing gets from one node to the other; all else does. */
  cutGroup(from: string, to: string, group: number): void {
    this.#cutGroups.add(`${from}>${to}/${group}`)
  }

  heal(): void {
    this.#cut.clear()
    this.#cutGroups.clear()
    this.#slowUntil.clear()
  }

  /** Requests of this kind get lost, whoever sends them. */
  loseRequests(type: PeerRequest['type'], forMs: number): void {
    this.#lostUntil.set(type, this.#scheduler.now + forMs)
  }

  healGroup(group: number): void {
    for (const cut of this.#cutGroups) if (cut.endsWith(`/${group}`)) this.#cutGroups.delete(cut)
  }

  healLink(from: string, to: string): void {
    this.#cut.delete(`${from}>${to}`)
  }

  /** What is sent from now on arrives only then. */
  clog(from: string, to: string, forMs: number): void {
    this.#slowUntil.set(`${from}>${to}`, this.#scheduler.now + forMs)
  }

  /** Calls with everything that a node says, until the result is called. */
  watch(watcher: Watcher): () => void {
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  peersChanged(endpoint: Endpoint): void {
    this.#reconnect(endpoint)
  }

  /**
   * Harsher than the port: it delivers at most once, and in order. But a request is not doubled: a refusal says that nothing was carried out, which a second delivery
   * that finds a leader would make a lie.
   */
  send(from: Endpoint, to: string, lane: Lane, message: PeerMessage): void {
    this.totals.sent++
    for (const watcher of this.#watchers) watcher(from.self.name, to, message)
    const target = from.connected.get(to)
    if (target === undefined || this.#endpoints.get(target.address) !== target) {
      this.totals.lost++
      return
    }
    const unformed = from.clusterId() === null || target.clusterId() === null
    if (unformed && !passesUnformed(message)) return
    const link = `${from.self.name}>${to}`
    const passing = this.#cut.has(link) ? null : this.#withoutWhatIsCut(link, message)
    if (passing === null) {
      this.totals.cut++
      return
    }
    if (this.#prng.chance(this.#options.loss)) {
      this.totals.lost++
      return
    }
    const copies = this.#prng.chance(this.#options.duplication) && message.type !== 'request' ? 2 : 1
    if (copies === 2) this.totals.duplicated++
    for (let copy = 0; copy < copies; copy++) this.#deliver(from, target, lane, this.#throughCodec(passing))
  }

  /** Null when nothing is left. Heartbeats of several groups share a message, which loses those of the groups that are cut. */
  #withoutWhatIsCut(link: string, message: PeerMessage): PeerMessage | null {
    if (message.type === 'request') return this.#scheduler.now < (this.#lostUntil.get(message.request.type) ?? 0) ? null : message
    if (this.#cutGroups.size === 0) return message
    const passes = ({ group }: { readonly group: number }): boolean => !this.#cutGroups.has(`${link}/${group}`)
    switch (message.type) {
      case 'raft':
        return passes(message) ? message : null
      case 'heartbeats':
        return { ...message, beats: message.beats.filter(passes) }
      case 'heartbeat-acks':
        return { ...message, acks: message.acks.filter(passes) }
      default:
        return message
    }
  }

  #deliver(from: Endpoint, target: Endpoint, lane: Lane, message: PeerMessage): void {
    const link = `${from.self.name}>${target.self.name}`
    const { delayMinMs, delayMeanMs, reordering } = this.#options
    let at = this.#scheduler.now + delayMinMs - Math.log(1 - this.#prng.float()) * delayMeanMs
    at = Math.max(at, this.#slowUntil.get(link) ?? 0)
    const order = `${link}>${lane}`
    if (this.#prng.chance(reordering)) this.totals.reordered++
    else {
      at = Math.max(at, this.#arrival.get(order) ?? 0)
      this.#arrival.set(order, at)
    }
    const { life } = target.machine
    this.#scheduler.at(at, () => {
      target.machine.run(life, () => {
        this.totals.delivered++
        if (this.#trace.on) this.#trace.line(target.self.name, `← ${from.self.name}`, summary(message))
        target.receive(from.self, message)
      })
    })
  }

  #throughCodec(message: PeerMessage): PeerMessage {
    if (!this.#prng.chance(this.#options.codec)) return message
    this.totals.encoded++
    const encoded = this.#encoder.encode(message)
    assert(encoded !== null, 'what the runtime sends is not too large')
    const decoded = decode(encoded)
    if (!decoded.ok) throw new AssertionFailure(`the codec refuses its own ${message.type}: ${decoded.error}`)
    return decoded.value
  }

  #reconnect(endpoint: Endpoint): void {
    for (const other of this.#endpoints.values()) {
      if (other === endpoint) continue
      const wanted = endpoint.wants(other) || other.wants(endpoint)
      const ids = [endpoint.clusterId(), other.clusterId()]
      if (!wanted || (ids[0] !== null && ids[1] !== null && ids[0] !== ids[1])) continue
      this.#connect(endpoint, other)
      this.#connect(other, endpoint)
    }
  }

  #connect(one: Endpoint, other: Endpoint): void {
    if (one.connected.get(other.self.name) === other) return
    const { life } = one.machine
    this.#scheduler.after(this.#prng.between(1, 20), () => {
      if (this.#endpoints.get(other.address) !== other || one.connected.get(other.self.name) === other) return
      one.machine.run(life, () => one.up(other))
    })
  }

  #disconnect(one: Endpoint, other: Endpoint, reason: string): void {
    const { life } = one.machine
    this.#scheduler.after(this.#prng.between(1, 20), () => one.machine.run(life, () => one.down(other, reason)))
  }
}

/** Both have heard by then that their connection broke. */
const reconnectMs = 25

type Watcher = (from: string, to: string, message: PeerMessage) => void

export const addressOf = (name: string): string => `${name}:7000`

class Endpoint implements Transport {
  readonly machine: Machine
  readonly self: NodeKey
  readonly clusterId: () => string | null
  readonly connected = new Map<string, Endpoint>()
  readonly #network: Network
  #peers: readonly Peer[] = []
  #handlers: TransportHandlers | null = null

  constructor(options: { network: Network; machine: Machine; self: NodeKey; clusterId: () => string | null }) {
    this.#network = options.network
    this.machine = options.machine
    this.self = options.self
    this.clusterId = options.clusterId
  }

  get address(): string {
    return addressOf(this.self.name)
  }

  start(handlers: TransportHandlers): void {
    this.#handlers = handlers
    this.#network.started(this)
  }

  setPeers(peers: readonly Peer[]): void {
    this.#peers = peers
    this.#network.peersChanged(this)
  }

  send(to: string, lane: Lane, message: PeerMessage): void {
    this.#network.send(this, to, lane, message)
  }

  stop(done: () => void): void {
    this.#network.stopped(this)
    done()
  }

  wants(other: Endpoint): boolean {
    return this.#peers.some(({ address }) => address === other.address)
  }

  receive(from: NodeKey, message: PeerMessage): void {
    this.#handlers?.message(from, message)
  }

  up(other: Endpoint): void {
    this.connected.set(other.self.name, other)
    this.#handlers?.up(other.self)
  }

  down(other: Endpoint, reason: string): void {
    if (this.connected.get(other.self.name) !== other) return
    this.connected.delete(other.self.name)
    this.#handlers?.down(other.self, reason)
  }
}

/** Enough of a message to follow it in a trace. */
function summary(message: PeerMessage): Record<string, unknown> {
  switch (message.type) {
    case 'raft': {
      const { type, term, ...rest } = message.message
      const entries = 'entries' in rest ? rest.entries.length : undefined
      return { raft: type, group: message.group, term, ...(entries === undefined ? {} : { entries }) }
    }
    case 'heartbeats':
      return { beats: message.beats.map(({ group, term, round }) => `${group}:${term}:${round}`).join() }
    case 'heartbeat-acks':
      return { acks: message.acks.map(({ group, term, round, match }) => `${group}:${term}:${round}:${match}`).join() }
    case 'request':
      return { request: message.request.type, id: message.id, ...subject(message.request) }
    case 'response':
      return { response: message.response.type, id: message.id }
    case 'notice':
      return { notice: message.content.length }
  }
}

function subject(request: PeerRequest): Record<string, unknown> {
  switch (request.type) {
    case 'host-group':
    case 'drop-group':
      return { group: request.group, replica: request.replica }
    case 'change-membership':
      return { group: request.group, expectedIndex: request.expectedIndex, voters: request.voters, learners: request.learners }
    case 'hello':
    case 'form':
    case 'join':
      return {}
    default:
      return { group: request.group }
  }
}
