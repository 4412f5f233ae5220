import type { Result } from '#base/result.ts'
import { err, ok } from '#base/result.ts'
import { unknownOutcome } from '#api/common/faults.ts'
import type { Fault } from '#api/errors.ts'
import { acquireRefused, deadlock, limitMet, lockTimeout, sessionLost, wrongClient } from '#api/locks/faults.ts'
import type { AcquireFault } from '#api/locks/lock-api.ts'
import { instantOf } from '#api/schemas.ts'
import { lockLimits } from '#core/lock/limits.ts'
import type { Acquire, Granted, Holder, LockAnswer, OwnerRef, Queued, Refused } from '#core/lock/types.ts'
import { linksOf } from './lock-views.ts'

/** Answers of the machine in the words of the API. */

export const holderViews = (holders: readonly Holder[]): { client_id: string; lock_type: Holder['mode']; fencing_token: number }[] =>
  holders.map(({ client, mode, token }) => ({ client_id: client, lock_type: mode, fencing_token: token }))

export const leaseOf = ({ ttlMs, expiresAt }: Pick<Granted, 'ttlMs' | 'expiresAt'>): Lease => ({
  ttl_ms: ttlMs,
  expires_at: expiresAt === null ? null : instantOf(expiresAt),
})

interface Lease {
  readonly ttl_ms: number | null
  readonly expires_at: string | null
}

/** What a request for locks comes to: it has them, waits for them in the background, or neither. */
export function outcomeOfAcquire(command: Acquire, answer: LockAnswer): Result<Granted | Queued, Fault<AcquireFault>> {
  const { owner, items } = command
  const [first] = items
  switch (answer.type) {
    case 'granted':
    case 'queued':
      return ok(answer)
    case 'timed-out':
      return err(
        lockTimeout({
          resources: items.map(({ resource }) => resource),
          waitMs: command.waitMs ?? 0,
          holders: holderViews(answer.holders),
          retryAfterMs: answer.retryAfterMs,
        }),
      )
    case 'deadlock':
      return err(deadlock(linksOf(answer.cycle, answer.length), answer.length))
    case 'refused':
      return err(acquireRefusal(answer, owner, first?.resource ?? ''))
    default:
      return unexpected(answer)
  }
}

function acquireRefusal({ code, detail }: Refused, owner: OwnerRef, resource: string): Fault<AcquireFault> {
  switch (code) {
    case 'wait_die':
    case 'wounded':
    case 'conflicting_request':
    case 'superseded':
    case 'hold_ended':
    case 'withdrawn':
      return acquireRefused(code, { resource, client: owner.client })
    case 'queue_full':
      return limitMet(code, lockLimits.waitersPerResourceMax)
    case 'too_many_holders':
      return limitMet(code, lockLimits.holdersPerResourceMax)
    case 'too_many_resources':
      return limitMet(code, lockLimits.resourcesMax)
    case 'too_many_locks':
      return limitMet(code, lockLimits.locksPerClientMax)
    case 'too_many_waits':
      return limitMet(code, lockLimits.waitsPerClientMax)
    default:
      return ownerRefusal({ type: 'refused', code, detail }, owner)
  }
}

/** What any request under a session, or by a node's, may come to. */
export function ownerRefusal(refused: Refused, { session, client }: OwnerRef): Fault<'session_lost' | 'wrong_client' | 'unknown'> {
  switch (refused.code) {
    case 'session_lost':
      return sessionLost(session ?? '')
    case 'wrong_client':
      return wrongClient(session ?? '', client)
    // The answer was given before, and is not kept any more.
    case 'already_answered':
      return unknownOutcome()
    default:
      return unexpected(refused)
  }
}

/** Whatever was asked has been checked, and answers are of the kind of the command: anything else is a mistake of this program. */
export function unexpected(answer: LockAnswer): never {
  throw new Error(`the lock machine answered ${JSON.stringify(answer)}`)
}
