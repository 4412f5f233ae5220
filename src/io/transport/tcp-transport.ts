import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { assert } from '#base/assert.ts'
import { nextMultiple } from '#base/cadence.ts'
import type { Millis } from '#base/brand.ts'
import type { Prng } from '#base/prng.ts'
import { Ration } from '#base/ration.ts'
import type { Cancel, Clock } from '#ports/clock.ts'
import type { Telemetry } from '#ports/telemetry.ts'
import type { Lane, NodeKey, Peer, Transport, TransportHandlers } from '#ports/transport.ts'
import { Encoder } from '#wire/codec.ts'
import type { Parting, PartingCode } from '#wire/control.ts'
import type { PeerMessage } from '#wire/peer-message.ts'
import { BackOff } from '#base/back-off.ts'
import { Connection, type ConnectionEvents } from './connection.ts'
import { type DialOutcome, dial, plainConnect } from './dial.ts'
import { Handshake, type HandshakeRole, type ProvenPeer, nonceBytes, protocolVersions } from './handshake.ts'
import { transportLimits } from './limits.ts'
import { Links } from './links.ts'
import { Target } from './target.ts'
import { type Server, onUpgrade, peerUpgrade, refuseUpgrades } from './upgrade.ts'

/**
 * The transport between nodes: framed TCP behind `Upgrade: lockstep` on the node's one HTTP port.
 *
 * A connection carries both directions, whoever dialled it. A node dials a peer on its list whenever no connection with that peer lives;
 * peers that are not on the list (a node that joins) are reached over the connection they made. When two dials cross there are two
 * connections, and nothing has to be agreed on: each side sends over the one that was there first (see `Links`). One rule
 * clears up what is dead without looking so: who dials says thereby that its earlier connections are gone, so the ones accepted from
 * that name before are closed. And who hears nothing for five seconds, not even a ping, closes by itself.
 *
 * `up` and `down` come in pairs, per name: `up` when there is a connection to send over, `down` when that one ends. A dial that is
 * refused never was up: it shows in telemetry and in `peers()`.
 */
export interface TcpTransportOptions {
  /** Listens, or will; goes on answering ordinary requests. */
  readonly server: Server
  readonly self: NodeKey
  readonly service: string
  /** Asked whenever it matters; null before this node belongs to a cluster. */
  readonly clusterId: () => string | null
  /** Shared by the whole cluster; null for none. */
  readonly secret: string | null
  readonly clock: Clock
  readonly telemetry: Telemetry
  readonly prng: Prng
  /** Plain TCP unless given, as TLS needs. */
  readonly connect?: ((host: string, port: number) => Socket) | undefined
  /** Whether who is at the other end may be a node at all; everybody may, unless given. */
  readonly admits?: ((socket: Socket) => boolean) | undefined
  readonly versions?: { readonly oldest: number; readonly newest: number }
}

/** For a server that listens before it has a transport: who dials it is told that it starts, until the cancel. */
export const refusePeers = (server: Server): Cancel => refuseUpgrades(server, peerUpgrade)

/** How it stands with a listed peer. */
export interface PeerStatus extends Peer {
  readonly state: 'up' | 'dialling' | 'waiting'
  /** Who answers for it; null while nobody does. */
  readonly node: NodeKey | null
  /** Why it is not up. */
  readonly problem: string | null
}

/** A peer that is not there yet comes with every start; one that refuses does not. */
type DialFault = 'peer-absent' | 'peer-refused'

interface Session {
  /** Of a dialled connection. */
  readonly target: Target | null
  readonly remote: string
  proven: { readonly peer: NodeKey; readonly since: Millis } | null
}

