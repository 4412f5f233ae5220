import type { ErrorCode } from '#api/errors.ts'
import { commonRoutes } from '#api/common/routes.ts'
import type { AnswerOf } from '#api/route.ts'
import type { Service, ServiceClient } from './service-client.ts'
import { bodyAt } from './node-body.ts'
import { countsOf, nodeCounts } from './service-counts.ts'
import type { Counts } from './service-counts.ts'

/** A node, as seen from here; what is null it did not say. */
export interface NodeStatus {
  readonly url: string
  readonly node_id: string | null
  /** Why it does not answer, or cannot serve; null when all is well. */
  readonly problem: string | null
  readonly reachable: boolean
  /** The code with which it refused to say anything. */
  readonly refused: ErrorCode | null
  readonly role: string | null
  readonly term: number | null
  readonly leader: string | null
  readonly version: string | null
  readonly cluster_id: string | null
  /** Log entries behind the leader; only that knows. */
  readonly lag: number | null
  readonly answered_in_ms: number | null
  /** What it has of the service, by name; null when it did not say. */
  readonly counts: Counts | null
}

export interface ClusterStatus {
  readonly service: Service
  readonly cluster_id: string | null
  /** By the newest term that any node knows. */
  readonly leader: string | null
  readonly term: number
  readonly nodes: readonly NodeStatus[]
  /** Null when no node told. */
  readonly counts: Counts | null
  /** What nodes say that an operator should know. */
  readonly warnings: readonly string[]
}

type Cluster = AnswerOf<typeof commonRoutes.cluster>
type Describe = AnswerOf<typeof commonRoutes.describe>

/** Asks the nodes that are given, and those that these name as members. Never fails: a node that does not answer is part of the answer. */
export async function clusterStatus(client: ServiceClient): Promise<ClusterStatus> {
  const first = await Promise.all(client.urls.map((url) => seenAt(client, url)))
  const asked = new Set(client.urls)
  const members = new Map(first.flatMap(({ cluster }) => cluster?.members ?? []).map((member) => [client.urlAt(member.address), member]))
  const more = await Promise.all([...members.keys()].filter((url) => !asked.has(url)).map((url) => seenAt(client, url)))
  // A node that is asked under two names is one node.
  const seen = [
    ...new Map([...first, ...more].map((each) => [each.describe?.node_id ?? members.get(each.url)?.node_id ?? each.url, each])).values(),
  ]
  const lags = new Map(seen.flatMap(({ cluster }) => lagsOf(cluster)))
  const nodes = seen.map((each) => {
    const id = each.describe?.node_id ?? members.get(each.url)?.node_id ?? null
    return { ...nodeStatusOf(each), node_id: id, lag: (id === null ? null : lags.get(id)) ?? null }
  })
  const newest = nodes.filter(({ leader }) => leader !== null).sort((left, right) => (right.term ?? 0) - (left.term ?? 0))[0]
  const leaderUrl = nodes.find(({ node_id: id, reachable }) => reachable && id !== null && id === newest?.leader)?.url
  const source = leaderUrl ?? nodes.find(({ reachable }) => reachable)?.url
  const service = seen.find(({ describe }) => describe !== null)?.describe?.service ?? client.service
  return {
    service,
    cluster_id: seen.find(({ describe }) => describe !== null)?.describe?.cluster_id ?? null,
    leader: newest?.leader ?? null,
    term: newest?.term ?? 0,
    nodes: nodes.sort((left, right) => (left.node_id ?? left.url).localeCompare(right.node_id ?? right.url)),
    counts: source === undefined ? null : await countsOf(client, service, { source, nodes }),
    warnings: [...new Set(seen.flatMap(({ cluster }) => cluster?.warnings ?? []))],
  }
}

interface Seen {
  readonly url: string
  readonly describe: Describe | null
  readonly cluster: Cluster | null
  readonly problem: string | null
  readonly refused: ErrorCode | null
  readonly tookMs: number | null
  readonly counts: Counts | null
}

async function seenAt(client: ServiceClient, url: string): Promise<Seen> {
  const limitMs = client.timeoutMs
  // Before the rest, so that the connection is there when the time of an answer is taken.
  const ready = await client.ask(url, commonRoutes.ready, {}, limitMs)
  if (ready.type === 'silent')
    return { url, describe: null, cluster: null, problem: ready.problem, refused: null, tookMs: null, counts: null }
  const answer = await client.ask(url, commonRoutes.describe, {}, limitMs)
  const cluster = await bodyAt(client, url, commonRoutes.cluster, {})
  const refusal = answer.type === 'refused' ? answer.refusal : null
  const problem = ready.type === 'refused' ? ready.refusal.message : answer.type === 'silent' ? answer.problem : (refusal?.message ?? null)
  const describe = answer.type === 'answered' ? (answer.body as Describe) : null
  return {
    url,
    describe,
    cluster,
    problem,
    refused: refusal?.code ?? null,
    tookMs: answer.type === 'answered' ? Math.round(answer.tookMs * 10) / 10 : null,
    counts: describe === null ? null : await nodeCounts(client, describe.service, url),
  }
}

function nodeStatusOf({ url, describe, problem, refused, tookMs, counts }: Seen): Omit<NodeStatus, 'node_id' | 'lag'> {
  return {
    url,
    problem,
    reachable: describe !== null,
    refused,
    role: describe?.role ?? null,
    term: describe?.term ?? null,
    leader: describe?.leader ?? null,
    version: describe?.version ?? null,
    cluster_id: describe?.cluster_id ?? null,
    answered_in_ms: tookMs,
    counts,
  }
}

/** The furthest that each node is behind, in any slot that this node leads. */
function lagsOf(cluster: Cluster | null): readonly (readonly [node: string, lag: number])[] {
  const replicas = (cluster?.slots ?? []).flatMap((slot) => (slot.role === 'leader' ? slot.replicas : []))
  const known = replicas.flatMap(({ node_id: id, lag }) => (lag === null ? [] : [[id, lag] as const]))
  return known.sort(([, left], [, right]) => left - right)
}
