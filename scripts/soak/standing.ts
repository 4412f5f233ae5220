import type { MetricsReport } from '#api/common/metrics.ts'
import type { ClusterView } from '#api/common/node-api.ts'
import { connect } from '#index.ts'
import type { Service } from '#test/harness/nine-nodes.ts'
import type { NodeProcess } from '#test/harness/node-process.ts'
import type { ProcessCluster } from '#test/harness/process-cluster.ts'
import type { Urls } from './kinds.ts'

export const urlsOf = (clusters: Readonly<Partial<Record<Service, ProcessCluster>>>): Urls =>
  Object.fromEntries(Object.entries(clusters).map(([service, { nodes }]) => [service, nodes.map(({ url }) => url)]))

/** Who leads what, in which term: a line for each group. */
export async function leadersOf(nodes: readonly NodeProcess[]): Promise<ReadonlySet<string>> {
  const lines = nodes.map(async ({ id, url }) => {
    const response = await fetch(`${url}/cluster`, { signal: AbortSignal.timeout(10_000) })
    const { slots } = (await response.json()) as ClusterView
    return slots.filter(({ role }) => role === 'leader').map(({ slot, term }) => `${id} leads ${slot} in ${term}`)
  })
  return new Set((await Promise.all(lines)).flat())
}

/** Locks that are held by a client of their own beside all load; what it gives says which of them were lost. */
export async function heldBeside(urls: Urls, owner: AsyncDisposableStack): Promise<() => readonly string[]> {
  if (urls.lock === undefined) return () => []
  const sync = owner.use(await connect({ lock: urls.lock, clientId: 'beside', timeoutMs: 30_000 }))
  const locks = await Promise.all(Array.from({ length: 20 }, (_, at) => sync.lock(`beside-${at}`)))
  return () => locks.flatMap(({ name, lost }) => (lost === null ? [] : [`${name} was lost: ${lost}`]))
}

/** Where work had to wait on a node, and what it has refused for that. */
export async function waitsOf({ id, url }: NodeProcess): Promise<string> {
  const response = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(10_000) })
  const { metrics } = (await response.json()) as MetricsReport
  const shed = (metrics['lockstep_shed_total']?.values ?? []).map(({ labels, value = 0 }) => `${labels['reason']} ${value}`)
  const [rounds] =
    metrics['lockstep_consensus_round_seconds']?.values.toSorted((left, right) => (right.count ?? 0) - (left.count ?? 0)) ?? []
  const lag = metrics['nodejs_eventloop_lag_p99_seconds']?.values[0]?.value ?? 0
  const roundMs = rounds?.p99 === undefined || rounds.p99 === null ? 'none' : `${(rounds.p99 * 1_000).toFixed(0)} ms`
  return `${id}: shed for ${shed.length === 0 ? 'nothing' : shed.join(', ')}; late turns of the event loop p99 ${(lag * 1_000).toFixed(0)} ms; rounds p99 ${roundMs}`
}
