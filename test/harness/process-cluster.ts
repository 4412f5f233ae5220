import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { NodeStatus } from '#services/register/register-service.ts'
import { freePorts } from './free-ports.ts'
import { NodeProcess } from './node-process.ts'

/** Three real nodes on free ports of the loopback interface, with their data in a folder that goes with them. */
export class ProcessCluster implements AsyncDisposable {
  readonly nodes: readonly NodeProcess[]
  readonly folder: string

  private constructor(nodes: readonly NodeProcess[], folder: string) {
    this.nodes = nodes
    this.folder = folder
  }

  static async start(args: readonly string[] = []): Promise<ProcessCluster> {
    const folder = mkdtempSync(join(tmpdir(), 'lockstep-'))
    const voters = (await freePorts(3)).map((port) => `127.0.0.1:${port}`).sort()
    const nodes = voters.map((address, position) => new NodeProcess({ id: `node-${position + 1}`, address, voters, folder, args }))
    const cluster = new ProcessCluster(nodes, folder)
    for (const node of nodes) node.start()
    await cluster.ready()
    return cluster
  }

  /** Every running node knows a leader for every group it hosts. */
  async ready(): Promise<void> {
    for (const node of this.nodes) {
      if (!node.running) continue
      await until(`${node.options.id} is ready`, async () => (await fetch(`${node.url}/readyz`)).ok, 20_000)
    }
  }

  async status(node: NodeProcess): Promise<NodeStatus> {
    const response = await fetch(`${node.url}/cluster`, { signal: AbortSignal.timeout(2_000) })
    return (await response.json()) as NodeStatus
  }

  /** The node that leads the group, as a majority of running nodes see it. */
  async leader(group: number): Promise<NodeProcess> {
    let found: NodeProcess | undefined
    await until(`group ${group} has a leader`, async () => {
      for (const node of this.nodes.filter(({ running }) => running)) {
        const status = await this.status(node)
        if (status.groups.some((entry) => entry.group === group && entry.role === 'leader')) found = node
      }
      return found !== undefined
    })
    return found as NodeProcess
  }

  /** The leader once leadership has rested for a while: right after the start it moves to where the table wants it. */
  async settledLeader(group: number, restMs = 2_000): Promise<NodeProcess> {
    let leader = await this.leader(group)
    let since = performance.now()
    await until(`the leader of group ${group} rests`, async () => {
      const now = await this.leader(group)
      if (now !== leader) since = performance.now()
      leader = now
      return performance.now() - since >= restMs
    })
    return leader
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill('SIGKILL')))
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** Asks again until the answer is yes; a failure to ask is a no. */
export async function until(what: string, ask: () => Promise<boolean>, withinMs = 15_000): Promise<void> {
  const deadline = performance.now() + withinMs
  for (;;) {
    try {
      if (await ask()) return
    } catch {
      // Not there yet: a node that starts refuses connections.
    }
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
