import type { ClusterStatus, NodeStatus } from '#cli/service/cluster-status.ts'
import { printable, tableOf } from './table.ts'
import type { Screen } from './terminal.ts'

type Paper = Pick<Screen, 'isTerminal' | 'paint'>

/** One screen. Elsewhere than on a terminal, a line for each node and one for the counts. */
export function statusText(status: ClusterStatus, paper: Paper): string {
  const { nodes, counts, warnings } = status
  const names = [...new Set(nodes.flatMap((node) => Object.keys(node.counts ?? {})))]
  const columns = names.map((name) => name.toUpperCase().replace('_PERCENT', ' %'))
  const head = ['NODE', 'URL', 'ROLE', 'TERM', 'LAG', 'VERSION', 'ANSWERS IN', ...columns, '']
  const table = tableOf(
    head,
    nodes.map((node) => rowOf(node, names, paper)),
    paper,
  )
  const counted =
    counts === null
      ? ''
      : `${Object.entries(counts)
          .map(([name, count]) => `${name.replace('_', ' ')} ${count}`)
          .join('  ')}\n`
  const warned = warnings.map((warning) => `${paper.paint('yellow', 'warning')}: ${printable(warning)}\n`).join('')
  return paper.isTerminal ? `${titleOf(status, paper)}\n\n${table}\n${counted}${warned}` : `${table}${counted}${warned}`
}

const titles = { lock: 'locks', queue: 'queues', cache: 'cache' } as const

function titleOf({ service, cluster_id: id, leader, term, nodes }: ClusterStatus, { paint }: Paper): string {
  const up = nodes.filter(({ reachable }) => reachable).length
  const who = leader === null ? paint('red', 'no leader') : `leader ${paint('bold', leader)}`
  const present = up === nodes.length ? `${up} nodes` : paint('yellow', `${up} of ${nodes.length} nodes`)
  return `${paint('bold', titles[service])}  ${who}, term ${term}, ${present}${id === null ? '' : paint('dim', `, cluster ${id}`)}`
}

function rowOf(node: NodeStatus, names: readonly string[], { paint }: Paper): readonly string[] {
  const { node_id: id, url, role, term, lag, version, answered_in_ms: tookMs, problem, reachable, refused, counts } = node
  const painted = role === 'leader' ? paint('green', role) : reachable ? (role ?? '') : paint('red', refused ?? 'unreachable')
  const took = tookMs === null ? '-' : `${tookMs} ms`
  const counted = names.map((name) => dashed(counts?.[name] ?? null))
  return [
    id ?? '?',
    url,
    painted,
    dashed(term),
    dashed(lag),
    version ?? '-',
    took,
    ...counted,
    problem === null ? '' : paint('red', problem),
  ]
}

const dashed = (value: number | null): string => (value === null ? '-' : String(value))
