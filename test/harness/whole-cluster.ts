import { ok } from 'node:assert/strict'
import { present } from '#base/assert.ts'
import { Prng } from '#base/prng.ts'
import type { ClusterState, Command, Member } from '#core/cluster/types.ts'
import type { Group } from '#runtime/group.ts'
import { encodeClusterCommand, metaGroup } from '#runtime/meta-machine.ts'
import { Checks } from '#sim/checks/checks.ts'
import { SimCluster } from '#sim/cluster.ts'
import type { SimNode } from '#sim/cluster.ts'
import type { SimOptions } from '#sim/options.ts'
import { Trace } from '#sim/trace.ts'
import { Scheduler } from '#sim/world/scheduler.ts'
import type { ProposalOutcome } from '#wire/peer-message.ts'
import { faultless, timing } from './runtime-world.ts'

/** Before a silent member is taken for dead. */
export const deadAfterMs = 20_000

/** Whole nodes that find each other and form a cluster; the invariants of the simulator are checked after every event. */
export class Cluster {
  readonly scheduler = new Scheduler()
  readonly sim: SimCluster
  readonly fatals: string[] = []
  readonly #checks = new Checks()
  /** Looked at after every event. */
  watch: () => void = () => {}

  constructor(size: { readonly founders: number; readonly spares: number }, { seed = 1, fleeting = false } = {}) {
    const { scheduler } = this
    const write = (line: string): void => {
      if (line.includes(' fatal ')) this.fatals.push(line)
    }
    const trace = new Trace(write, () => scheduler.now)
    const options: SimOptions = {
      ...size,
      minutes: 0,
      slots: 2,
      timing,
      network: faultless,
      compaction: { bytes: 1e9, entries: 50, keepEntries: 10 },
      faults: [],
      faultEveryMs: 1e9,
      clients: 0,
      thinkMs: 1e9,
      keys: 1,
      syncMs: { min: 0.05, mean: 0.3 },
      startVersion: 1,
      sheds: false,
      fleeting,
      deadAfterMs,
      looksClosely: false,
      turnover: 'none',
    }
    this.sim = new SimCluster({ scheduler, prng: new Prng(seed), trace, checks: this.#checks }, options)
    this.#checks.watch(this.sim.nodes)
    for (const node of this.sim.nodes) if (node.founder) this.sim.start(node)
    this.until('all belong to a cluster', () => this.#running.every(({ node }) => node?.cluster))
    this.until('all are active', () => this.state.members.every(({ state }) => state === 'active'))
  }

  get #running(): SimNode[] {
    return this.sim.nodes.filter(({ node }) => node !== null)
  }

  /** As the meta group's leader sees it. */
  get state(): ClusterState {
    const leader = this.sim.nodes.find((each) => each.node?.host?.groups.get(metaGroup)?.raft.termStarted === true && !each.machine.paused)
    return present(leader?.node?.cluster ?? this.sim.alive.find(({ node }) => node?.cluster)?.node?.cluster, 'somebody knows the cluster')
  }

  member(name: string): Member | undefined {
    return this.state.members.find((each) => each.name === name)
  }

  leaderOf(group: number): SimNode {
    const leads = ({ node, machine }: SimNode): boolean => !machine.paused && node?.host?.groups.get(group)?.raft.termStarted === true
    this.until(`group ${group} has a leader`, () => this.sim.nodes.some(leads))
    return present(this.sim.nodes.find(leads), 'somebody leads')
  }

  replica({ node }: SimNode, group: number): Group {
    return present(node?.host?.groups.get(group), 'the node has a replica')
  }

  command(command: Command): ProposalOutcome[] {
    const told: ProposalOutcome[] = []
    this.leaderOf(metaGroup).node?.submit(metaGroup, encodeClusterCommand(command), {
      timeoutMs: 5_000,
      done: (outcome) => told.push(outcome),
    })
    this.until('the command is answered', () => told.length > 0)
    return told
  }

  run(ms: number): void {
    this.scheduler.run(this.scheduler.now + ms, () => {
      this.#checks.afterEvent()
      this.watch()
    })
  }

  until(what: string, happened: () => boolean, withinMs = 30_000): void {
    const deadline = this.scheduler.now + withinMs
    while (!happened() && this.scheduler.now < deadline) this.run(20)
    ok(happened(), `${what} within ${withinMs} ms`)
  }
}
