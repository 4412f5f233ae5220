import { decodeCommand } from '#core/lock/command-codec.ts'
import { checkInvariants } from '#core/lock/invariants.ts'
import { LockMachine } from '#core/lock/machine.ts'
import type { LockState } from '#core/lock/state.ts'
import type { Applied, Grant, HoldEnd, LockCommand, LockContext, LockEvent, OwnerRef } from '#core/lock/types.ts'
import type { ApplyContext } from '#runtime/state-machine.ts'
import { Violation } from '#sim/checks/violation.ts'
import { Queues } from './queues.ts'
import type { Waiting } from './queues.ts'

/** When a grant began and ended, in true time: at the first replica to apply it. */
export interface GrantRecord {
  readonly resource: string
  readonly client: string
  /** Null for one with a lease of its own. */
  readonly session: string | null
  readonly mode: Grant['mode']
  readonly from: number
  until: number | null
  end: HoldEnd | 'upgraded' | null
}

interface SessionRecord {
  until: number | null
  end: 'expired' | 'closed' | null
}

/** Carries the entries out; a test may say what comes of them. */
interface LedgerMachine {
  readonly state: LockState
  apply(bytes: Uint8Array, context: LockContext): Applied
}

export interface LedgerListener {
  holdEnded(owner: OwnerRef, grant: Grant, reason: HoldEnd): void
  sessionEnded(session: string, reason: 'expired' | 'closed'): void
}

/**
 * What the log says, entry by entry, as its first replica comes to it. A machine of its own carries the entries out; what that reports is held
 * against a second opinion on queues and holders:
 * - no two grants conflict, and each has a larger token than all before;
 * - nobody is passed, upgrades excepted, and nobody who is next is left waiting;
 * - nothing is granted to a session that is over;
 * - a deadlock that is told is there, and none is left.
 */
export class Ledger {
  readonly totals = { entries: 0, grants: 0, queued: 0, deadlocks: 0, wounded: 0, invariants: 0 }
  readonly #machine: LedgerMachine
  readonly #queues = new Queues()
  readonly #grants = new Map<number, GrantRecord>()
  readonly #sessions = new Map<string, SessionRecord>()
  readonly #now: () => number
  readonly #listener: LedgerListener
  #index = 0
  #position = 0
  #token = 0

  constructor(now: () => number, listener: LedgerListener, machine: LedgerMachine = new LockMachine()) {
    this.#machine = machine
    this.#now = now
    this.#listener = listener
  }

  get state(): LockState {
    return this.#machine.state
  }

  grant(token: number): GrantRecord | undefined {
    return this.#grants.get(token)
  }

  session(id: string): SessionRecord | undefined {
    return this.#sessions.get(id)
  }

