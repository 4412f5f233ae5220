import type { Result } from '#base/result.ts'
import type { Call } from '#api/call.ts'
import type { serviceErrors } from '#api/common/errors.ts'
import type { Fault } from '#api/errors.ts'
import type { AcquireGranted, AcquireManyGranted, AcquireManyQueued, AcquireManyRequest, AcquireQueued, AcquireRequest } from './acquire.ts'
import type { Checked, CheckRequest, Extended, ExtendRequest, ForceReleaseRequest, Released, ReleaseRequest } from './hold.ts'
import type { OpenSessionRequest, SessionEnded, SessionKept, SessionOpened, SessionPath } from './sessions.ts'
import type { ConsistencyQuery, DeadlocksView, LockDetail, LockQuery, LocksQuery, LocksView } from './views.ts'

/**
 * What the lock service does for its callers, whatever carries the calls. Requests have been checked: they fit their schemas and the rules
 * in `rules.ts`. Fields left out are theirs to fill in, from `lockDefaults` unless configured otherwise.
 *
 * An expected outcome is a value: a discriminated answer, or a fault. What a method throws is a bug.
 */
export interface LockApi {
  /**
   * Identified by (client, resource): sent again, it reports the state and counts nothing twice. With `wait_ms` it answers when that is
   * decided, and never with `queued`. `call.signal` asks for that decision now:
   * - after `stopping`, answer what is then true: granted, or the fault `stopping` once the wait is cancelled;
   * - after `client-gone`, see to it that a grant which nobody was told of is given back; the answer is thrown away.
   */
  acquire(request: AcquireRequest, call: Call): Promise<Result<AcquireGranted | AcquireQueued, Fault<AcquireFault>>>
  /** All or nothing, as one request. Waits as `acquire` does. */
  acquireMany(request: AcquireManyRequest, call: Call): Promise<Result<AcquireManyGranted | AcquireManyQueued, Fault<AcquireFault>>>
  /** Gives the lock back, or leaves the queue. */
  release(request: ReleaseRequest, call: Call): Promise<Result<Released, Fault<ReleaseFault>>>
  extend(request: ExtendRequest, call: Call): Promise<Result<Extended, Fault<ExtendFault>>>
  openSession(request: OpenSessionRequest, call: Call): Promise<Result<SessionOpened, Fault<OpenSessionFault>>>
  keepSessionAlive(request: SessionPath, call: Call): Promise<Result<SessionKept, Fault<ServiceFault | 'session_lost'>>>
  endSession(request: SessionPath, call: Call): Promise<Result<SessionEnded, Fault<ServiceFault | 'unknown_session'>>>
  locks(request: LocksQuery, call: Call): Promise<Result<LocksView, Fault<ServiceFault>>>
  /** Every name is a lock: one that nobody holds or waits for has empty lists. */
  lock(request: LockQuery, call: Call): Promise<Result<LockDetail, Fault<ServiceFault>>>
  deadlocks(request: ConsistencyQuery, call: Call): Promise<Result<DeadlocksView, Fault<ServiceFault>>>
  check(request: CheckRequest, call: Call): Promise<Result<Checked, Fault<ServiceFault>>>
  /** Breaks exclusion. Leaves a line in the audit log, with the request id and the address of the caller. */
  forceRelease(request: ForceReleaseRequest, call: Call): Promise<Result<Released, Fault<ServiceFault | 'unknown_resource' | 'not_holder'>>>
}

/** Any call may end so. */
export type ServiceFault = (typeof serviceErrors)[number]

export type AcquireFault =
  | ServiceFault
  | 'lock_timeout'
  | 'deadlock'
  | 'wait_die'
  | 'wounded'
  | 'session_lost'
  | 'wrong_client'
  | 'conflicting_request'
  | 'superseded'
  | 'hold_ended'
  | 'withdrawn'
  | 'queue_full'
  | 'too_many_holders'
  | 'too_many_resources'
  | 'too_many_locks'
  | 'too_many_waits'

type ReleaseFault = ServiceFault | 'unknown_resource' | 'not_holder' | 'session_lost' | 'wrong_client'
type ExtendFault = ServiceFault | 'unknown_resource' | 'not_holder' | 'carried_by_session'
type OpenSessionFault = ServiceFault | 'too_many_sessions'
