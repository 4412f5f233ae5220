import type { BusEvent } from '#api/cache/events.ts'
import type { CacheStatus } from '#api/cache/status.ts'
import type { ClusterView } from '#api/common/node-api.ts'
import type { DeadlocksView, LocksView } from '#api/locks/views.ts'
import type { QueueStatus } from '#api/queues/status.ts'
import type { AnyEvent } from './event-log.ts'
import { eventText, logged } from './event-log.ts'
import { flashed } from './flashes.ts'
import { noHistory, remembered } from './queue-history.ts'
import type { NodeIdentity, NodeReport, NodeSeen, ServiceName, World } from './world.ts'
import { newNode } from './world.ts'

/** What a node has said, or that it said nothing. */
export type Heard =
  | { readonly type: 'described'; readonly address: string; readonly body: NodeIdentity }
  | { readonly type: 'silent'; readonly address: string }
  | { readonly type: 'locked'; readonly address: string }
  | { readonly type: 'cluster'; readonly address: string; readonly body: ClusterView }
  | { readonly type: 'locks'; readonly body: LocksView }
  | { readonly type: 'deadlocks'; readonly body: DeadlocksView }
  | { readonly type: 'queues'; readonly body: QueueStatus; readonly at: number }
  | { readonly type: 'cache'; readonly address: string; readonly body: CacheStatus }
  | { readonly type: 'report'; readonly address: string; readonly body: NodeReport }
  | { readonly type: 'event'; readonly service: ServiceName; readonly event: AnyEvent }
  | { readonly type: 'bus'; readonly event: BusEvent }

export const emptyWorld = (addresses: readonly string[]): World => ({
  nodes: addresses.map(newNode),
  locks: null,
  deadlocks: null,
  queues: null,
  history: noHistory,
  flashes: new Map(),
  log: [],
})

/** The world after that was heard. */
export function seen(world: World, heard: Heard): World {
  switch (heard.type) {
    case 'described': {
      const { service, node_id, version } = heard.body
      return withNode(world, heard.address, { health: 'up', failures: 0, identity: { service, node_id, version } })
    }
    case 'silent': {
      const failures = (world.nodes.find(({ address }) => address === heard.address)?.failures ?? 0) + 1
      return withNode(world, heard.address, { health: 'silent', failures, cluster: null, cache: null, report: null })
    }
    case 'locked':
      return withNode(world, heard.address, { health: 'locked', failures: 0 })
    case 'cluster':
      return withNode(world, heard.address, { health: 'up', failures: 0, cluster: heard.body })
    case 'cache':
      return withNode(world, heard.address, { cache: heard.body })
    case 'report':
      return withNode(world, heard.address, { report: heard.body })
    case 'locks':
      return { ...world, locks: heard.body }
    case 'deadlocks':
      return { ...world, deadlocks: heard.body }
    case 'queues':
      return { ...world, queues: heard.body, history: remembered(world.history, heard.body.queues, heard.at) }
    case 'event':
      return withLine(world, heard.service, heard.event)
    case 'bus':
      return { ...world, flashes: flashed(world.flashes, heard.event, lastNumber(world) + 1) }
  }
}

function withNode(world: World, address: string, change: Partial<NodeSeen>): World {
  return { ...world, nodes: world.nodes.map((node) => (node.address === address ? { ...node, ...change } : node)) }
}

/** Of the flashes; the last one in is the newest. */
const lastNumber = ({ flashes }: World): number => [...flashes.values()].at(-1)?.number ?? 0

function withLine(world: World, service: ServiceName, event: AnyEvent): World {
  const said = eventText(event)
  if (said === null) return world
  const number = (world.log[0]?.number ?? 0) + 1
  return { ...world, log: logged(world.log, { number, at: event.at, service, ...said }) }
}
