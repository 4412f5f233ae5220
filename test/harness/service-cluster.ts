import { mkdtempSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { MembersView } from '#api/common/operators.ts'
import { freePorts } from './free-ports.ts'
import type { NodeProcess } from './node-process.ts'
import { ProcessCluster } from './process-cluster.ts'
import { until } from './until.ts'

export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Parsed, if it is JSON. */
  readonly body: unknown
}

interface Asking {
  readonly body?: object
  readonly accept?: string
  readonly signal?: AbortSignal
}

type Hosted = 'lock' | 'queue' | 'cache'

/** Three real nodes of one service on free ports, and calls to them on connections that are kept. */
export class ServiceCluster implements AsyncDisposable {
  readonly #cluster: ProcessCluster
  readonly #agent = new Agent({ keepAlive: true })

  constructor(cluster: ProcessCluster) {
    this.#cluster = cluster
  }

  /** Resolves when all are ready. */
  protected static async launch(service: Hosted, args: readonly string[] = [], withinMs?: number): Promise<ProcessCluster> {
    const cluster = await ServiceCluster.started(service, { forms: true, args })
    try {
      await cluster.ready(withinMs)
    } catch (error) {
      await cluster[Symbol.asyncDispose]()
      throw error
    }
    return cluster
  }

  /** Nodes that do not form a cluster of the list of their addresses find each other by their flags. */
  protected static async started(
    service: Hosted,
    { forms, args }: { readonly forms: boolean; readonly args: readonly string[] },
  ): Promise<ProcessCluster> {
    const folder = mkdtempSync(join(tmpdir(), 'lockstep-'))
    const addresses = (await freePorts(3)).map((port) => `127.0.0.1:${port}`).sort()
    const voters = forms ? addresses : []
    const nodes = addresses.map((address, at) => ({ id: `${service}-node-${at + 1}`, address, voters, folder, service, args }))
    const cluster = ProcessCluster.of(folder, nodes)
    for (const node of cluster.nodes) node.start()
    return cluster
  }

  get nodes(): readonly NodeProcess[] {
    return this.#cluster.nodes
  }
  get running(): readonly NodeProcess[] {
    return this.#cluster.running
  }

  ready(): Promise<void> {
    return this.#cluster.ready()
  }

  /** One more node, which is told of those that run, by a name. */
  async join(id: string): Promise<NodeProcess> {
    const [port] = await freePorts(1)
    const [first] = this.nodes
    const { service = 'lock' } = (first as NodeProcess).options
    const seeds = this.running.map(({ port: at }) => `localhost:${at}`).join(',')
    const node = this.#cluster.add({ id, address: `127.0.0.1:${port}`, voters: [], service, args: ['--seeds', seeds] })
    node.start()
    return node
  }

  /** As the leader of the meta group has them, whoever is asked. */
  async members(): Promise<MembersView> {
    const { status, body } = await this.get(this.running[0] as NodeProcess, '/cluster/members')
    if (status !== 200) throw new Error(`the members were not told: ${JSON.stringify(body)}`)
    return body as MembersView
  }

  /** Resolves with how long that took. */
  async untilMembers(what: string, isSo: (view: MembersView) => boolean, withinMs = 120_000): Promise<number> {
    const startedAt = performance.now()
    await until(what, async () => isSo(await this.members()), withinMs)
    return Math.round(performance.now() - startedAt)
  }

  get(node: NodeProcess, path: string, accept?: string): Promise<Reply> {
    return this.ask(node, 'GET', path, accept === undefined ? {} : { accept })
  }

  post(node: NodeProcess, path: string, body: object, signal?: AbortSignal): Promise<Reply> {
    return this.ask(node, 'POST', path, signal === undefined ? { body } : { body, signal })
  }

  ask(node: NodeProcess, method: string, path: string, { body, accept, signal }: Asking = {}): Promise<Reply> {
    const payload = body === undefined ? null : JSON.stringify(body)
    const json = payload === null ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }
    const headers = { ...json, ...(accept === undefined ? {} : { accept }) }
    return new Promise((resolve, reject) => {
      const outgoing = request(`${node.url}${path}`, { method, headers, agent: this.#agent, signal: signal ?? AbortSignal.timeout(90_000) })
      outgoing.on('error', reject)
      outgoing.on('response', (incoming) => {
        const chunks: Buffer[] = []
        incoming.on('error', reject)
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
        incoming.on('end', () => {
          const text = Buffer.concat(chunks).toString()
          const isJson = incoming.headers['content-type']?.includes('json') === true
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: isJson ? JSON.parse(text) : text })
        })
      })
      outgoing.end(payload ?? undefined)
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy()
    await this.#cluster[Symbol.asyncDispose]()
  }
}
