import { CommandError } from '#cli/command-error.ts'
import { exitCodes } from '#cli/exit-codes.ts'
import { listenerOf } from '#cli/ports/port-holder.ts'
import { clusterStatus } from '#cli/service/cluster-status.ts'
import type { ClusterStatus } from '#cli/service/cluster-status.ts'
import type { ServiceClient } from '#cli/service/service-client.ts'
import type { DemoNode, Processes, Three } from './setting.ts'

interface RunningNodes {
  readonly lock: Three
  readonly queue: Three
  readonly cache: Three
}

/** Three nodes of each service that answer; null when none does anywhere. Rejects when there are some, and not enough. */
export async function findRunningNodes(clients: readonly ServiceClient[]): Promise<RunningNodes | null> {
  const [lock, queue, cache] = await Promise.all(clients.map((client) => clusterStatus(client)))
  const all = [lock, queue, cache].flatMap((status) => (status === undefined ? [] : [status]))
  if (all.every(({ nodes }) => nodes.every(({ reachable }) => !reachable))) return null
  const [locks, queues, caches] = all.map(threeOf)
  if (locks === undefined || queues === undefined || caches === undefined) return null
  return { lock: locks, queue: queues, cache: caches }
}

/** The first three that can serve, by name. */
function threeOf({ service, nodes }: Pick<ClusterStatus, 'service' | 'nodes'>): Three {
  const ready = nodes.flatMap(({ node_id: id, url, problem }) => (id === null || problem !== null ? [] : [{ id, url }]))
  const [first, second, third] = ready
  if (first !== undefined && second !== undefined && third !== undefined) return [first, second, third]
  const fix = 'start what is missing, as lockstep up does, or have the demo start nodes of its own with --port-offset'
  throw new CommandError(exitCodes.unavailable, `three ${service} nodes must be ready, and ${ready.length} are: ${fix}`)
}

/** Those that listen on this machine, where the system tells which they are. */
export const listeningProcesses: Processes = {
  pidOf({ url }: DemoNode): number | null {
    const { hostname, port } = new URL(url)
    return local.has(hostname) ? listenerOf(Number(port)) : null
  },
}

const local: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '[::1]'])
