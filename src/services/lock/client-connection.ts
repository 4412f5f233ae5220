import { unreachable } from '#base/assert.ts'
import { invalidCommand } from '#api/common/faults.ts'
import type { Fault } from '#api/errors.ts'
import { decodeCommand, encodeAnswer, encodeCommand, isQueuedAnswer } from '#core/lock/command-codec.ts'
import type { Attempt, FencingToken, LockCommand, ResourceName, SessionId } from '#core/lock/types.ts'
import type { ClientChannel, ClientPeer } from '#ports/client.ts'
import type { Admission } from '#services/common/admission.ts'
import { isAskable } from '#wire/client-codec.ts'
import type { ClientMessage, ClientQuery, KeptState, Place } from '#wire/client-message.ts'
import { serviceLimits } from './limits.ts'
import type { LockSlot } from './lock-slot.ts'
import { isNewWork } from './lock-slot.ts'
import type { Looking } from './looking.ts'
import type { Leave, Parking } from './parking.ts'

export interface ClientConnectionPorts {
  readonly slot: LockSlot
  readonly admission: Admission
  readonly parking: Parking
  readonly looking: Looking
  /** Asks whoever leads to keep a session alive. */
  readonly keepAlive: (session: SessionId, done: (state: KeptState) => void) => void
  readonly left: (connection: ClientConnection) => void
}

/**
 * Serves one connection of a client. It remembers whom to tell, and nothing that matters: locks and waits belong to the client's sessions, which
 * live on when the connection is gone, and a command that comes again by another node is known there by its identity (decision L2).
 */
export class ClientConnection implements ClientPeer {
  readonly #channel: ClientChannel
  readonly #ports: ClientConnectionPorts
  /** Calls that wait for a lock. */
  readonly #parked = new Map<number, Leave>()
  /** That this client has opened here or kept alive: whose ends it is told of. */
  readonly #sessions = new Set<SessionId>()
  /** Calls that were not answered yet. */
  #open = 0
  #gone = false

  constructor(channel: ClientChannel, ports: ClientConnectionPorts) {
    this.#channel = channel
    this.#ports = ports
  }

  received(message: ClientMessage): void {
    switch (message.type) {
      case 'command':
        return this.#command(message.call, message.command)
      case 'keep-alive':
        return this.#keepAlive(message.call, message.sessions)
      case 'query':
        return this.#query(message.call, message.query)
      default:
        return unreachable(message)
    }
  }

  gone(): void {
    this.#gone = true
    for (const leave of this.#parked.values()) leave()
    this.#parked.clear()
    this.#ports.left(this)
  }

  leaderChanged(leader: Place): void {
    this.#channel.send({ type: 'leader', leader })
  }

  going(): void {
    this.#channel.send({ type: 'going' })
  }

  sessionEnded(session: SessionId): void {
    if (this.#sessions.delete(session)) this.#channel.send({ type: 'session-ended', session })
  }

  forced(session: SessionId, resource: ResourceName, token: FencingToken): void {
    if (this.#sessions.has(session)) this.#channel.send({ type: 'forced', session, resource, token })
  }

  #command(call: number, bytes: Uint8Array): void {
    const decoded = decodeCommand(bytes)
    const objection = decoded.ok ? objectionTo(decoded.value) : decoded.error
    if (!decoded.ok || objection !== null) return this.#fail(call, invalidCommand(objection ?? ''))
    const command = decoded.value
    const refusal = this.#refusal(isNewWork(command)) ?? this.#shed(command)
    if (refusal !== null) return this.#fail(call, refusal)
    if (command.type === 'open-session') this.#sessions.add(command.session)
    const attempt = command.type === 'acquire' && command.waitMs !== 0 ? command.identity : null
    // Before it is sent: the end of the wait may be known here before the answer.
    if (attempt !== null) this.#park(call, attempt)
    this.#open++
    const { slot } = this.#ports
    slot.forward(command.type === 'open-session' ? encodeCommand(slot.lasting(command)) : bytes, (answered) => {
      this.#open--
      if (this.#gone) return
      if (!answered.ok) {
        this.#leave(call)
        return this.#fail(call, answered.error)
      }
      const isQueued = attempt !== null && isQueuedAnswer(answered.value)
      if (!isQueued) this.#leave(call)
      this.#channel.send({ type: 'answered', call, answer: answered.value })
      if (isQueued) this.#ports.parking.followLeader(attempt)
    })
  }

  #park(call: number, attempt: Attempt): void {
    this.#leave(call)
    const leave = this.#ports.parking.park(attempt, (answer) => {
      this.#parked.delete(call)
      this.#channel.send({ type: 'settled', call, answer: encodeAnswer(answer) })
    })
    this.#parked.set(call, leave)
  }

  #leave(call: number): void {
    this.#parked.get(call)?.()
    this.#parked.delete(call)
  }

  #keepAlive(call: number, sessions: readonly SessionId[]): void {
    const refusal = this.#refusal(false)
    if (refusal !== null) return this.#fail(call, refusal)
    this.#open++
    const states: KeptState[] = []
    let left = sessions.length
    const answer = (): void => {
      this.#open--
      if (!this.#gone) this.#channel.send({ type: 'kept', call, sessions: states })
    }
    for (const [place, session] of sessions.entries()) {
      this.#ports.keepAlive(session, (state) => {
        states[place] = state
        if (state === 'kept' || state === 'wounded') this.#sessions.add(session)
        if (--left === 0) answer()
      })
    }
    if (sessions.length === 0) answer()
  }

  #query(call: number, query: ClientQuery): void {
    if (!isAskable(query)) return this.#fail(call, invalidCommand('resource'))
    const refusal = this.#refusal(true) ?? this.#ports.admission.refusal(this.#open)
    if (refusal !== null) return this.#fail(call, refusal)
    this.#open++
    void this.#ports.looking.look(query).then((view) => {
      this.#open--
      if (this.#gone) return
      if (view === null) this.#channel.send({ type: 'failed', call, code: 'no_leader', message: 'nobody could answer in time' })
      else this.#channel.send({ type: 'view', call, view: new TextEncoder().encode(JSON.stringify(view)) })
    })
  }

  /** Null when this connection may have another call. What keeps up or gives back what a client has is taken when nothing else is: it is what makes room. */
  #refusal(isNew: boolean): Fault<'overloaded'> | null {
    const { callsPerClientMax, keepingCallsPerClientMax, waitsPerClientMax } = serviceLimits
    const isFull = isNew && (this.#open >= callsPerClientMax || this.#parked.size >= waitsPerClientMax)
    if (!isFull && this.#open < callsPerClientMax + keepingCallsPerClientMax) return null
    return this.#ports.admission.shed('number', 'this connection has as many calls open as it may')
  }

  #shed(command: LockCommand): Fault<'disk_full' | 'overloaded'> | null {
    const { admission, slot } = this.#ports
    return isNewWork(command) ? (admission.refusal(this.#open) ?? slot.refusalOf(command)) : null
  }

  #fail(call: number, { code, message }: Fault): void {
    this.#channel.send({ type: 'failed', call, code, message })
  }
}

/** What is wrong with a command that a client sends; null when nothing is. Whose session it is, the log decides. */
function objectionTo(command: LockCommand): string | null {
  switch (command.type) {
    case 'acquire':
    case 'release':
    case 'downgrade': {
      const { identity, owner } = command
      const isOwn = identity !== null && identity.session === owner.session
      return isOwn ? null : `${command.type} without an identity under the session of its owner`
    }
    case 'cancel':
    case 'open-session':
    case 'close-session':
      return null
    default:
      return `${command.type} is not for clients`
  }
}
