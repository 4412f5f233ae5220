import type { WallMillis } from '#base/brand.ts'
import { lockApiLimits as limits } from '#api/locks/limits.ts'
import type { DeadlocksView, LockDetail } from '#api/locks/views.ts'
import { instantOf } from '#api/schemas.ts'
import { checkToken, viewResource, viewResources, viewSession, waitForEdges } from '#core/lock/queries.ts'
import type { ResourceView } from '#core/lock/queries.ts'
import type { LockState } from '#core/lock/state.ts'
import type { DeadlockRecord, Hop } from '#core/lock/types.ts'
import { resourceName } from '#core/lock/types.ts'
import type { LockQuestion, LockView, LockViews } from './lock-questions.ts'

/** The state of the locks in the words of the API. Nothing here changes it. */
export function viewOf(state: LockState, question: LockQuestion): LockView {
  switch (question.type) {
    case 'locks':
      return pageOf(state, question)
    case 'lock':
      return lockView(viewResource(state, resourceName(question.resource)) ?? nobodys(question.resource), limits.listedMax)
    case 'deadlocks':
      return deadlocksView(state)
    case 'check':
      return checkToken(state, resourceName(question.resource), question.token)
    case 'session':
      return { open: viewSession(state, question.session) !== null }
  }
}

function pageOf(state: LockState, { prefix, after, limit }: Extract<LockQuestion, { type: 'locks' }>): LockViews['locks'] {
  const locks: LockViews['lock'][] = []
  for (const view of viewResources(state, { prefix, after })) {
    if (locks.length === limit) return { locks, next: locks.at(-1)?.resource_id ?? null }
    locks.push(lockView(view, limits.listedPerLockMax))
  }
  return { locks, next: null }
}

const nobodys = (resource: string): ResourceView => ({ resource: resourceName(resource), holders: [], waiters: [], closedUntil: null })

function lockView({ resource, holders, waiters, closedUntil }: ResourceView, listedMax: number): LockViews['lock'] {
  return {
    resource_id: resource,
    holders: holders.slice(0, listedMax).map(({ client, mode, token, expiresAt }) => {
      return { client_id: client, lock_type: mode, fencing_token: token, expires_at: instantOrNull(expiresAt) }
    }),
    holder_count: holders.length,
    waiters: waiters.slice(0, listedMax).map(waiterView),
    waiter_count: waiters.length,
    closed_until: instantOrNull(closedUntil),
  }
}

function waiterView({ client, mode, upgrade, endsAt }: ResourceView['waiters'][number], at: number): LockDetail['waiters'][number] {
  return { client_id: client, lock_type: mode, position: at + 1, upgrade, ends_at: instantOrNull(endsAt) }
}

const instantOrNull = (wall: WallMillis | null): string | null => (wall === null ? null : instantOf(wall))

function deadlocksView(state: LockState): LockViews['deadlocks'] {
  const graph: WaitLink[] = []
  let truncated = false
  for (const { client, of, resource, behind } of waitForEdges(state)) {
    truncated = graph.length === limits.edgesMax
    if (truncated) break
    graph.push({ client_id: client, waits_for: of, resource_id: resource, behind })
  }
  const recent = state.deadlocks.slice(-limits.deadlocksMax).reverse().map(recordView)
  return { mode: state.mode, graph, truncated, found: state.deadlocksFound, recent }
}

function recordView({ wall, mode, victim, cycle, length }: DeadlockRecord): DeadlocksView['recent'][number] {
  const clients = cycle.slice(0, limits.cycleMax).map(({ client }) => client)
  return { at: instantOf(wall), mode, victim, cycle: clients, waits: linksOf(cycle, length), cycle_length: length }
}

export type WaitLink = DeadlocksView['graph'][number]

/** Each waits for the next one, and the last for the first; whom the last of a part waits for is not known. */
export function linksOf(cycle: readonly Hop[], length: number): readonly WaitLink[] {
  const shown = cycle.slice(0, limits.cycleMax)
  return shown.flatMap(({ client, resource, behind }, at): WaitLink[] => {
    const next = shown[at + 1] ?? (shown.length === length ? shown[0] : cycle[at + 1])
    return next === undefined ? [] : [{ client_id: client, waits_for: next.client, resource_id: resource, behind }]
  })
}
