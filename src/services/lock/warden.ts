import { isWounded } from '#core/lock/queries.ts'
import { SessionLeases } from '#core/lock/session-leases.ts'
import { encodeCommand } from '#core/lock/command-codec.ts'
import { lockLimits } from '#core/lock/limits.ts'
import type { LockState } from '#core/lock/state.ts'
import type { DeadlockMode, LockCommand, LockEvent, SessionId } from '#core/lock/types.ts'
import type { Term } from '#core/raft/types.ts'
import type { Cancel, Clock } from '#ports/clock.ts'
import type { Leadership } from '#runtime/leadership.ts'
import type { ProposalOutcome } from '#wire/peer-message.ts'
import { pathLimits } from '#services/common/limits.ts'
import type { Kept } from './peer-questions.ts'

/**
 * What only the leader does: it keeps sessions alive, and proposes the end of what is over.
 *
 * Keep-alives are not in the log (decision L1). They are answered only under a valid leadership lease, so that no successor can have begun to
 * count, and only once an entry of the own term is applied, so that no end that a predecessor proposed is still to come. Whose end has been
 * proposed is kept alive no more. The ends go to the own log and nowhere else: one that certainly never got there is withdrawn, one that may
 * have got there stands, for then this leadership is over, and the next begins with full leases.
 *
 * Leases, waits and lock delays end by machine time, which stands still while nobody leads (decision R5); nobody needs to be asked about them.
 *
 * What this node was told of deadlocks goes into the log, so that all replicas do alike, and the next leader until it is told otherwise.
 */
export class Warden {
  readonly #ports: WardenPorts
  readonly #leases = new SessionLeases()
  /** In which this replica leads and counts; null while it does not. */
  #term: Term | null = null
  /** Under way to the log; at most one of each kind. */
  readonly #proposed = new Set<Proposed['type']>()
  #timer: { readonly at: number; readonly cancel: Cancel } | null = null
  #stopped = false

  constructor(ports: WardenPorts) {
    this.#ports = ports
  }

  /** The replica here has applied something, or has another role, or some time has passed. */
  look(): void {
    const leadership = this.#leadership()
    if (leadership === null) return
    this.#keepPolicy()
    this.#endSessions(leadership)
    this.#endDue(leadership)
    this.#arm(leadership)
  }

  applied(event: LockEvent): void {
    if (event.type === 'session-opened') this.#leases.opened({ id: event.session, ttlMs: event.ttlMs }, this.#ports.clock.now())
    else if (event.type === 'session-ended') this.#leases.ended(event.session)
  }

  /** Null: not to be answered here, or not now. */
  keepAlive(id: SessionId): Kept | 'lost' | null {
    const leadership = this.#leadership()
    const state = this.#ports.state()
    if (leadership === null || state === null || leadership.now >= leadership.leaseUntil) return null
    const kept = this.#leases.keepAlive(id, leadership.now)
    if (kept === 'unknown') return 'lost'
    const session = state.sessions.get(id)
    if (kept !== 'renewed' || session === undefined) return null
    const wounded = session.type === 'client' && isWounded(state, session.owner.client.id)
    return { type: 'kept', ttlMs: session.ttlMs, wounded }
  }

  stop(): void {
    this.#stopped = true
    this.#disarm()
  }

  /** Begins to count where a term begins, and forgets everything where it ends. */
  #leadership(): Leadership | null {
    const leadership = this.#stopped ? null : this.#ports.leadership()
    const state = this.#ports.state()
    if (leadership === null || state === null) {
      if (this.#term !== null) this.#leases.follow()
      this.#term = null
      this.#disarm()
      return null
    }
    if (leadership.term !== this.#term) {
      this.#term = leadership.term
      this.#leases.lead(leadership.term, state.sessions.values(), leadership.now)
    }
    return leadership
  }

  /** Without a valid lease others may hear the keep-alives that are missing here, or they wait in the sockets of a process that was paused. */
  #endSessions({ now, leaseUntil }: Leadership): void {
    if (this.#proposed.has('expire-sessions') || now >= leaseUntil) return
    const command = this.#leases.takeOverdue(now, lockLimits.expiriesMax)
    if (command !== null) this.#propose(command, () => this.#leases.notProposed(command))
  }

  #endDue({ machineTime }: Leadership): void {
    const due = this.#ports.state()?.nextDeadline() ?? null
    if (due === null || due > machineTime || this.#proposed.has('expire-due')) return
    this.#propose({ type: 'expire-due' }, () => {})
  }

  #keepPolicy(): void {
    const { deadlockPolicy: mode, state } = this.#ports
    if (mode === null || state()?.mode === mode || this.#proposed.has('configure')) return
    this.#propose({ type: 'configure', mode }, () => {})
  }

  #propose(command: Proposed, refused: () => void): void {
    this.#proposed.add(command.type)
    this.#ports.propose(encodeCommand(command), ({ type }) => {
      this.#proposed.delete(command.type)
      if (type === 'refused') refused()
      if (type === 'applied') this.look()
      else this.#lookIn(pathLimits.restMs)
    })
  }

  #arm({ now, machineTime, leaseUntil }: Leadership): void {
    const session = this.#leases.nextDeadline()
    const due = this.#ports.state()?.nextDeadline() ?? null
    const sessionInMs = session === null ? Infinity : Math.max(session - now, now >= leaseUntil ? pathLimits.restMs : 0)
    const dueInMs = due === null ? Infinity : due - machineTime
    const inMs = Math.min(sessionInMs, dueInMs)
    // What is under way comes back by itself.
    if (inMs < Infinity) this.#lookIn(Math.max(this.#proposed.size > 0 ? pathLimits.restMs : 1, inMs))
  }

  #lookIn(delayMs: number): void {
    const at = this.#ports.clock.now() + delayMs
    if (this.#stopped || (this.#timer !== null && this.#timer.at <= at)) return
    this.#disarm()
    const cancel = this.#ports.clock.after(delayMs, () => {
      this.#timer = null
      this.look()
    })
    this.#timer = { at, cancel }
  }

  #disarm(): void {
    this.#timer?.cancel()
    this.#timer = null
  }
}

type Proposed = Extract<LockCommand, { type: 'configure' | 'expire-sessions' | 'expire-due' }>

export interface WardenPorts {
  readonly clock: Clock
  /** Null while this replica does not lead, or has not applied an entry of its term. */
  readonly leadership: () => Leadership | null
  /** Of the replica here, if there is one; to be read only. */
  readonly state: () => LockState | null
  /** To the log of the replica here. */
  readonly propose: (command: Uint8Array, done: (outcome: ProposalOutcome) => void) => void
  /** Null: whichever the cluster has. */
  readonly deadlockPolicy: DeadlockMode | null
}
