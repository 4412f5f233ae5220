import type { Result } from '#base/result.ts'
import { err, ok } from '#base/result.ts'
import type { Call } from '#api/call.ts'
import { noLeader, unavailable, unknownOutcome } from '#api/common/faults.ts'
import type { Fault } from '#api/errors.ts'
import type { AcquireManyRequest, AcquireRequest } from '#api/locks/acquire.ts'
import { carriedBySession, limitMet, notHolder, sessionLost, unknownResource, unknownSession } from '#api/locks/faults.ts'
import { lockDefaults } from '#api/locks/limits.ts'
import type { AcquireFault, LockApi, ServiceFault } from '#api/locks/lock-api.ts'
import { lockLimits } from '#core/lock/limits.ts'
import type { Granted, Item, LockAnswer, OwnerRef, Queued, Refused } from '#core/lock/types.ts'
import { clientId, fencingToken, resourceName, sessionId } from '#core/lock/types.ts'
import type { Clock } from '#ports/clock.ts'
import type { Entropy } from '#ports/entropy.ts'
import type { Telemetry } from '#ports/telemetry.ts'
import { audit, outcomeOf } from '#services/common/audit.ts'
import type { Standing } from '#services/common/service-node.ts'
import type { Commands } from './commands.ts'
import { holderViews, leaseOf, outcomeOfAcquire, ownerRefusal, unexpected } from './lock-answers.ts'
import type { LockQuestion, LockViews } from './lock-questions.ts'
import type { Asked, LockSlot } from './lock-slot.ts'
import type { Looking } from './looking.ts'

/** The calls of the API as commands and questions to the replicated locks. */
export class LockService implements LockApi {
  readonly #ports: LockServicePorts

  constructor(ports: LockServicePorts) {
    this.#ports = ports
  }

  async acquire(request: AcquireRequest, call: Call): ReturnType<LockApi['acquire']> {
    const { resource_id: resource, client_id: client, lock_type: mode = lockDefaults.lock_type } = request
    const outcome = await this.#acquire(request, [{ resource: resourceName(resource), mode }], call)
    if (!outcome.ok) return outcome
    const answer = outcome.value
    if (answer.type === 'queued') {
      return ok({ status: 'queued', resource_id: resource, client_id: client, lock_type: mode, ...queueOf(answer) })
    }
    const [grant] = answer.grants
    if (grant === undefined) return unexpected(answer)
    const { mode: held, token } = grant
    const names = { resource_id: resource, client_id: client, lock_type: held, fencing_token: token }
    return ok({ status: 'granted', ...names, ...leaseOf(answer) })
  }

  async acquireMany(request: AcquireManyRequest, call: Call): ReturnType<LockApi['acquireMany']> {
    const { resources, client_id: client } = request
    const items = resources.map(({ resource_id: resource, lock_type: mode = lockDefaults.lock_type }) => {
      return { resource: resourceName(resource), mode }
    })
    const outcome = await this.#acquire(request, items, call)
    if (!outcome.ok) return outcome
    const answer = outcome.value
    if (answer.type === 'queued') {
      const asked = items.map(({ resource, mode }) => ({ resource_id: resource, lock_type: mode }))
      return ok({ status: 'queued', client_id: client, resources: asked, ...queueOf(answer) })
    }
    const locks = answer.grants.map(({ resource, mode, token }) => ({ resource_id: resource, lock_type: mode, fencing_token: token }))
    return ok({ status: 'granted', client_id: client, locks, ...leaseOf(answer) })
  }

  async release(request: Parameters<LockApi['release']>[0], call: Call): ReturnType<LockApi['release']> {
    const { resource_id: resource, fencing_token: token } = request
    const owner = ownerOf(request)
    const answered = await this.#ports.commands.release({ owner, resource: resourceName(resource) }, token, call)
    if (!answered.ok) return answered
    const answer = answered.value
    if (answer.type === 'released') return ok({ status: 'released', granted_to: holderViews(answer.grantedTo) })
    if (answer.type !== 'refused') return unexpected(answer)
    return err(missing(answer, { resource, client: owner.client, token: token ?? null }) ?? ownerRefusal(answer, owner))
  }

