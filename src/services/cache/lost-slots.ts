import type { LostSlot } from '#api/cache/status.ts'
import { instantOf } from '#api/schemas.ts'
import type { ClusterState } from '#core/cluster/types.ts'

/** Slots that lost most of their replicas in memory, and began anew (decision C12), in the order of their numbers. */
export function lostSlots(cluster: ClusterState | null): readonly LostSlot[] {
  return (cluster?.table.slots ?? []).flatMap(({ life: { number, since } }, slot) =>
    since === null ? [] : [{ slot, times: number - 1, last_at: instantOf(since) }],
  )
}

/** Those that were lost since `before`. */
export function newlyLost(before: readonly LostSlot[], after: readonly LostSlot[]): readonly LostSlot[] {
  const known = new Map(before.map(({ slot, times }) => [slot, times]))
  return after.filter(({ slot, times }) => times > (known.get(slot) ?? 0))
}

/** Null when none was lost in the last day. */
export function lossWarning(lost: readonly LostSlot[], now: number): string | null {
  const recent = lost.filter((slot) => now - Date.parse(slot.last_at) < dayMs)
  const [last] = recent
    .map((slot) => slot.last_at)
    .sort()
    .reverse()
  if (last === undefined) return null
  const which = recent.length === 1 ? `slot ${recent[0]?.slot}` : `${recent.length} slots`
  return `${which} lost most replicas in memory and began anew, empty, the last time at ${last}: nodes that keep slots in memory are restarted one after the other`
}

const dayMs = 86_400_000
