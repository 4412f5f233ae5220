import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { NodeStatus } from '#services/register/register-service.ts'
import { freePorts } from './free-ports.ts'
import { NodeProcess } from './node-process.ts'
import type { NodeProcessOptions } from './node-process.ts'
import { settled, until } from './until.ts'

export interface ProcessClusterOptions {
  readonly args?: readonly string[]
  /** What to run a node under, such as strace. */
  readonly under?: (id: string, folder: string) => readonly string[]
}

/** Three real nodes on free ports of the loopback interface, with their data in a folder that goes with them. */
export class ProcessCluster implements AsyncDisposable {
  readonly nodes: NodeProcess[]
  readonly folder: string

  private constructor(nodes: NodeProcess[], folder: string) {
    this.nodes = nodes
    this.folder = folder
  }

  static async start(args: readonly string[] = []): Promise<ProcessCluster> {
    const cluster = await ProcessCluster.prepare({ args })
    for (const node of cluster.nodes) node.start()
    await cluster.ready()
    return cluster
  }

  /** The nodes are described, and none of them runs yet. */
  static async prepare({ args = [], under }: ProcessClusterOptions = {}): Promise<ProcessCluster> {
    const folder = mkdtempSync(join(tmpdir(), 'lockstep-'))
    const voters = (await freePorts(3)).map((port) => `127.0.0.1:${port}`).sort()
    const nodes = voters.map((address, position) => {
      const id = `node-${position + 1}`
      return new NodeProcess({ id, address, voters, folder, args, under: under?.(id, folder) ?? [] })
    })
    return new ProcessCluster(nodes, folder)
  }

  /** Nodes that somebody else has described, in a folder that goes with the cluster. */
  static of(folder: string, nodes: readonly NodeProcessOptions[]): ProcessCluster {
    return new ProcessCluster(
      nodes.map((options) => new NodeProcess(options)),
      folder,
    )
  }

  /** Nodes that run already, and that have their data elsewhere. */
  static around(nodes: readonly NodeProcess[]): ProcessCluster {
    return new ProcessCluster([...nodes], mkdtempSync(join(tmpdir(), 'lockstep-')))
  }

  get running(): readonly NodeProcess[] {
    return this.nodes.filter(({ running }) => running)
  }

  /** One more node, which ends with the cluster. */
  add(options: Omit<NodeProcessOptions, 'folder'>): NodeProcess {
    const node = new NodeProcess({ ...options, folder: this.folder })
    this.nodes.push(node)
    return node
  }

  /** Every running node knows a leader for every group it hosts. */
  async ready(withinMs = 30_000): Promise<void> {
    for (const node of this.running) {
      const ask = async (): Promise<boolean> => (await fetch(`${node.url}/readyz`, { signal: AbortSignal.timeout(2_000) })).ok
      await until(`${node.id} is ready`, ask, withinMs)
    }
  }

  async status(node: NodeProcess, withinMs = 10_000): Promise<NodeStatus> {
    const response = await fetch(`${node.url}/cluster`, { signal: AbortSignal.timeout(withinMs) })
    return (await response.json()) as NodeStatus
  }

  /** What every node says that answers at all. */
  async statuses(): Promise<ReadonlyMap<NodeProcess, NodeStatus>> {
    const asked = await Promise.allSettled(this.running.map(async (node) => [node, await this.status(node, 1_000)] as const))
    return new Map(asked.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : [])))
  }

  /** The node that leads the group in the newest term that any of them knows. */
  async leader(group: number): Promise<NodeProcess> {
    let found: NodeProcess | undefined
    await until(`group ${group} has a leader`, async () => {
      const replicas = [...(await this.statuses())].flatMap(([node, { groups }]) =>
        groups.filter((entry) => entry.group === group).map(({ role, term }) => ({ node, role, term })),
      )
      const newest = Math.max(...replicas.map(({ term }) => term))
      found = replicas.find(({ role, term }) => role === 'leader' && term === newest)?.node
      return found !== undefined
    })
    return found as NodeProcess
  }

  /** The leader once leadership has rested for a while: right after the start it moves to where the table wants it. */
  settledLeader(group: number, restMs = 2_000): Promise<NodeProcess> {
    return settled(`the leader of group ${group} rests`, () => this.leader(group), restMs)
  }

  /** The node has everything that the leader of the group has committed by now. */
  async caughtUp(node: NodeProcess, group: number, withinMs = 20_000): Promise<void> {
    const leader = await this.leader(group)
    const target = appliedOf(await this.status(leader), group)
    await until(`${node.id} has caught up with group ${group}`, async () => appliedOf(await this.status(node), group) >= target, withinMs)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill('SIGKILL')))
    rmSync(this.folder, { recursive: true, force: true })
  }
}

const appliedOf = ({ groups }: NodeStatus, group: number): number => groups.find((entry) => entry.group === group)?.applied ?? -1
