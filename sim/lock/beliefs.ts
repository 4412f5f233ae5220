import type { LockMode, OwnerRef } from '#core/lock/types.ts'
import { Violation } from '#sim/checks/violation.ts'
import type { GrantRecord } from './ledger.ts'

/** What a client was told that it holds, and until when it may trust that, in true time. */
interface Belief {
  readonly client: string
  readonly resource: string
  readonly mode: LockMode
  readonly token: number
  /** Null: as long as its session. */
  readonly session: string | null
  until: number
}

/** What the servers know of it. */
interface Log {
  grant(token: number): GrantRecord | undefined
  session(id: string): { readonly until: number | null; readonly end: string | null } | undefined
}

/**
 * Mutual exclusion as clients see it, in true time: from the answer until its own careful deadline, or until it sends a release, no client may
 * believe that it holds what another believes that it holds; and at the servers no lock and no session ends while its client may still
 * trust in it (decisions L1, L9). What an operator takes away by force is left out.
 */
export class Beliefs {
  readonly totals = { beliefs: 0, trustedSessions: 0 }
  readonly #log: Log
  readonly #now: () => number
  readonly #byResource = new Map<string, Map<string, Belief>>()
  readonly #sessions = new Map<string, number>()
  readonly #tokens = new Map<number, string>()

  constructor(log: Log, now: () => number) {
    this.#log = log
    this.#now = now
  }

  /** The client was told of a grant that it asked for at `sentAt`. False when its deadline is over already: then it does not trust it. */
  granted(belief: Omit<Belief, 'until'> & { readonly until: number | null; readonly sentAt: number }): boolean {
    const { client, resource, mode, token, session, sentAt } = belief
    const at = `${client} is told that it holds ${resource} by token ${token}`
    const record = this.#log.grant(token)
    if (record?.client !== client || record.resource !== resource) throw new Violation(`${at}, which the log does not say`)
    if (record.mode !== mode && record.mode !== 'exclusive') throw new Violation(`${at} (${mode}), and it is ${record.mode}`)
    if (record.until !== null && record.until < sentAt) throw new Violation(`${at}, which was over before it asked`)
    const known = this.#tokens.get(token)
    if (known !== undefined && known !== `${client} ${resource}`) throw new Violation(`${at}, which was told to ${known}`)
    this.#tokens.set(token, `${client} ${resource}`)
    const until = belief.until ?? this.#sessions.get(session ?? '') ?? 0
    if (until <= this.#now() || record.end === 'forced') return false
    if (record.until !== null && record.end !== 'upgraded')
      throw new Violation(`${at} until ${until.toFixed(1)}, and that has ended by ${record.end} at ${record.until.toFixed(1)}`)
    const others = this.#byResource.get(resource) ?? new Map<string, Belief>()
    this.#byResource.set(resource, others)
    const before = others.get(client)
    const believed: Belief = {
      client,
      resource,
      mode,
      token,
      session,
      until: before?.token === token ? Math.max(before.until, until) : until,
    }
    others.set(client, believed)
    this.totals.beliefs++
    this.#checkAlone(believed)
    return true
  }

  /** A process that looks at its own clock trusts in what it was told for as long as that says; one that stands still trusts in nothing. */
  trusts(client: string, resource: string, until: number): void {
    const belief = this.#byResource.get(resource)?.get(client)
    if (belief === undefined) return
    belief.until = until
    if (until <= this.#now()) return
    this.#checkHeld(belief)
    this.#checkAlone(belief)
  }

  letGo(client: string, resource: string): void {
    this.#byResource.get(resource)?.delete(client)
  }

  /** The session was opened or kept alive, says an answer, and its client trusts in it until then. */
  kept(session: string, until: number): void {
    const known = this.#sessions.get(session) ?? 0
    if (until <= Math.max(known, this.#now())) return
    this.totals.trustedSessions++
    this.#sessions.set(session, until)
    const record = this.#log.session(session)
    if (record?.end === 'expired')
      throw new Violation(
        `session ${session} was kept alive until ${until.toFixed(1)}, and has ended at ${record.until?.toFixed(1)} (decision L1)`,
      )
    for (const beliefs of this.#byResource.values()) {
      for (const belief of beliefs.values()) {
        if (belief.session !== session) continue
        belief.until = until
        this.#checkHeld(belief)
        this.#checkAlone(belief)
      }
    }
  }

  /** The client has sent the end of its session, or thinks no more of it. */
  leave(session: string): void {
    this.#sessions.delete(session)
    for (const beliefs of this.#byResource.values()) {
      for (const [client, belief] of beliefs) if (belief.session === session) beliefs.delete(client)
    }
  }

  forget(client: string): void {
    for (const beliefs of this.#byResource.values()) beliefs.delete(client)
  }

  /** The log has ended a lock. One of an earlier session of the same client is another lock. */
  holdEnded({ client, session }: OwnerRef, resource: string, reason: string): void {
    const belief = this.#byResource.get(resource)?.get(client)
    if (belief === undefined || belief.session !== session) return
    if (reason === 'forced') this.letGo(client, resource)
    else if (belief.until > this.#now())
      throw new Violation(
        `${client} may trust ${resource} until ${belief.until.toFixed(1)}, and it has ended by ${reason} at ${this.#now().toFixed(1)}`,
      )
  }

  sessionEnded(session: string, reason: string): void {
    const until = this.#sessions.get(session) ?? 0
    if (until > this.#now())
      throw new Violation(
        `session ${session} was kept alive until ${until.toFixed(1)}, and has ended (${reason}) at ${this.#now().toFixed(1)} (decision L1)`,
      )
  }

  #checkHeld({ client, resource, token, until }: Belief): void {
    const record = this.#log.grant(token)
    if (record !== undefined && record.until !== null && record.end !== 'upgraded' && record.end !== 'forced' && until > this.#now())
      throw new Violation(
        `${client} may trust ${resource} until ${until.toFixed(1)}, and it has ended by ${record.end} at ${record.until.toFixed(1)}`,
      )
  }

  #checkAlone(belief: Belief): void {
    for (const other of this.#byResource.get(belief.resource)?.values() ?? []) {
      const conflict = other.mode === 'exclusive' || belief.mode === 'exclusive'
      if (other !== belief && conflict && other.until > this.#now())
        throw new Violation(`${belief.client} and ${other.client} both believe that they hold ${belief.resource}`)
    }
  }
}
