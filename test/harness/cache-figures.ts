import { deepEqual } from 'node:assert/strict'
import type { CacheCluster } from './cache-cluster.ts'
import type { NodeProcess } from './node-process.ts'

/** How often lines of a node changed their state, by `IM` and the like, and how often it asked the bus for each transaction. */
export type Figures = Readonly<Record<string, number>>

const series =
  /^lockstep_cache_(?:transitions_total\{from="(?<from>.)",to="(?<to>.)"|bus_requests_total\{transaction="(?<transaction>\w+)"),node="[^"]+"\} (?<count>\d+)$/gm

/** As the JSON and the text for Prometheus have them. While nothing happens at the node both say the same. */
export async function figuresOf(cluster: CacheCluster, node: NodeProcess): Promise<Figures> {
  const { transitions, counters } = await cluster.report(node)
  const text = (await cluster.get(node, '/metrics', 'text/plain')).body as string
  const told = [...text.matchAll(series)].map(({ groups: { from, to, transaction, count } = {} }) => [
    transaction ?? `${from}${to}`,
    Number(count),
  ])
  const figures = { ...transitions, ...counters.bus }
  deepEqual(Object.fromEntries(told), figures)
  return figures
}

/** Only what has changed. */
export const grown = (before: Figures, after: Figures): Figures =>
  Object.fromEntries(
    Object.entries(after)
      .map(([name, count]) => [name, count - (before[name] ?? 0)] as const)
      .filter(([, count]) => count !== 0),
  )
