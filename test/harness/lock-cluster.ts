import { mkdtempSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ClusterView } from '#api/common/node-api.ts'
import { freePorts } from './free-ports.ts'
import type { NodeProcess } from './node-process.ts'
import { ProcessCluster } from './process-cluster.ts'
import { settled, until } from './until.ts'

export interface LockReply {
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

const lockSlot = 1

/** Three real lock nodes on free ports, and calls to them on connections that are kept. */
export class LockCluster implements AsyncDisposable {
  readonly #cluster: ProcessCluster
  readonly #agent = new Agent({ keepAlive: true })

  private constructor(cluster: ProcessCluster) {
    this.#cluster = cluster
  }

  static async start(): Promise<LockCluster> {
    const folder = mkdtempSync(join(tmpdir(), 'lockstep-'))
    const voters = (await freePorts(3)).map((port) => `127.0.0.1:${port}`).sort()
    const nodes = voters.map((address, at) => ({ id: `lock-node-${at + 1}`, address, voters, folder, service: 'lock' as const }))
    const cluster = ProcessCluster.of(folder, nodes)
    for (const node of cluster.nodes) node.start()
    try {
      await cluster.ready()
    } catch (error) {
      await cluster[Symbol.asyncDispose]()
      throw error
    }
    return new LockCluster(cluster)
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

  get(node: NodeProcess, path: string, accept?: string): Promise<LockReply> {
    return this.ask(node, 'GET', path, accept === undefined ? {} : { accept })
  }

  post(node: NodeProcess, path: string, body: object, signal?: AbortSignal): Promise<LockReply> {
    return this.ask(node, 'POST', path, signal === undefined ? { body } : { body, signal })
  }

  ask(node: NodeProcess, method: string, path: string, { body, accept, signal }: Asking = {}): Promise<LockReply> {
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

  /** The node that leads the locks in the newest term that any of them knows. */
  async leader(): Promise<NodeProcess> {
    let found: NodeProcess | undefined
    await until('the locks have a leader', async () => {
      const views = await Promise.all(this.running.map(async (node) => ({ node, slot: await this.#slotOf(node) })))
      const newest = Math.max(...views.map(({ slot }) => slot?.term ?? 0))
      found = views.find(({ slot }) => slot?.role === 'leader' && slot.term === newest)?.node
      return found !== undefined
    })
    return found as NodeProcess
  }

  /** The leader once leadership has rested for a while: right after the start it moves to where the table wants it. */
  settledLeader(): Promise<NodeProcess> {
    return settled('the leader of the locks rests', () => this.leader(), 2_000)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy()
    await this.#cluster[Symbol.asyncDispose]()
  }

  async #slotOf(node: NodeProcess): Promise<ClusterView['slots'][number] | undefined> {
    const { body } = await this.get(node, '/cluster')
    return (body as ClusterView).slots.find(({ slot }) => slot === lockSlot)
  }
}
