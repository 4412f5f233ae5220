import type { Fault } from '#api/errors.ts'
import { faultOf } from '#api/errors.ts'
import type { AcquireManyRequest, AcquireRequest } from './acquire.ts'

/** What a schema of one field at a time cannot say. Null when nothing is wrong. */

export function faultOfAcquire({ ttl_ms: ttlMs, wait_ms: waitMs, session_id: sessionId }: AcquireTerms): Fault | null {
  if (sessionId !== undefined && ttlMs !== undefined && ttlMs > 0) {
    return faultOf(
      'invalid_request',
      `ttl_ms: a lock under a session lives as long as that session, and ${ttlMs} was given: leave it out, or leave session_id out`,
      { field: 'ttl_ms' },
    )
  }
  // Decision L3: nobody might ever come back for it.
  if (sessionId === undefined && ttlMs === 0 && waitMs === undefined) {
    return faultOf(
      'invalid_request',
      'ttl_ms: a request that waits in the background must end by itself, and 0 was given: give it a ttl_ms, a wait_ms or a session_id',
      { field: 'ttl_ms' },
    )
  }
  return null
}

type AcquireTerms = Pick<AcquireRequest, 'ttl_ms' | 'wait_ms' | 'session_id'>

export function faultOfAcquireMany(request: AcquireManyRequest): Fault | null {
  const seen = new Map<string, number>()
  for (const [at, { resource_id: resource }] of request.resources.entries()) {
    const before = seen.get(resource)
    if (before !== undefined) {
      const field = `resources[${at}].resource_id`
      const message = `${field}: each resource may be named once, and this is that of resources[${before}]: send it once`
      return faultOf('invalid_request', message, { field })
    }
    seen.set(resource, at)
  }
  return faultOfAcquire(request)
}