  /** Every replica applies every command; the first one counts. */
  applying(bytes: Uint8Array, context: ApplyContext): void {
    const { index, position } = context
    if (index < this.#index || (index === this.#index && position <= this.#position)) return
    this.#index = index
    this.#position = position
    const decoded = decodeCommand(bytes)
    const { answer, events } = this.#machine.apply(bytes, context)
    if (!decoded.ok) throw new Violation(`entry ${context.index} is no command: ${decoded.error}`)
    const request = this.#requestOf(decoded.value, this.totals.entries)
    for (const event of events) this.#look(event, request)
    if (request !== null && answer.type === 'queued' && this.#queues.find(request.owner, request.items) === undefined) {
      this.totals.queued++
      this.#queues.queue(request)
    }
    this.totals.entries++
    if (events.length > 0) this.#checkNobodyIsLeft()
    if (this.totals.entries % 8 === 0) this.#checkProgress()
    if (this.totals.entries % 32 === 0) this.checkInvariants()
  }

  checkInvariants(): void {
    this.totals.invariants++
    checkInvariants(this.state)
    if (this.state.held + this.state.waiting > 0 === this.#queues.isEmpty) throw new Violation('the locks and their log disagree')
  }

  #requestOf(command: LockCommand, order: number): Waiting | null {
    if (command.type !== 'acquire') return null
    const { owner, items } = command
    return this.#queues.find(owner, items) ?? this.#queues.asking(owner, items, order)
  }

  #look(event: LockEvent, request: Waiting | null): void {
    const queues = this.#queues
    switch (event.type) {
      case 'granted':
        return this.#granted(event.owner, event.grants, request)
      case 'wait-ended':
        return queues.leave(event.owner, event.items)
      case 'hold-ended':
        queues.letGo(event.grant.resource, event.owner)
        this.#ended(event.grant.token, event.reason)
        return this.#listener.holdEnded(event.owner, event.grant, event.reason)
      case 'downgraded':
        return queues.hold(event.grant.resource, { owner: event.owner, ...event.grant })
      case 'session-opened':
        this.#sessions.set(event.session, { until: null, end: null })
        return undefined
      case 'session-ended':
        this.#sessions.set(event.session, { until: this.#now(), end: event.reason })
        return this.#listener.sessionEnded(event.session, event.reason)
      case 'deadlock': {
        this.totals.deadlocks++
        const { cycle, length } = event.record
        const fault = request === null ? 'nobody asks' : queues.faultOfCycle(cycle, length, request)
        if (fault !== null) throw new Violation(`entry ${this.#index}: a deadlock that is none: ${fault}: ${JSON.stringify(cycle)}`)
        return undefined
      }
      case 'wounded':
        this.totals.wounded++
        return undefined
      case 'settled':
        return undefined
    }
  }

  #granted(owner: OwnerRef, grants: readonly Grant[], request: Waiting | null): void {
    const queues = this.#queues
    const at = `entry ${this.#index}: ${owner.client} is granted ${grants.map(({ resource }) => resource).join(', ')}`
    const waited = queues.find(owner, grants) ?? request
    if (waited?.owner.client !== owner.client) throw new Violation(`${at} that it does not ask for`)
    if (owner.session !== null && this.#sessions.get(owner.session)?.until !== null)
      throw new Violation(`${at} under a session that is over`)
    for (const { resource, mode, token } of grants) {
      const [passed] = queues.inFront(waited, resource)
      if (passed !== undefined) throw new Violation(`${at} before ${passed.owner.client}, who is in front of it`)
      if (token <= this.#token) throw new Violation(`${at} with token ${token} after ${this.#token}`)
      this.#token = token
      const before = queues.holders(resource).find((held) => held.owner.client === owner.client && held.owner.session === owner.session)
      if (before !== undefined) this.#ended(before.token, 'upgraded')
      queues.hold(resource, { owner, mode, token })
      const conflict = queues.conflict(resource)
      if (conflict !== null) throw new Violation(`${at} beside ${conflict.map((held) => `${held.owner.client} (${held.mode})`).join(', ')}`)
      this.#grants.set(token, { resource, ...owner, mode, from: this.#now(), until: null, end: null })
      this.totals.grants++
    }
    queues.leave(owner, grants)
  }

  #ended(token: number, end: GrantRecord['end']): void {
    const grant = this.#grants.get(token)
    if (grant?.until !== null) throw new Violation(`entry ${this.#index}: the grant of token ${token} ends, and there is none`)
    grant.until = this.#now()
    grant.end = end
  }

  /** Whatever becomes free is granted in the same entry. */
  #checkNobodyIsLeft(): void {
    for (const request of this.#queues.waiting) {
      const isClosed = request.items.some(({ resource }) => (this.state.resources.get(resource)?.closure ?? null) !== null)
      if (!isClosed && this.#queues.isNext(request))
        throw new Violation(`entry ${this.#index}: ${request.owner.client} is next at ${request.items[0]?.resource} and is left waiting`)
    }
  }

  #checkProgress(): void {
    const stuck = this.#queues.stuck()
    if (stuck.length > 0)
      throw new Violation(`entry ${this.#index}: a deadlock is left between ${stuck.map(({ owner }) => owner.client).join(', ')}`)
  }
}