export class TcpTransport implements Transport {
  readonly #options: TcpTransportOptions
  readonly #encoder = new Encoder()
  readonly #targets = new Map<string, Target>()
  readonly #links = new Links<Connection>()
  /** Every connection whose socket is open. */
  readonly #sessions = new Map<Connection, Session>()
  readonly #events: ConnectionEvents
  #handlers: TransportHandlers | null = null
  /** Accepted, and not proved yet; the oldest first. */
  readonly #strangers = new Set<Connection>()
  /** Of an accepted connection. */
  #lastRefusal = ''
  readonly #strangerLines = new Ration(transportLimits.strangerLinesMax, transportLimits.strangerLinesMs)
  #cancelTick: Cancel = () => {}
  #cancelUpgrade: Cancel = () => {}
  #stopped: (() => void) | null = null

  constructor(options: TcpTransportOptions) {
    this.#options = options
    this.#events = {
      established: (connection, peer) => this.#established(connection, peer),
      message: (connection, message) => this.#message(connection, message),
      ended: (connection, parting) => this.#ended(connection, parting),
      closed: (connection) => this.#closed(connection),
    }
  }

  start(handlers: TransportHandlers): void {
    assert(this.#handlers === null, 'a transport starts once')
    this.#handlers = handlers
    const { server, admits } = this.#options
    this.#cancelUpgrade = onUpgrade(server, peerUpgrade, { accept: (socket, head) => this.#accept(socket, head), admits })
    this.#tickLater()
    for (const target of this.#targets.values()) target.schedule()
  }

  setPeers(peers: readonly Peer[]): void {
    const listed = new Map(peers.map((peer) => [keyOf(peer), peer]))
    for (const [key, target] of this.#targets) {
      if (listed.has(key)) continue
      target.stop()
      this.#targets.delete(key)
      this.#options.clock.soon(() => this.#leave(target))
    }
    for (const [key, peer] of listed) {
      if (this.#targets.has(key)) continue
      const target = this.#target(peer)
      this.#targets.set(key, target)
      target.schedule()
    }
  }

  send(to: string, lane: Lane, message: PeerMessage): void {
    const fate = this.#links.current(to)?.send(lane, message) ?? 'down'
    if (fate !== 'sent') this.#options.telemetry.count('lockstep_transport_dropped_total', { lane, cause: fate })
  }

  peers(): readonly PeerStatus[] {
    return Array.from(this.#targets.values(), (target) => {
      const connection = this.#linkTo(target)
      const node = connection === undefined ? null : this.#session(connection).proven
      const state = node !== null ? 'up' : target.dialling ? 'dialling' : 'waiting'
      return { ...target.peer, state, node: node?.peer ?? null, problem: node === null ? target.problem : null }
    })
  }

  stop(done: () => void): void {
    assert(this.#stopped === null, 'a transport stops once')
    this.#stopped = done
    this.#cancelUpgrade()
    this.#cancelTick()
    for (const target of this.#targets.values()) target.stop()
    for (const connection of this.#sessions.keys()) connection.close('stopping', `${this.#options.self.name} is stopping`)
    if (this.#sessions.size === 0) this.#options.clock.soon(done)
  }

  #linkTo({ answeredBy }: Target): Connection | undefined {
    return answeredBy === null ? undefined : this.#links.current(answeredBy)
  }

  #running(): boolean {
    return this.#handlers !== null && this.#stopped === null
  }

  #target(peer: Peer): Target {
    const { clock, prng, self } = this.#options
    const target: Target = new Target({
      peer,
      backOff: new BackOff(prng.fork()),
      clock,
      yields: peer.name !== null && self.name > peer.name,
      needed: () => this.#running() && this.#linkTo(target) === undefined,
      dial: () => this.#dial(target),
    })
    return target
  }

  #dial(target: Target): Cancel {
    const { clock, connect } = this.#options
    const limitMs = transportLimits.dialMs
    const deadline = clock.now() + limitMs
    let cancel = dial({
      address: target.peer.address,
      upgrade: peerUpgrade,
      connect: connect ?? plainConnect,
      limitMs,
      clock,
      done: (outcome) => {
        const connection = this.#dialled(target, outcome, Math.max(1, deadline - clock.now()))
        cancel = () => connection?.close('removed', 'not needed any more')
      },
    })
    return () => cancel()
  }

  #dialled(target: Target, outcome: DialOutcome, limitMs: number): Connection | null {
    if (outcome.type === 'upgraded') return this.#open({ ...outcome, role: 'dialler', target, limitMs })
    this.#failed(target, { code: 'lost', detail: outcome.detail }, outcome.absent ? 'peer-absent' : 'peer-refused')
    return null
  }

  #accept(socket: Socket, head: Uint8Array): void {
    // A node proves itself in no time: who keeps places taken without doing so is to keep nobody out.
    const [oldest] = this.#strangers
    if (this.#strangers.size >= transportLimits.strangersMax) oldest?.close('overloaded', 'too many have not proved themselves')
    this.#open({ socket, head, role: 'acceptor', target: null, limitMs: transportLimits.acceptMs })
  }

  #open(opening: { socket: Socket; head: Uint8Array; role: HandshakeRole; target: Target | null; limitMs: number }): Connection {
    const { self, service, secret, versions, clusterId, clock } = this.#options
    const { role, target } = opening
    const handshake = new Handshake({
      role,
      self: { ...self, service, clusterId: clusterId(), secret, versions: versions ?? protocolVersions },
      expected: target?.peer.name ?? null,
      nonce: randomBytes(nonceBytes),
    })
    const remote = `${opening.socket.remoteAddress ?? ''}:${opening.socket.remotePort ?? ''}`
    const connection = new Connection({ ...opening, handshake, clusterId, encoder: this.#encoder, clock, events: this.#events })
    this.#sessions.set(connection, { target, remote: target?.peer.address ?? remote, proven: null })
    if (target === null) this.#strangers.add(connection)
    connection.start(opening.head)
    return connection
  }

  #established(connection: Connection, peer: ProvenPeer): void {
    const session = this.#session(connection)
    const key = { name: peer.name, incarnation: peer.incarnation }
    session.proven = { peer: key, since: this.#options.clock.now() }
    if (session.target === null) this.#strangers.delete(connection)
    else {
      session.target.answeredBy = peer.name
      session.target.settled(null)
    }
    const before = this.#links.all(peer.name).filter((other) => this.#isReplaced(other, connection, key))
    const isUp = this.#links.add(peer.name, connection)
    if (isUp) this.#up(connection)
    for (const other of before) other.close('replaced', `${peer.name} connected again`)
  }

  /** By a later one of the same name: another incarnation answers to it now, or the same node dialled again. */
  #isReplaced(old: Connection, by: Connection, key: NodeKey): boolean {
    const dialledAgain = old.role === 'acceptor' && by.role === 'acceptor'
    return dialledAgain || this.#session(old).proven?.peer.incarnation !== key.incarnation
  }

  #message(connection: Connection, message: PeerMessage): void {
    const { proven } = this.#session(connection)
    assert(proven !== null, 'only a proven peer sends messages')
    if (this.#running()) this.#handlers?.message(proven.peer, message)
  }

  #ended(connection: Connection, parting: Parting): void {
    const { target, proven, remote } = this.#session(connection)
    if (proven === null) {
      if (target !== null) return this.#failed(target, parting)
      this.#strangers.delete(connection)
      return this.#turnedAway(remote, parting)
    }
    const { wasCurrent, next } = this.#links.remove(proven.peer.name, connection)
    for (const other of this.#targets.values()) {
      if (other.answeredBy !== proven.peer.name) continue
      other.held(this.#options.clock.now() - proven.since)
      other.problem = describe(parting)
    }
    if (this.#stopped !== null) return
    const level = faults.has(parting.code) ? 'warn' : 'info'
    this.#options.telemetry.log(level, wasCurrent ? 'peer-down' : 'spare-connection-ended', { ...proven.peer, ...parting })
    this.#count(parting.code)
    if (wasCurrent) this.#handlers?.down(proven.peer, describe(parting))
    if (wasCurrent && next !== undefined) this.#up(next)
    this.#reschedule(proven.peer.name)
  }

  #closed(connection: Connection): void {
    this.#sessions.delete(connection)
    if (this.#stopped !== null && this.#sessions.size === 0) this.#options.clock.soon(this.#stopped)
  }

  #up(connection: Connection): void {
    const { proven, remote } = this.#session(connection)
    assert(proven !== null, 'only a proven peer is up')
    if (!this.#running()) return
    this.#options.telemetry.log('info', 'peer-up', { ...proven.peer, remote, dialled: connection.role === 'dialler' })
    this.#count('up')
    this.#handlers?.up(proven.peer)
  }

  /** A dial led to nothing. */
  #failed(target: Target, parting: Parting, event: DialFault = 'peer-refused'): void {
    const isNews = target.problem !== describe(parting)
    target.settled(describe(parting))
    this.#refused({ peer: target.peer.name ?? '', remote: target.peer.address, ...parting }, isNews, event)
    if (this.#targets.get(keyOf(target.peer)) === target) target.schedule()
  }

  /** Strangers may find ever new ways to be refused. */
  #turnedAway(remote: string, parting: Parting): void {
    const isNews = this.#lastRefusal !== describe(parting)
    this.#lastRefusal = describe(parting)
    const untold = isNews ? this.#strangerLines.take(this.#options.clock.now()) : null
    this.#refused({ remote, ...parting, ...(untold !== null && untold > 0 ? { untold } : {}) }, untold !== null)
  }

  /** The same trouble again and again is counted, but told once; and it is no trouble that an end was not needed any more. */
  #refused(
    fields: { readonly code: string } & Readonly<Record<string, string | number>>,
    isNews: boolean,
    event: DialFault = 'peer-refused',
  ): void {
    if (isNews && !blameless.has(fields.code)) this.#options.telemetry.log(event === 'peer-absent' ? 'info' : 'warn', event, fields)
    this.#count(fields.code)
  }

  #count(outcome: string): void {
    this.#options.telemetry.count('lockstep_transport_connections_total', { outcome })
  }

  /** The target is not listed any more: its connections end, unless the node behind its address still is. */
  #leave(target: Target): void {
    const { answeredBy } = target
    if (answeredBy === null) return
    const isListed = (other: Target): boolean => other.answeredBy === answeredBy && other.peer.address === target.peer.address
    if (Array.from(this.#targets.values()).some(isListed)) return
    const detail = `not a peer of ${this.#options.self.name} any more`
    for (const connection of this.#links.all(answeredBy)) connection.close('removed', detail)
  }

  #reschedule(name: string): void {
    for (const target of this.#targets.values()) if (target.answeredBy === name) target.schedule()
  }

  #session(connection: Connection): Session {
    const session = this.#sessions.get(connection)
    assert(session !== undefined, 'an open connection has a session')
    return session
  }

  #tickLater(): void {
    const { clock } = this.#options
    const now = clock.now()
    this.#cancelTick = clock.after(nextMultiple(now, transportLimits.tickMs) - now, () => this.#tick())
  }

  #tick(): void {
    let bytesIn = 0
    let bytesOut = 0
    for (const connection of this.#sessions.keys()) {
      connection.tick()
      const traffic = connection.traffic()
      bytesIn += traffic.bytesIn
      bytesOut += traffic.bytesOut
    }
    const { telemetry } = this.#options
    telemetry.count('lockstep_transport_bytes_total', { direction: 'in' }, bytesIn)
    telemetry.count('lockstep_transport_bytes_total', { direction: 'out' }, bytesOut)
    telemetry.gauge('lockstep_transport_connections', {}, this.#sessions.size)
    this.#tickLater()
  }
}

/** Ends that correct nodes with a correct configuration do not come to. */
const faults: ReadonlySet<PartingCode> = new Set(['malformed', 'other-cluster', 'overloaded', 'silent'])

const blameless: ReadonlySet<string> = new Set<PartingCode>(['replaced', 'removed', 'stopping'])

const keyOf = ({ name, address }: Peer): string => `${name ?? ''}@${address}`
const describe = ({ code, detail }: Parting): string => `${code}: ${detail}`
