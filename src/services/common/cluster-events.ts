import type { ClusterEvent } from '#api/common/events.ts'
import type { MemberStanding } from '#runtime/node-standing.ts'

/** What has changed between two states of the cluster, for people. */
export function memberEvents(before: readonly MemberStanding[], after: readonly MemberStanding[], at: string): readonly ClusterEvent[] {
  const states = new Map(before.map(({ name, state }) => [name, state]))
  const names = new Set(after.map(({ name }) => name))
  const changed = after.filter(({ name, state }) => states.get(name) !== state)
  const removed = before.filter(({ name }) => !names.has(name))
  return [
    ...changed.map(({ name, state }) => ({ type: 'member-changed', at, node_id: name, state }) as const),
    ...removed.map(({ name }) => ({ type: 'member-changed', at, node_id: name, state: 'removed' }) as const),
  ]
}
