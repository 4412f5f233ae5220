import type { NodeSeen, ServiceName } from './world.ts'
import { isUp, nodesOf } from './world.ts'

/** Of which node what all nodes of a service know alike is asked: the same one for as long as it answers. Null when none does. */
export function sourceOf(nodes: readonly NodeSeen[], service: ServiceName, current: string | null): string | null {
  const up = nodesOf(nodes, service).filter(isUp)
  return up.find(({ address }) => address === current)?.address ?? up[0]?.address ?? null
}

const usualMs = 2_000
const longestMs = 10_000

/** Until a node is asked again: ever more rarely while it says nothing. */
export const askAfterMs = ({ failures }: NodeSeen): number =>
  Math.min(longestMs, usualMs * 2 ** Math.min(failures, 8) * (failures > 0 ? 0.5 : 1))
