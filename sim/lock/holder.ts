import type { Fault } from '#api/errors.ts'
import type { AcquireManyRequest } from '#api/locks/acquire.ts'
import type { LockMode } from '#core/lock/types.ts'
import type { LockApi } from '#api/locks/lock-api.ts'
import type { Actor } from '#sim/clients/actor.ts'
import type { Beliefs } from './beliefs.ts'
import type { Told } from '#sim/clients/calls.ts'
import { judgeCheck } from './judge-check.ts'
import type { Ledger } from './ledger.ts'
import type { LockOptions } from './options.ts'

export interface HolderPorts {
  readonly actor: Actor<LockApi>
  readonly beliefs: Beliefs
  readonly ledger: Ledger
  readonly options: LockOptions
  /** Counts what clients do. */
  readonly did: (action: string) => void
  readonly isOver: () => boolean
  /** What the client does at the same time. */
  readonly besides: (task: Promise<void>) => void
}

export interface Wish {
  readonly resource: string
  readonly mode: LockMode
}

/** `stuck`: it waits for others that wait for it, or is in the way of an older client: it should give back what it holds. */
export type Taken = 'granted' | 'refused' | 'stuck' | 'session-lost'

interface Granted {
  readonly locks: readonly (Wish & { readonly token: number })[]
  readonly ttlMs: number | null
}

interface Answer {
  readonly granted: Granted | null
  /** How long it stays in the queue. */
  readonly queuedMs: number | null
}

/** A client as far as it takes locks and gives them back, under a session or each by a lease of its own. */
export class Holder {
  /** What it was told last. */
  readonly held = new Map<string, { readonly mode: LockMode; readonly token: number }>()
  readonly #ports: HolderPorts
  readonly #terms: { readonly ttlMs: number } | { readonly session: string }

  constructor(ports: HolderPorts, terms: { readonly ttlMs: number } | { readonly session: string }) {
    this.#ports = ports
    this.#terms = terms
  }

