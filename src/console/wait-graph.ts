import type { DeadlocksView } from '#api/locks/views.ts'

/** Who waits for whom, laid out from left to right: those who wait stand left of those they wait for. */
export interface WaitGraph {
  readonly clients: readonly GraphClient[]
  readonly waits: readonly GraphWait[]
  readonly columns: number
  /** Clients in the fullest column. */
  readonly rows: number
  /** So many waits are not drawn. */
  readonly left: number
}

export interface GraphClient {
  readonly client: string
  readonly column: number
  readonly row: number
}

export interface GraphWait {
  readonly from: GraphClient
  readonly to: GraphClient
  readonly resources: readonly string[]
}

type Edge = DeadlocksView['graph'][number]

const clientsMax = 24

/** A cycle, which the service may show for as long as it takes to break it, is drawn too: its last wait goes back. */
export function waitGraph(edges: readonly Edge[]): WaitGraph {
  const waits = new Map<string, Map<string, Set<string>>>()
  const names = new Set<string>()
  let left = 0
  for (const { client_id: from, waits_for: to, resource_id: resource } of edges) {
    const fresh = [from, to].filter((name) => !names.has(name))
    if (names.size + fresh.length > clientsMax) {
      left++
      continue
    }
    for (const name of fresh) names.add(name)
    const targets = waits.get(from) ?? new Map<string, Set<string>>()
    waits.set(from, targets.set(to, (targets.get(to) ?? new Set()).add(resource)))
  }
  const depths = depthsOf([...names], (name) => [...(waits.get(name)?.keys() ?? [])])
  const clients = placed([...names], depths)
  return {
    clients: [...clients.values()],
    waits: [...waits].flatMap(([from, targets]) =>
      [...targets].map(([to, resources]) => ({
        from: clients.get(from) as GraphClient,
        to: clients.get(to) as GraphClient,
        resources: [...resources],
      })),
    ),
    columns: Math.max(0, ...depths.values()) + (names.size > 0 ? 1 : 0),
    rows: Math.max(0, ...[...clients.values()].map(({ row }) => row + 1)),
    left,
  }
}

/** How many waits the longest way has from a client to one that waits for nobody. */
function depthsOf(names: readonly string[], waitsFor: (name: string) => readonly string[]): ReadonlyMap<string, number> {
  const depths = new Map<string, number>()
  const visit = (name: string, above: ReadonlySet<string>): number => {
    const known = depths.get(name)
    if (known !== undefined) return known
    const below = waitsFor(name).filter((next) => next !== name && !above.has(next))
    const depth = Math.max(0, ...below.map((next) => visit(next, new Set([...above, name])) + 1))
    depths.set(name, depth)
    return depth
  }
  for (const name of names) visit(name, new Set())
  return depths
}

function placed(names: readonly string[], depths: ReadonlyMap<string, number>): ReadonlyMap<string, GraphClient> {
  const deepest = Math.max(0, ...depths.values())
  const filled = new Map<number, number>()
  return new Map(
    names.toSorted().map((client) => {
      const column = deepest - (depths.get(client) ?? 0)
      const row = filled.get(column) ?? 0
      filled.set(column, row + 1)
      return [client, { client, column, row }]
    }),
  )
}
