import { err } from '#base/result.ts'
import type { Call } from '#api/call.ts'
import { callEndOf } from '#api/call.ts'
import { noLeader, unavailable } from '#api/common/faults.ts'
import type { Acquire, Identity, LockCommand, RefusalCode, Release } from '#core/lock/types.ts'
import { fencingToken } from '#core/lock/types.ts'
import { serviceLimits } from './limits.ts'
import type { Looking } from './looking.ts'
import type { Answered, LockSlot } from './lock-slot.ts'
import type { NodeSession, Ticket } from './node-session.ts'
import { endOrGiveBack, WaitingCall } from './waiting-call.ts'
import type { WaitingPorts } from './waiting-call.ts'

/** Brings commands of clients to the log, each under a number of this node's session, so that it is carried out once (decision L10). */
export class Commands {
  readonly #ports: CommandPorts
  readonly #session: NodeSession
  readonly #looking: Looking

  constructor(ports: CommandPorts, session: NodeSession, looking: Looking) {
    this.#ports = ports
    this.#session = session
    this.#looking = looking
  }

  /** Without an identity of its own: for what is named by itself. */
  submit(command: LockCommand): Promise<Answered> {
    return new Promise((resolve) => this.#ports.slot.submit(command, resolve))
  }

  /** Never ends with an answer of `queued` to a request that says how long it waits. */
  acquire(terms: Omit<Acquire, 'type' | 'identity'>, call: Call): Promise<Answered> {
    const isWanted = (): boolean => callEndOf(call) !== 'client-gone'
    return this.#underSession(async (ticket) => {
      const command = { type: 'acquire', identity: ticket.identity, ...terms } as const
      const { waitMs } = command
      if (waitMs === null || waitMs === 0) return this.#acquireNow(ticket, command, isWanted)
      return new Promise((resolve) => new WaitingCall(this.#ports, ticket, call, resolve).start({ ...command, waitMs }))
    }, isWanted)
  }

  execute(command: OwnedCommand): Promise<Answered> {
    return this.#underSession((ticket) => this.#once(ticket, { ...command, identity: ticket.identity }))
  }

  /**
   * A release without a token means whatever its client was granted before it came in (decision L10), which the leader knows as a log
   * index. 1. The question for that index is stuck. 2. The client asks another node, which releases, and acquires again. 3. The question
   * gets through, and the index it is answered with is behind the new grant. So an answer that took longer than a client waits before it
   * asks elsewhere counts for nothing, and only what was in the own log when the request came in is meant. That may be too little; hence
   * nobody is then told that it holds nothing.
   *
   * A client that is gone meanwhile may have asked elsewhere already.
   */
  async release(named: Pick<Release, 'owner' | 'resource'>, token: number | undefined, call: Call): Promise<Answered> {
    if (token !== undefined) return this.execute({ type: 'release', ...named, proof: { type: 'token', token: fencingToken(token) } })
    const { clock, slot } = this.#ports
    const latest = clock.now() + serviceLimits.releaseIndexMs
    const { logEnd } = slot
    const releaseAsOf = (index: number): Promise<Answered> => this.execute({ type: 'release', ...named, proof: { type: 'as-of', index } })
    for (;;) {
      const index = await new Promise<number | null>((resolve) => slot.readIndex(resolve, serviceLimits.releaseIndexMs))
      if (callEndOf(call) === 'client-gone') return err(noLeader())
      if (index === null || clock.now() > latest) break
      const answered = await releaseAsOf(index)
      // It was granted since.
      if (!isRefusedAs(answered, 'newer')) return answered
    }
    // When the own replica has caught up with a leader, it knows what became of its log.
    if (logEnd !== null) await this.#looking.look({ type: 'check', resource: named.resource, token: 0 })
    const known = logEnd === null ? 0 : slot.keptOf(logEnd)
    const answered = await releaseAsOf(known)
    const isDoubtful = isRefusedAs(answered, 'unknown_resource', 'not_holder', 'newer')
    return isDoubtful ? err(unavailable('which grant is meant could not be told in time')) : answered
  }

  /** What is granted to a client that is gone is given back: it may have asked elsewhere, and be done by now. */
  async #acquireNow(ticket: Ticket, command: LockCommand, isWanted: () => boolean): Promise<Answered> {
    const answered = await this.submit(command)
    endOrGiveBack(this.#ports, ticket, { answered, isWanted: isWanted() })
    return answered
  }

  async #once(ticket: Ticket, command: LockCommand): Promise<Answered> {
    const answered = await this.submit(command)
    ticket.end()
    return answered
  }

  /** A command of a session that is over was not carried out, so it begins anew under the next one. */
  async #underSession(use: (ticket: Ticket) => Promise<Answered>, isWanted: () => boolean = () => true): Promise<Answered> {
    for (let attempt = 1; attempt <= 2; attempt++) {
      const ticket = await new Promise<Ticket | null>((resolve) => this.#session.begin(resolve))
      if (ticket === null || !isWanted()) {
        ticket?.end()
        return err(noLeader())
      }
      const answered = await use(ticket)
      if (!isRefusedAs(answered, 'session_lost')) return answered
      const { session } = ticket.attempt
      // Whose session is meant: that of the client, or of this node?
      const view = await this.#looking.look({ type: 'session', session })
      if (view?.open === true) return answered
      if (view?.open === false) this.#session.ended(session)
    }
    return err(unavailable('this node has lost its session'))
  }
}

interface CommandPorts extends WaitingPorts {
  readonly slot: LockSlot
}

type OwnedCommand = DistributiveOmit<Extract<LockCommand, { readonly identity: Identity | null }>, 'identity'>
type DistributiveOmit<T, Key extends keyof T> = T extends unknown ? Omit<T, Key> : never

const isRefusedAs = (answered: Answered, ...codes: readonly RefusalCode[]): boolean =>
  answered.ok && answered.value.type === 'refused' && codes.includes(answered.value.code)
