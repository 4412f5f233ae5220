import type { CacheAgent } from './cache-agent.ts'

/** What an agent has done since it began, and what it has now. */
export interface CacheStatistics {
  readonly hits: number
  readonly misses: number
  /** Of both; 0 before the first. */
  readonly hitRate: number
  readonly lines: number
  readonly linesMax: number
  readonly bytes: number
  readonly bytesMax: number
  /** Lines that went to make room. */
  readonly evictions: number
  /** How often a home told this agent to give up, or to share, a line. */
  readonly snoops: number
  /** Lines with a value at the level `owner` that memory does not have yet. */
  readonly owed: number
  /** Leases that have ended. */
  readonly lapses: number
  /** Values at the level `owner` that were lost with a lease. */
  readonly lost: number
  /** Changes of the states of lines, by `IE` and the like. */
  readonly transitions: Readonly<Record<string, number>>
}

export function statisticsOf({ agent, host }: CacheAgent): CacheStatistics {
  const { lines, limits, counters, edges } = agent.state
  const { hits, misses, evictions, snoops, lapses, lost } = counters
  return {
    hits,
    misses,
    hitRate: hits + misses === 0 ? 0 : hits / (hits + misses),
    lines: lines.byKey.size,
    linesMax: limits.linesMax,
    bytes: lines.bytes,
    bytesMax: limits.lineBytesMax,
    evictions,
    snoops,
    owed: host.owed,
    lapses,
    lost,
    transitions: Object.fromEntries(edges),
  }
}