  /** Asks until the answer is known, over one node or another. */
  async take(wishes: readonly Wish[]): Promise<Taken> {
    const { actor, did } = this.#ports
    const waitMs = actor.prng.pick([0, 0, 500, 3_000, 3_000, 10_000, null, null])
    const kind = waitMs === 0 ? 'try' : waitMs === null ? 'background' : 'wait'
    did(wishes.length > 1 ? `acquire-many-${kind}` : `acquire-${kind}`)
    for (let attempt = 1; attempt <= 12; attempt++) {
      const { told, sentAt, left } = await this.#ask(wishes, waitMs)
      if (told.ok && told.value.granted !== null) {
        await this.#granted(told.value.granted, sentAt)
        return 'granted'
      }
      const outcome = told.ok ? 'ask-again' : left ? 'refused' : this.#outcomeOf(told.error)
      if (outcome === 'leave') await this.giveUp(wishes)
      if (outcome !== 'ask-again') return outcome === 'leave' ? 'refused' : outcome
      did(told.ok ? 'ask-again' : 'send-again')
      const restMs = told.ok ? Math.min(1_500, (told.value.queuedMs ?? 1_500) / 3) : 400
      await actor.sleep(actor.prng.float() * restMs)
      if (this.#ports.isOver() || actor.prng.chance(0.05)) break
    }
    await this.giveUp(wishes)
    return 'refused'
  }

  async extend(resource: string): Promise<void> {
    const { actor, did } = this.#ports
    const held = this.held.get(resource)
    if (held === undefined || 'session' in this.#terms) return
    const { ttlMs } = this.#terms
    const proof = actor.prng.chance(0.7) ? { fencing_token: held.token } : {}
    const request = { resource_id: resource, client_id: actor.id, ttl_ms: ttlMs, ...proof }
    did('extend')
    const { told, sentAt } = await actor.call('extend', (locks, call) => locks.extend(request, call))
    if (told.ok) {
      const { fencing_token: token, ttl_ms: left } = told.value
      this.#believe({ resource, mode: held.mode, token }, sentAt, left)
    } else if (told.error.code === 'not_holder' || told.error.code === 'unknown_resource') {
      this.held.delete(resource)
    }
  }

  /**
   * From the moment it sends this it does not count on the lock any more. It asks until it is answered, and only then again for the lock: of
   * two requests whose order is not known the later one may be carried out first.
   */
  async release(resource: string): Promise<void> {
    const { actor, beliefs, did } = this.#ports
    const held = this.held.get(resource)
    this.held.delete(resource)
    const byToken = held !== undefined && actor.prng.chance(0.6)
    const proof = byToken ? { fencing_token: held.token } : {}
    const session = 'session' in this.#terms ? { session_id: this.#terms.session } : {}
    did(byToken ? 'release-by-token' : 'release')
    for (;;) {
      beliefs.letGo(actor.id, resource)
      const request = { resource_id: resource, client_id: actor.id, ...proof, ...session }
      const { told } = await actor.call('release', (locks, call) => locks.release(request, call))
      if (told.ok || !isPassing(told.error)) return
      did('send-again')
      await actor.sleep(actor.prng.float() * 300)
    }
  }

  async releaseAll(): Promise<void> {
    for (const resource of this.held.keys()) await this.release(resource)
  }

  /** Leaves the queues, and gives back what may have been granted meanwhile. */
  async giveUp(wishes: readonly Wish[]): Promise<void> {
    this.#ports.did('leave-queue')
    for (const { resource } of wishes) if (!this.held.has(resource)) await this.release(resource)
  }

  /** What a protected resource would do before it lets a client in. */
  async check(resource: string, token: number): Promise<void> {
    const { actor, did } = this.#ports
    const { told, sentAt } = await actor.call('check', (locks, call) => locks.check({ resource_id: resource, fencing_token: token }, call))
    did('check')
    if (told.ok) judgeCheck(this.#ports, { token, sentAt }, told.value)
  }

  async #ask(wishes: readonly Wish[], waitMs: number | null) {
    const { actor, options, did } = this.#ports
    const hangsUp = waitMs !== null && waitMs > 0 && actor.prng.chance(options.hangUpShare)
    if (hangsUp) did('hang-up')
    const patienceMs = (waitMs ?? 0) + actor.prng.pick([3_000, 8_000])
    // Often at once, while the answer is on its way.
    const hangUpAfterMs = actor.prng.float() * (actor.prng.chance(0.4) ? 20 : (waitMs ?? 0))
    const limits = hangsUp ? { patienceMs, hangUpAfterMs } : { patienceMs }
    const heard = await actor.call('acquire', (locks, call) => acquire(locks, call, this.#request(wishes, waitMs)), limits)
    return { ...heard, left: hangsUp && !heard.told.ok && actor.prng.chance(0.5) }
  }

  #request(wishes: readonly Wish[], waitMs: number | null): AcquireManyRequest {
    const { actor, options } = this.#ports
    const terms = 'session' in this.#terms ? { session_id: this.#terms.session } : { ttl_ms: this.#terms.ttlMs }
    const delay = options.lockDelayMs > 0 ? { lock_delay_ms: options.lockDelayMs } : {}
    const resources = wishes.map(({ resource, mode }) => ({ resource_id: resource, lock_type: mode }))
    return { resources, client_id: actor.id, ...terms, ...delay, ...(waitMs === null ? {} : { wait_ms: waitMs }) }
  }

  #outcomeOf(fault: Fault): Taken | 'ask-again' | 'leave' {
    const { did } = this.#ports
    if (isPassing(fault)) return 'ask-again'
    switch (fault.code) {
      case 'deadlock':
      case 'wait_die':
      case 'wounded':
        did(`told-${fault.code}`)
        return 'stuck'
      case 'session_lost':
        return 'session-lost'
      case 'conflicting_request':
        return 'leave'
      default:
        did(`told-${fault.code}`)
        return 'refused'
    }
  }

  /** After a wait the lease is counted anew, from a request that was sent after the grant (decision L9). */
  async #granted({ locks, ttlMs }: Granted, sentAt: number): Promise<void> {
    for (const lock of locks) {
      const isTrusted = this.#believe(lock, sentAt, ttlMs)
      if (!isTrusted && ttlMs !== null) await this.extend(lock.resource)
    }
  }

  #believe({ resource, mode, token }: Granted['locks'][number], sentAt: number, ttlMs: number | null): boolean {
    const { actor, beliefs } = this.#ports
    this.held.set(resource, { mode, token })
    const session = 'session' in this.#terms ? this.#terms.session : null
    const until = ttlMs === null ? null : actor.deadline(sentAt, ttlMs)
    return beliefs.granted({ client: actor.id, resource, mode, token, session, until, sentAt })
  }
}

/** Another node, or the same a little later, may do it. */
export const isPassing = ({ code }: Fault): boolean =>
  code === 'unknown' || code === 'no_leader' || code === 'unavailable' || code === 'stopping' || code === 'overloaded'

type Locks = Parameters<Parameters<Actor<LockApi>['call']>[1]>[0]
type Call = Parameters<Parameters<Actor<LockApi>['call']>[1]>[1]

async function acquire(locks: Locks, call: Call, request: AcquireManyRequest): Promise<Told<Answer>> {
  const { resources, ...terms } = request
  const [only, ...others] = resources
  if (only !== undefined && others.length === 0) {
    const told = await locks.acquire({ ...only, ...terms }, call)
    if (!told.ok) return told
    const { value } = told
    if (value.status === 'queued') return { ok: true, value: { granted: null, queuedMs: value.ttl_ms } }
    const lock = { resource: value.resource_id, mode: value.lock_type, token: value.fencing_token }
    return { ok: true, value: { granted: { locks: [lock], ttlMs: value.ttl_ms }, queuedMs: null } }
  }
  const told = await locks.acquireMany(request, call)
  if (!told.ok) return told
  const { value } = told
  if (value.status === 'queued') return { ok: true, value: { granted: null, queuedMs: value.ttl_ms } }
  const granted = value.locks.map(({ resource_id: resource, lock_type: mode, fencing_token: token }) => ({ resource, mode, token }))
  return { ok: true, value: { granted: { locks: granted, ttlMs: value.ttl_ms }, queuedMs: null } }
}
