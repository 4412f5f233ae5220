import { OpenNumbers } from '#base/open-numbers.ts'
import type { Attempt, Identity, SessionId } from '#core/lock/types.ts'
import { sessionId } from '#core/lock/types.ts'
import type { Cancel, Clock } from '#ports/clock.ts'
import type { Entropy } from '#ports/entropy.ts'
import type { Telemetry } from '#ports/telemetry.ts'
import { pathLimits } from '#services/common/limits.ts'
import { serviceLimits } from './limits.ts'
import type { Answered, Asked, LockSlot } from './lock-slot.ts'

/**
 * The session under which this node brings commands of its clients (decisions L3, L10): it numbers them, so that each is carried out once, and
 * when it ends, because this node is gone or cut off, what waits here leaves the queues. A session that was lost is followed by another;
 * requests of the lost one end as the log says.
 */
export class NodeSession {
  readonly #slot: LockSlot
  readonly #ports: NodeSessionPorts
  #open: Open | null = null
  readonly #waiting = new Set<(open: Open | null) => void>()
  #timer: Cancel = () => {}
  #stopped = false

  constructor(slot: LockSlot, ports: NodeSessionPorts) {
    this.#slot = slot
    this.#ports = ports
  }

  start(): void {
    this.#openAnother()
  }

  stop(): void {
    this.#stopped = true
    this.#timer()
    for (const done of this.#waiting) done(null)
    this.#waiting.clear()
  }

  get id(): SessionId | null {
    return this.#open?.id ?? null
  }

  /** The next command's identity, once there is a session; null when there is none in time. */
  begin(done: (ticket: Ticket | null) => void): void {
    if (this.#open !== null || this.#stopped) {
      done(ticketOf(this.#open))
      return
    }
    const opened = (open: Open | null): void => {
      cancel()
      this.#waiting.delete(opened)
      done(ticketOf(open))
    }
    const cancel = this.#ports.clock.after(pathLimits.answerMs, () => opened(null))
    this.#waiting.add(opened)
  }

  /** The session has ended, says the log or the leader. */
  ended(id: SessionId): void {
    if (this.#open?.id !== id) return
    this.#ports.telemetry.log('warn', 'node-session-lost', { session: id })
    this.#open = null
    this.#timer()
    this.#openAnother()
  }

  #openAnother(): void {
    if (!this.#stopped) this.#tryToOpen(sessionId(this.#ports.entropy.hex(16)))
  }

  #tryToOpen(id: SessionId): void {
    const { node } = this.#ports
    const command = { type: 'open-node-session', session: id, node, ttlMs: serviceLimits.nodeSessionTtlMs } as const
    this.#slot.submit(command, (answered) => this.#answered(id, answered))
  }

  /** What may have been opened is asked for again by its name; it ends by itself if that is in vain. */
  #answered(id: SessionId, answered: Answered): void {
    if (this.#stopped) return
    if (!answered.ok) {
      this.#after(pathLimits.restMs, () => this.#tryToOpen(id))
    } else if (answered.value.type === 'session') {
      this.#opened(id)
    } else {
      this.#ports.telemetry.log('error', 'node-session-refused', { answer: JSON.stringify(answered.value) })
      this.#after(serviceLimits.keepAliveEveryMs, () => this.#openAnother())
    }
  }

  #opened(id: SessionId): void {
    const open: Open = { id, numbers: new OpenNumbers() }
    this.#open = open
    this.#after(serviceLimits.keepAliveEveryMs, () => this.#keepAlive(id))
    for (const done of this.#waiting) done(open)
  }

  #keepAlive(id: SessionId): void {
    const answered = (asked: Asked): void => {
      if (this.#open?.id !== id || this.#stopped) return
      if (asked.type === 'lost') this.ended(id)
      else this.#after(asked.type === 'kept' ? serviceLimits.keepAliveEveryMs : 0, () => this.#keepAlive(id))
    }
    this.#slot.askLeader({ type: 'keep-alive', session: id }, answered, serviceLimits.keepAliveEveryMs)
  }

  #after(delayMs: number, call: () => void): void {
    this.#timer = this.#ports.clock.after(delayMs, () => {
      if (!this.#stopped) call()
    })
  }
}

interface NodeSessionPorts {
  readonly node: string
  readonly clock: Clock
  readonly entropy: Entropy
  readonly telemetry: Telemetry
}

interface Open {
  readonly id: SessionId
  readonly numbers: OpenNumbers
}

/** A command's place in the session. */
export interface Ticket {
  readonly attempt: Attempt
  readonly identity: Identity
  /** Its answer has been seen, and nothing will be asked about it any more. */
  end(): void
}

function ticketOf(open: Open | null): Ticket | null {
  if (open === null) return null
  const { id: session, numbers } = open
  const sequence = numbers.begin()
  return {
    attempt: { session, sequence },
    identity: { session, sequence, confirmed: numbers.confirmed },
    end: () => numbers.end(sequence),
  }
}
