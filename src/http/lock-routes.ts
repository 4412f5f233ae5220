import type { LockApi } from '#api/locks/lock-api.ts'
import { lockRoutes as routes } from '#api/locks/routes.ts'
import { faultOfAcquire, faultOfAcquireMany } from '#api/locks/rules.ts'
import { asking } from './asking.ts'
import type { BoundRoute } from './bound-route.ts'
import { bindCall } from './bound-route.ts'

/** The calls of the lock service. `api` gives null while the node starts. */
export function lockRoutes(api: () => LockApi | null): readonly BoundRoute[] {
  const ask = asking(api)
  return [
    bindCall(routes.acquire, (request, call) => ask((locks) => locks.acquire(request, call)), { rules: faultOfAcquire, statusOf }),
    bindCall(routes.acquireMany, (request, call) => ask((locks) => locks.acquireMany(request, call)), {
      rules: faultOfAcquireMany,
      statusOf,
    }),
    bindCall(routes.release, (request, call) => ask((locks) => locks.release(request, call))),
    bindCall(routes.extend, (request, call) => ask((locks) => locks.extend(request, call))),
    bindCall(routes.openSession, (request, call) => ask((locks) => locks.openSession(request, call))),
    bindCall(routes.keepSessionAlive, (request, call) => ask((locks) => locks.keepSessionAlive(request, call))),
    bindCall(routes.endSession, (request, call) => ask((locks) => locks.endSession(request, call))),
    bindCall(routes.locks, (request, call) => ask((locks) => locks.locks(request, call))),
    bindCall(routes.lock, (request, call) => ask((locks) => locks.lock(request, call))),
    bindCall(routes.deadlocks, (request, call) => ask((locks) => locks.deadlocks(request, call))),
    bindCall(routes.check, (request, call) => ask((locks) => locks.check(request, call))),
    bindCall(routes.forceRelease, (request, call) => ask((locks) => locks.forceRelease(request, call))),
  ]
}

const statusOf = ({ status }: { readonly status: 'granted' | 'queued' }): number => (status === 'queued' ? 202 : 200)
