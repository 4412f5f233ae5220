import type { LineView } from '#api/cache/status.ts'
import { cellName } from './flashes.ts'
import type { Flash } from './flashes.ts'
import type { KnownNode } from './world.ts'

/** Lines of the cache by key and node. */
export interface CacheGrid {
  readonly nodes: readonly string[]
  readonly rows: readonly CacheRow[]
  /** Keys that are not shown. */
  readonly left: number
}

export interface CacheRow {
  readonly key: string
  /** By node, in their order. */
  readonly cells: readonly CacheCell[]
}

export interface CacheCell {
  readonly node: string
  /** Null while the node does not answer. */
  readonly state: LineView['state'] | null
  readonly dirty: boolean
  readonly flash: Flash | null
}

/** The keys that were last on the bus, and others until there are enough; by their names, so that nothing jumps about. */
export function cacheGrid(nodes: readonly KnownNode[], flashes: ReadonlyMap<string, Flash>, rowsMax: number): CacheGrid {
  const lines = nodes.map(({ cache }) => new Map((cache?.lines ?? []).map((line) => [line.key, line])))
  const keys = [...new Set(lines.flatMap((each) => [...each.keys()]))]
  const names = nodes.map(({ identity }) => identity.node_id)
  const latest = (key: string): number => Math.max(0, ...names.map((name) => flashes.get(cellName(key, name))?.number ?? 0))
  const ranked = keys
    .map((key) => ({ key, number: latest(key) }))
    .toSorted((one, other) => (one.number === other.number ? (one.key < other.key ? -1 : 1) : other.number - one.number))
  const shown = ranked.slice(0, rowsMax).toSorted((one, other) => (one.key < other.key ? -1 : 1))
  return {
    nodes: names,
    left: ranked.length - shown.length,
    rows: shown.map(({ key }) => ({
      key,
      cells: nodes.map(({ cache }, at) => {
        const line = lines[at]?.get(key)
        const node = names[at] ?? ''
        return {
          node,
          state: cache === null ? null : (line?.state ?? 'I'),
          dirty: line?.dirty ?? false,
          flash: flashes.get(cellName(key, node)) ?? null,
        }
      }),
    })),
  }
}
