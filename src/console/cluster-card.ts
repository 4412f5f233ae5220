import type { ClusterView } from '#api/common/node-api.ts'
import type { KnownNode, NodeSeen, ServiceName } from './world.ts'
import { isUp, nodesOf } from './world.ts'

/** A cluster at one look. */
export interface ClusterCard {
  readonly service: ServiceName
  readonly clusterId: string | null
  readonly engine: string | null
  /** `whole`: all its nodes answer and every slot has a leader. */
  readonly health: 'whole' | 'degraded' | 'down' | 'unknown'
  /** Of the slots that hold data: 0 is the one in which the cluster keeps its members. */
  readonly slots: number
  readonly leaderless: number
  readonly term: number
  readonly rows: readonly NodeRow[]
  readonly warnings: readonly string[]
}

export interface NodeRow {
  readonly id: string
  readonly address: string
  readonly health: NodeSeen['health']
  /** What colours it. */
  readonly at: number
  /** How many slots it leads. */
  readonly leads: number
  /** It leads the only slot. */
  readonly isLeader: boolean
  readonly term: number
  /** Entries behind, as the leaders say; null where none says. */
  readonly lag: number | null
  readonly version: string
}

export function clusterCard(nodes: readonly NodeSeen[], service: ServiceName): ClusterCard {
  const known = nodesOf(nodes, service)
  const views = known.flatMap(({ cluster }) => (cluster === null ? [] : [cluster]))
  const leaders = leadersOf(views)
  const leaderless = [...leaders.values()].filter((leader) => leader === null).length
  const up = known.filter(isUp).length
  return {
    service,
    clusterId: views[0]?.cluster_id ?? null,
    engine: views[0]?.engine ?? null,
    health: healthOf(known.length, up, leaderless),
    slots: leaders.size,
    leaderless,
    term: Math.max(0, ...views.map(termOf)),
    rows: known.map((node, at) => rowOf(node, at, views, leaders)),
    warnings: [...new Set(views.flatMap(({ warnings }) => warnings))],
  }
}

function healthOf(known: number, up: number, leaderless: number): ClusterCard['health'] {
  if (known === 0) return 'unknown'
  if (up === 0) return 'down'
  return up === known && leaderless === 0 ? 'whole' : 'degraded'
}

type Slot = ClusterView['slots'][number]

const dataSlots = ({ slots }: ClusterView): readonly Slot[] => slots.filter(({ slot }) => slot > 0)
const termOf = (view: ClusterView): number => Math.max(0, ...dataSlots(view).map(({ term }) => term))

/** Of each slot by the view with the newest term; who leads says so itself before others know. */
function leadersOf(views: readonly ClusterView[]): ReadonlyMap<number, string | null> {
  const newest = new Map<number, { readonly term: number; readonly leader: string | null }>()
  for (const { slot, term, leader } of views.flatMap(dataSlots)) {
    const known = newest.get(slot)
    if (known === undefined || term > known.term || (term === known.term && known.leader === null)) newest.set(slot, { term, leader })
  }
  return new Map([...newest].map(([slot, { leader }]) => [slot, leader]))
}

function rowOf(node: KnownNode, at: number, views: readonly ClusterView[], leaders: ReadonlyMap<number, string | null>): NodeRow {
  const { address, health, identity, cluster } = node
  const id = identity.node_id
  const leads = [...leaders.values()].filter((leader) => leader === id).length
  const lags = views
    .flatMap(dataSlots)
    .filter(({ role }) => role === 'leader')
    .flatMap(({ replicas }) => replicas.flatMap(({ node_id: name, lag }) => (name === id && lag !== null ? [lag] : [])))
  return {
    id,
    address,
    health,
    at,
    leads: health === 'up' ? leads : 0,
    isLeader: leaders.size === 1 && leads === 1 && health === 'up',
    term: cluster === null ? 0 : termOf(cluster),
    lag: health === 'up' && lags.length > 0 ? Math.max(...lags) : null,
    version: identity.version,
  }
}