  async extend(request: Parameters<LockApi['extend']>[0], _call: Call): ReturnType<LockApi['extend']> {
    const { resource_id: resource, client_id: client, ttl_ms: ttlMs = lockDefaults.ttl_ms, fencing_token: given } = request
    const owner = ownerOf({ client_id: client })
    const token = given === undefined ? null : fencingToken(given)
    const answered = await this.#ports.commands.execute({ type: 'extend', owner, resource: resourceName(resource), ttlMs, token })
    if (!answered.ok) return answered
    const answer = answered.value
    if (answer.type === 'extended') {
      return ok({ status: 'extended', resource_id: resource, client_id: client, fencing_token: answer.token, ...leaseOf(answer) })
    }
    if (answer.type !== 'refused') return unexpected(answer)
    if (answer.code === 'carried_by_session') return err(carriedBySession({ resource, client }))
    if (answer.code === 'already_answered') return err(unknownOutcome())
    return err(missing(answer, { resource, client, token }) ?? unexpected(answer))
  }

  async openSession(request: Parameters<LockApi['openSession']>[0], _call: Call): ReturnType<LockApi['openSession']> {
    const {
      client_id: client,
      ttl_ms: ttlMs = lockDefaults.session_ttl_ms,
      lock_delay_ms: lockDelayMs = lockDefaults.lock_delay_ms,
    } = request
    const session = sessionId(this.#ports.entropy.hex(16))
    const answered = await this.#ports.commands.submit({ type: 'open-session', session, client: clientId(client), ttlMs, lockDelayMs })
    if (!answered.ok) return answered
    const answer = answered.value
    if (answer.type === 'session') return ok({ status: 'opened', session_id: session, client_id: client, ttl_ms: answer.ttlMs })
    if (answer.type !== 'refused' || answer.code !== 'too_many_sessions') return unexpected(answer)
    return err(limitMet('too_many_sessions', lockLimits.sessionsPerClientMax))
  }

  async keepSessionAlive({ session_id: id }: { readonly session_id: string }, _call: Call): ReturnType<LockApi['keepSessionAlive']> {
    const asked = await new Promise<Asked>((resolve) => {
      this.#ports.slot.askLeader({ type: 'keep-alive', session: sessionId(id) }, resolve)
    })
    switch (asked.type) {
      case 'kept':
        return ok({ status: 'kept', session_id: id, ttl_ms: asked.ttlMs, wounded: asked.wounded })
      case 'lost':
        return err(sessionLost(id))
      case 'nobody':
        return err(noLeader())
      default:
        return err(unknownOutcome())
    }
  }

  async endSession({ session_id: id }: { readonly session_id: string }, _call: Call): ReturnType<LockApi['endSession']> {
    const answered = await this.#ports.commands.submit({ type: 'close-session', session: sessionId(id) })
    if (!answered.ok) return answered
    const answer = answered.value
    if (answer.type === 'ended') return ok({ status: 'ended', session_id: id })
    return answer.type === 'refused' && answer.code === 'session_lost' ? err(unknownSession(id)) : unexpected(answer)
  }

  async locks(query: Parameters<LockApi['locks']>[0], _call: Call): ReturnType<LockApi['locks']> {
    const { consistency, prefix = '', after = null, limit = lockDefaults.page } = query
    return this.#view(consistency, { type: 'locks', prefix, after, limit })
  }

  async lock(query: Parameters<LockApi['lock']>[0], _call: Call): ReturnType<LockApi['lock']> {
    return this.#view(query.consistency, { type: 'lock', resource: query.resource_id })
  }

  async deadlocks(query: Parameters<LockApi['deadlocks']>[0], _call: Call): ReturnType<LockApi['deadlocks']> {
    return this.#view(query.consistency, { type: 'deadlocks' })
  }

  async check(request: Parameters<LockApi['check']>[0], _call: Call): ReturnType<LockApi['check']> {
    const { resource_id: resource, fencing_token: token } = request
    const checked = await this.#ports.looking.look({ type: 'check', resource, token })
    return checked === null ? err(noLeader()) : ok(checked)
  }

  async forceRelease(request: Parameters<LockApi['forceRelease']>[0], call: Call): ReturnType<LockApi['forceRelease']> {
    const { resource_id: resource, client_id: client = null, reason = null } = request
    const victim = client === null ? null : clientId(client)
    const answered = await this.#ports.commands.submit({ type: 'force-release', resource: resourceName(resource), client: victim })
    const outcome = answered.ok ? outcomeOfForce(answered.value, { resource, client }) : answered
    audit(this.#ports.telemetry, call, { action: 'forceRelease', about: { resource, client, reason }, outcome: outcomeOf(outcome) })
    return outcome
  }

  async #acquire(request: AcquireTerms, items: readonly Item[], call: Call): Promise<Result<Granted | Queued, Fault<AcquireFault>>> {
    const { clock, commands, telemetry } = this.#ports
    const since = clock.now()
    const owner = ownerOf(request)
    const { ttl_ms: ttl = lockDefaults.ttl_ms, wait_ms: waitMs = null, lock_delay_ms: lockDelayMs = lockDefaults.lock_delay_ms } = request
    const terms = { owner, items, ttlMs: owner.session === null ? ttl : 0, lockDelayMs, waitMs }
    const answered = await commands.acquire(terms, call)
    const outcome = this.#outcomeOf({ type: 'acquire', identity: null, ...terms }, answered)
    const said = outcome.ok ? outcome.value.type : outcome.error.code
    telemetry.observe('lockstep_lock_acquire_seconds', { outcome: said }, (clock.now() - since) / 1_000)
    return outcome
  }

  #outcomeOf(
    command: Parameters<typeof outcomeOfAcquire>[0],
    answered: Awaited<ReturnType<Commands['acquire']>>,
  ): Result<Granted | Queued, Fault<AcquireFault>> {
    if (!answered.ok) return answered
    // The log has ended the wait together with this node's session, or for a client that is gone.
    if (answered.value.type === 'cancelled') return err(unavailable('the request waits no more, as this node was cut off for a while'))
    return outcomeOfAcquire(command, answered.value)
  }

