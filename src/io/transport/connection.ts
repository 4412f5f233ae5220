import type { Socket } from 'node:net'
import { assert, unreachable } from '#base/assert.ts'
import type { Cancel, Clock } from '#ports/clock.ts'
import type { Lane } from '#ports/transport.ts'
import type { Encoder } from '#wire/codec.ts'
import { type Parting, type PartingCode, announcement, credit, parting } from '#wire/control.ts'
import { FrameDecoder } from '#wire/frame-decoder.ts'
import { passesUnformed } from '#wire/formation-gate.ts'
import { type Frame, frameTypes, packFrames, streams } from '#wire/frame.ts'
import type { PeerMessage } from '#wire/peer-message.ts'
import { ClusterGate } from './cluster-gate.ts'
import type { Handshake, HandshakeRole, ProvenPeer } from './handshake.ts'
import { Inbox } from './inbox.ts'
import { transportLimits } from './limits.ts'
import { Outbox } from './outbox.ts'

/** What a connection tells the transport, never from within `send`. `established` comes before any message; `ended` once, and last. */
export interface ConnectionEvents {
  established(connection: Connection, peer: ProvenPeer): void
  message(connection: Connection, message: PeerMessage): void
  ended(connection: Connection, parting: Parting): void
  /** The socket is gone too: there will be nothing more at all. */
  closed(connection: Connection): void
}

export interface ConnectionOptions {
  readonly socket: Socket
  readonly role: HandshakeRole
  readonly handshake: Handshake
  /** How long the handshake may take. */
  readonly limitMs: number
  /** The cluster of this node by now. */
  readonly clusterId: () => string | null
  readonly encoder: Encoder
  readonly clock: Clock
  readonly events: ConnectionEvents
}

/** What became of a message: on its way, or why it was dropped. */
export type Fate = 'sent' | 'full' | 'unformed' | 'too-large'

type State =
  | { readonly type: 'greeting'; readonly handshake: Handshake }
  | { readonly type: 'established'; readonly gate: ClusterGate }
  | { readonly type: 'ended' }

/**
 * One socket after its upgrade: the handshake, then messages in both directions, then an end with a reason. What is sent during one
 * turn of the event loop leaves in one write at the end of that turn, unless the socket is still busy with the last one.
 */
export class Connection {
  readonly role: HandshakeRole
  readonly #socket: Socket
  readonly #encoder: Encoder
  readonly #clusterId: () => string | null
  readonly #clock: Clock
  readonly #events: ConnectionEvents
  readonly #decoder = new FrameDecoder()
  readonly #outbox = new Outbox()
  readonly #inbox = new Inbox()
  readonly #visit = (frame: Frame): void => this.#frame(frame)
  #state: State
  /** Where the next write is laid out; null while the socket still reads it. Without it much time goes into collecting garbage. */
  #space: Buffer | null = Buffer.allocUnsafeSlow(2 * transportLimits.writeBytesMax)
  #flushSoon = false
  #socketBusy = false
  #silentTicks = 0
  #wroteSinceTick = false
  #cancelLimit: Cancel
  #bytesIn = 0
  #bytesOut = 0

  constructor({ socket, role, handshake, limitMs, clusterId, encoder, clock, events }: ConnectionOptions) {
    this.role = role
    this.#socket = socket
    this.#clusterId = clusterId
    this.#encoder = encoder
    this.#clock = clock
    this.#events = events
    this.#state = { type: 'greeting', handshake }
    this.#cancelLimit = clock.after(limitMs, () => this.close('timed-out', 'the handshake took too long'))
  }

