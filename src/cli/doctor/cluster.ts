import { commonRoutes } from '#api/common/routes.ts'
import { isFree, portHolder } from '#cli/ports/port-holder.ts'
import { clusterStatus } from '#cli/service/cluster-status.ts'
import type { ClusterStatus, NodeStatus } from '#cli/service/cluster-status.ts'
import type { ServiceClient } from '#cli/service/service-client.ts'
import { found, readableMs } from './finding.ts'
import type { Finding } from './finding.ts'

const local: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '[::1]'])

/** Everything that can be asked of the nodes; `version` is that of this program. */
export async function checkCluster(client: ServiceClient, version: string): Promise<readonly Finding[]> {
  const status = await clusterStatus(client)
  const ports = await Promise.all(client.urls.map((url) => checkPort(url, status)))
  const { service } = status
  if (status.nodes.every(({ reachable }) => !reachable)) {
    const seen = 'no node answers'
    return [
      ...ports.flat(),
      {
        check: `${service} cluster`,
        verdict: 'skipped',
        seen,
        fix: "nothing to look at: 'lockstep up' starts one here, --url names one elsewhere",
      },
    ]
  }
  const clocks = await Promise.all(status.nodes.filter(({ reachable }) => reachable).map((node) => checkClock(client, node)))
  return [...ports.flat(), ...judgeNodes(status), ...judgeCluster(status, version), ...clocks]
}

/** A port of this machine is free, or a node has it. */
async function checkPort(url: string, { nodes, service }: ClusterStatus): Promise<readonly Finding[]> {
  const { hostname, port: text, protocol } = new URL(url)
  const port = Number(text === '' ? (protocol === 'https:' ? 443 : 80) : text)
  if (!local.has(hostname)) return []
  const check = `port ${port}`
  const node = nodes.find((each) => each.url === url && each.reachable)
  if (node !== undefined) return [found(check, `${node.node_id ?? 'a node'} has it`)]
  const refusing = nodes.find((each) => each.url === url && each.refused !== null)
  if (refusing !== undefined) return [found(check, `a node has it, which says ${refusing.refused}`)]
  if (await isFree(port)) return [found(check, 'free')]
  const seen = `taken by something that is no ${service} node: ${portHolder(port) ?? 'a process that this user may not see'}`
  return [{ check, verdict: 'broken', seen, fix: 'stop it, or move all ports: lockstep up --port-offset N' }]
}

export function judgeNodes({ nodes }: Pick<ClusterStatus, 'nodes'>): readonly Finding[] {
  return nodes.map((node) => {
    const check = node.node_id ?? node.url
    if (node.problem === null) return found(check, `ready at ${node.url}${node.role === null ? '' : `, ${node.role}`}`)
    if (node.refused === 'unauthorized' || node.refused === 'forbidden')
      return {
        check,
        verdict: 'broken',
        seen: `${node.url}: ${node.problem}`,
        fix: 'give a token that it knows: --api-token, or LOCKSTEP_TOKEN',
      }
    const fix = node.reachable ? 'wait, and look at its log if that does not end' : 'start it, or look at its log for why it ended'
    return { check, verdict: 'broken', seen: `${node.url}: ${node.problem}`, fix }
  })
}

type Judged = Pick<ClusterStatus, 'service' | 'nodes' | 'leader' | 'warnings'>

export function judgeCluster({ service, nodes, leader, warnings }: Judged, version: string): readonly Finding[] {
  const versions = distinct(nodes, ({ version: its }) => its)
  const clusters = distinct(nodes, ({ cluster_id: its }) => its)
  const [clusterCheck, leaderCheck, versionCheck] = ['cluster', 'leader', 'version'].map((what) => `${service} ${what}`) as [
    string,
    string,
    string,
  ]
  const findings: Finding[] = []
  if (clusters.length <= 1) findings.push(found(clusterCheck, `one, ${clusters[0] ?? 'not formed yet'}`))
  else {
    const fix = 'start each node with the same --join, on an empty --data if it belongs to another cluster'
    findings.push({ check: clusterCheck, verdict: 'broken', seen: `the nodes belong to ${clusters.length}: ${clusters.join(', ')}`, fix })
  }
  if (leader === null)
    findings.push({ check: leaderCheck, verdict: 'broken', seen: 'no node knows one', fix: 'start nodes until a majority runs' })
  else findings.push(found(leaderCheck, leader))
  const all = [...new Set([...versions, version])]
  if (all.length === 1) findings.push(found(versionCheck, version))
  else
    findings.push({
      check: versionCheck,
      verdict: 'warning',
      seen: `${all.join(', ')}; this is ${version}`,
      fix: 'bring all to the newest',
    })
  findings.push(...warnings.map((warning): Finding => ({ check: `${service} nodes warn`, verdict: 'warning', seen: warning, fix: null })))
  return findings
}

const distinct = (nodes: readonly NodeStatus[], of: (node: NodeStatus) => string | null): readonly string[] => [
  ...new Set(nodes.flatMap((node) => of(node) ?? [])),
]

async function checkClock(client: ServiceClient, { url, node_id: id }: NodeStatus): Promise<Finding> {
  const sentAt = Date.now()
  const answer = await client.ask(url, commonRoutes.metrics, { format: 'json' }, client.timeoutMs)
  const check = `clock of ${id ?? url}`
  if (answer.type !== 'answered') return { check, verdict: 'skipped', seen: 'it did not answer in time', fix: null }
  const { at } = answer.body as { readonly at: string }
  return judgeClock(check, { aheadMs: Date.parse(at) - (sentAt + answer.tookMs / 2), errorMs: answer.tookMs / 2 })
}

/** A node whose clock is off may not lead; nothing else depends on wall clocks. */
export function judgeClock(check: string, { aheadMs, errorMs }: { readonly aheadMs: number; readonly errorMs: number }): Finding {
  const off = Math.abs(aheadMs)
  const seen = `${readableMs(off)} ${aheadMs < 0 ? 'behind' : 'ahead of'} this machine, give or take ${readableMs(errorMs)}`
  const fix = 'set the clocks by NTP on all machines'
  if (off - errorMs > 10_000) return { check, verdict: 'broken', seen, fix: `${fix}: a node that is 10 s off may not lead` }
  if (off - errorMs > 1_000) return { check, verdict: 'warning', seen, fix }
  return found(check, seen)
}