  async #view<Question extends LockQuestion>(
    consistency: 'linearizable' | 'local' | undefined,
    question: Question,
  ): Promise<Result<Standing & LockViews[Question['type']], Fault<ServiceFault>>> {
    const { looking, standing } = this.#ports
    const view = await (consistency === 'local' ? looking.glance(question) : looking.look(question))
    return view === null ? err(noLeader()) : ok({ ...standing(), ...view })
  }
}

export interface LockServicePorts {
  readonly commands: Commands
  readonly looking: Looking
  readonly slot: LockSlot
  readonly standing: () => Standing
  readonly clock: Clock
  readonly entropy: Entropy
  readonly telemetry: Telemetry
}

type AcquireTerms = Pick<AcquireRequest, 'client_id' | 'session_id' | 'ttl_ms' | 'wait_ms' | 'lock_delay_ms'>

const ownerOf = ({ client_id: client, session_id: session }: Pick<AcquireRequest, 'client_id' | 'session_id'>): OwnerRef => ({
  client: clientId(client),
  session: session === undefined ? null : sessionId(session),
})

const queueOf = ({ position, holders, ttlMs }: Queued): Pick<QueueFields, 'position' | 'holders' | 'ttl_ms'> => ({
  position,
  holders: holderViews(holders),
  ttl_ms: ttlMs,
})

interface QueueFields {
  readonly position: number
  readonly holders: ReturnType<typeof holderViews>
  readonly ttl_ms: number | null
}

/** Null when it is refused for something else. */
function missing(
  { code }: Refused,
  { resource, client, token }: { readonly resource: string; readonly client: string; readonly token: number | null },
): Fault<'unknown_resource'> | Fault<'not_holder'> | null {
  if (code === 'unknown_resource') return unknownResource(resource)
  return code === 'not_holder' ? notHolder({ resource, client }, token) : null
}

function outcomeOfForce(
  answer: LockAnswer,
  { resource, client }: { readonly resource: string; readonly client: string | null },
): Awaited<ReturnType<LockApi['forceRelease']>> {
  if (answer.type === 'released') return ok({ status: 'released', granted_to: holderViews(answer.grantedTo) })
  if (answer.type !== 'refused') return unexpected(answer)
  return err(missing(answer, { resource, client: client ?? '', token: null }) ?? unexpected(answer))
}