  /**
   * Begins to talk and to listen. `head` is what the HTTP parser read beyond the upgrade: it may end the connection before this returns,
   * so its owner must know it by now.
   */
  start(head: Uint8Array): void {
    assert(this.#state.type === 'greeting', 'a connection starts once')
    const { handshake } = this.#state
    this.#listen()
    if (this.role === 'dialler') this.#write([handshake.opening()])
    if (head.length > 0) this.#socket.unshift(head)
  }

  /** Bytes since the last call. */
  traffic(): { readonly bytesIn: number; readonly bytesOut: number } {
    const traffic = { bytesIn: this.#bytesIn, bytesOut: this.#bytesOut }
    this.#bytesIn = 0
    this.#bytesOut = 0
    return traffic
  }

  send(lane: Lane, message: PeerMessage): Fate {
    assert(this.#state.type === 'established', 'messages come after the handshake')
    if (!this.#passes(this.#state.gate, message)) return 'unformed'
    const encoded = this.#encoder.encode(message)
    if (encoded === null) return 'too-large'
    if (this.#outbox.offer(lane, encoded)) {
      this.#flushLater()
      return 'sent'
    }
    if (lane === 'urgent') this.#clock.soon(() => this.close('overloaded', 'urgent messages did not leave'))
    return 'full'
  }

  /** Called at regular intervals: says something when nothing else was said, gives up when nothing was heard. */
  tick(): void {
    if (this.#state.type !== 'established') return
    this.#announce(this.#state.gate)
    if (this.#state.gate.check() === 'other-cluster') return this.close('other-cluster', 'the two ends joined different clusters')
    // Counted in ticks, not in time: a process that was paused itself must not blame the others.
    if (++this.#silentTicks > transportLimits.silentTicksMax) return this.close('silent', 'nothing was heard for too long')
    if (!this.#wroteSinceTick) this.#control(frameTypes.ping, new Uint8Array(0))
    this.#wroteSinceTick = false
  }

  /** Says why, gives the words a moment to leave, and ends. */
  close(code: PartingCode, detail: string): void {
    if (this.#state.type === 'ended') return
    this.#flush()
    this.#socket.end(packFrames([{ type: frameTypes.close, stream: streams.control, body: parting.encode({ code, detail }) }]))
    this.#end({ code, detail })
    this.#cancelLimit = this.#clock.after(transportLimits.partingMs, () => this.#socket.destroy())
  }

  #listen(): void {
    const socket = this.#socket
    socket.setTimeout(0)
    socket.setNoDelay(true)
    socket.setKeepAlive(true, transportLimits.keepAliveMs)
    socket.on('data', (chunk: Uint8Array) => this.#read(chunk))
    socket.on('drain', () => {
      this.#socketBusy = false
      this.#flush()
    })
    socket.on('error', (error: NodeJS.ErrnoException) => this.#lost(error.code ?? error.message))
    socket.on('end', () => this.#lost('the other end closed it'))
    socket.on('close', () => {
      this.#lost('closed')
      this.#cancelLimit()
      this.#events.closed(this)
    })
  }

  #lost(detail: string): void {
    if (this.#state.type !== 'ended') this.#end({ code: 'lost', detail })
    this.#socket.destroy()
  }

  #end(reason: Parting): void {
    this.#cancelLimit()
    this.#state = { type: 'ended' }
    this.#events.ended(this, reason)
  }

  #read(chunk: Uint8Array): void {
    if (this.#state.type === 'ended') return
    this.#silentTicks = 0
    this.#bytesIn += chunk.length
    const failure = this.#decoder.push(chunk, this.#visit)
    this.#deliver()
    if (failure !== null) this.close('malformed', failure)
  }

  #deliver(): void {
    for (const message of this.#inbox.drain()) {
      if (this.#state.type !== 'established') return
      if (this.#passes(this.#state.gate, message)) this.#events.message(this, message)
    }
    const due = this.#inbox.settle()
    if (due > 0) this.#control(frameTypes.credit, credit.encode({ bytes: due }))
  }

  #frame(frame: Frame): void {
    if (frame.type === frameTypes.close && this.#state.type !== 'ended') return this.#dismissed(frame.body)
    switch (this.#state.type) {
      case 'greeting':
        return this.#greet(this.#state.handshake, frame)
      case 'established':
        return this.#receive(this.#state.gate, frame)
      case 'ended':
        return
      default:
        return unreachable(this.#state)
    }
  }

  #greet(handshake: Handshake, frame: Frame): void {
    const step = handshake.receive(frame)
    switch (step.type) {
      case 'continue':
        return this.#write([step.reply])
      case 'refused':
        return this.close(step.parting.code, step.parting.detail)
      case 'established':
        this.#cancelLimit()
        this.#state = {
          type: 'established',
          gate: new ClusterGate({ own: this.#clusterId, told: handshake.clusterId, heard: step.peer.clusterId }),
        }
        if (step.reply !== null) this.#write([step.reply])
        return this.#events.established(this, step.peer)
      default:
        return unreachable(step)
    }
  }

  #receive(gate: ClusterGate, frame: Frame): void {
    switch (frame.type) {
      case frameTypes.part:
      case frameTypes.message: {
        const taken = this.#inbox.take(frame)
        if (!taken.ok) this.close('malformed', taken.error)
        return
      }
      case frameTypes.credit: {
        const decoded = credit.decode(frame.body)
        if (!decoded.ok) return this.close('malformed', decoded.error)
        if (!this.#outbox.credited(decoded.value.bytes)) return this.close('malformed', 'credit for what was never sent')
        return this.#flushLater()
      }
      case frameTypes.cluster: {
        const decoded = announcement.decode(frame.body)
        if (!decoded.ok) return this.close('malformed', decoded.error)
        return gate.hear(decoded.value.clusterId)
      }
      case frameTypes.ping:
        return
      default:
        return this.close('malformed', `unexpected frame of type ${frame.type}`)
    }
  }

  /** Whether the message may pass in either direction, now. */
  #passes(gate: ClusterGate, message: PeerMessage): boolean {
    if (gate.settled) return true
    this.#announce(gate)
    const state = gate.check()
    return state === 'same-cluster' || (state === 'unformed' && passesUnformed(message))
  }

  /** This end may belong to a cluster by now. */
  #announce(gate: ClusterGate): void {
    const clusterId = gate.announcement()
    if (clusterId !== null) this.#control(frameTypes.cluster, announcement.encode({ clusterId }))
  }

  /** The other end said why it leaves. */
  #dismissed(body: Uint8Array): void {
    this.#deliver()
    const decoded = parting.decode(body)
    this.#end(decoded.ok ? decoded.value : { code: 'malformed', detail: decoded.error })
    this.#socket.end()
    this.#cancelLimit = this.#clock.after(transportLimits.partingMs, () => this.#socket.destroy())
  }

  #control(type: number, body: Uint8Array): void {
    this.#outbox.control(type, body)
    this.#flushLater()
  }

  #flushLater(): void {
    if (this.#flushSoon) return
    this.#flushSoon = true
    queueMicrotask(() => {
      this.#flushSoon = false
      this.#flush()
    })
  }

  #flush(): void {
    while (this.#state.type === 'established' && !this.#socketBusy) {
      const bytes = this.#outbox.next(this.#space)
      if (bytes === null) return
      this.#send(bytes)
    }
  }

  #write(frames: readonly Frame[]): void {
    this.#send(packFrames(frames))
  }

  #send(bytes: Uint8Array): void {
    this.#wroteSinceTick = true
    this.#bytesOut += bytes.length
    const lent = this.#space !== null && bytes.buffer === this.#space.buffer ? this.#space : null
    if (lent === null) {
      this.#socketBusy = !this.#socket.write(bytes)
      return
    }
    this.#space = null
    this.#socketBusy = !this.#socket.write(bytes, () => {
      this.#space = lent
    })
  }
}
