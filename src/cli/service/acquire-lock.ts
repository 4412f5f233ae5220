import { deferred } from '#base/deferred.ts'
import type { AcquireGranted, AcquireRequest } from '#api/locks/acquire.ts'
import { lockApiLimits } from '#api/locks/limits.ts'
import { lockRoutes } from '#api/locks/routes.ts'
import type { Result } from '#base/result.ts'
import type { ServiceClient } from './service-client.ts'
import type { Refusal } from './node-answer.ts'

interface Waiting {
  /** Infinity waits until it is granted or refused. */
  readonly waitMs: number
  /** Leaves the queue; the wait then rejects with the reason. */
  readonly signal: AbortSignal
  /** How long one request may wait; what the service allows unless given. */
  readonly requestMs?: number
}

/** Before the service gives a wait up, with time to find another node. */
const renewAfter = 0.75

/**
 * Acquires a lock, however long that takes. A request may wait for a minute only, so a longer wait is sent again before that is over: it
 * keeps its place in the queue, and the older request of the two ends as superseded.
 */
export async function acquireLock(
  client: ServiceClient,
  request: Omit<AcquireRequest, 'wait_ms'>,
  { waitMs, signal, requestMs = lockApiLimits.waitMsMax }: Waiting,
): Promise<Result<AcquireGranted, Refusal>> {
  const deadline = performance.now() + waitMs
  const pieceMs = (): number => Math.ceil(Math.max(0, Math.min(requestMs, deadline - performance.now())))
  const ask = (): ReturnType<typeof client.call<typeof lockRoutes.acquire>> =>
    client.call(lockRoutes.acquire, () => ({ ...request, wait_ms: pieceMs() }), { waitMs: pieceMs(), signal })

  for (;;) {
    const goesOn = deadline - performance.now() > requestMs
    const outcome = await within(ask(), goesOn ? requestMs * renewAfter : Infinity)
    if (outcome === null) continue
    const isOver = !goesOn || outcome.ok || outcome.error.code !== 'lock_timeout'
    if (!isOver) continue
    if (!outcome.ok) return outcome
    const { value } = outcome
    return value.status === 'granted' ? { ok: true, value } : { ok: false, error: inTheQueue(request) }
  }
}

/** Without a wait of its own a request only looks how another one of its client stands. */
const inTheQueue = ({ client_id: client, resource_id: resource }: Pick<AcquireRequest, 'client_id' | 'resource_id'>): Refusal => ({
  code: 'lock_timeout',
  message: `${JSON.stringify(client)} waits for ${JSON.stringify(resource)} by another request`,
  retryable: true,
})

/** Null when that took longer; then nobody looks at the outcome any more. */
async function within<T>(outcome: Promise<T>, limitMs: number): Promise<T | null> {
  if (limitMs === Infinity) return outcome
  const late = deferred<null>()
  const timer = setTimeout(() => late.resolve(null), limitMs)
  outcome.catch(() => {})
  try {
    return await Promise.race([outcome, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
