import { Prng } from '#base/prng.ts'
import { idOfReplica } from '#runtime/replica-name.ts'
import { Checks } from '#sim/checks/checks.ts'
import { Violation } from '#sim/checks/violation.ts'
import { SimCluster } from './cluster.ts'
import { Faults } from './faults.ts'
import { drawOptions, withTurnover } from './options.ts'
import type { FaultKind, SimOptions } from './options.ts'
import { doesCount } from './report.ts'
import { Trace } from './trace.ts'
import { services } from './services.ts'
import type { ServiceName } from './services.ts'
import type { Workload } from './workload.ts'
import { Promises } from '#sim/world/promises.ts'
import { Scheduler } from '#sim/world/scheduler.ts'

export interface RunRequest {
  readonly service: ServiceName
  readonly seed: number
  readonly minutes: number
  /** Founders leave, too. */
  readonly turnover?: boolean
  /** Receives the trace line by line; null for none. */
  readonly trace: ((line: string) => void) | null
}

export interface RunReport {
  readonly seed: number
  readonly options: SimOptions
  readonly events: number
  readonly totals: Readonly<Record<string, number>>
  readonly faults: ReadonlyMap<FaultKind, number>
  /** What clients did. */
  readonly actions: ReadonlyMap<string, number>
  /** Null when every promise was kept. */
  readonly violation: string | null
  /** Enough happened for the run to prove something. */
  readonly counts: boolean
}

/** One seed, one whole cluster: faults and clients for some virtual minutes, then everything heals and must come to rest. */
export async function runSeed(request: RunRequest): Promise<RunReport> {
  const run = new Run(request)
  let violation: string | null = null
  try {
    await run.storm()
    await run.calm()
    run.judge()
  } catch (error) {
    violation = error instanceof Violation ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)
  } finally {
    run.end()
  }
  return run.report(violation)
}

class Run {
  readonly #seed: number
  readonly #options: SimOptions
  readonly #scheduler = new Scheduler()
  readonly #checks = new Checks()
  readonly #cluster: SimCluster
  readonly #workload: Workload
  readonly #faults: Faults
  readonly #restMs: number
  /** Null where nothing uses any. */
  readonly #promises: Promises | null

  constructor(request: RunRequest) {
    this.#seed = request.seed
    const prng = new Prng(request.seed)
    const service = services[request.service]
    this.#restMs = service.terms.restMs
    const drawing = prng.fork()
    const drawn = drawOptions(drawing, request.minutes, service.terms)
    this.#options = request.turnover === true ? withTurnover(drawn, drawing) : drawn
    const scheduler = this.#scheduler
    const trace = new Trace(request.trace, () => scheduler.now)
    trace.line('sim', 'options', { seed: request.seed, ...this.#options })
    this.#cluster = new SimCluster({ scheduler, prng: prng.fork(), trace, checks: this.#checks }, this.#options, (life) =>
      this.#workload.serve(life),
    )
    this.#checks.watch(this.#cluster.nodes)
    const world = { scheduler, cluster: this.#cluster, trace }
    this.#workload = service.workload({ ...world, prng: prng.fork() }, this.#options)
    this.#promises = this.#workload.usesPromises ? new Promises() : null
    this.#faults = new Faults({ ...world, prng: prng.fork() }, this.#options)
  }

  async storm(): Promise<void> {
    for (const node of this.#cluster.nodes) if (node.founder) this.#cluster.start(node)
    await this.#advance(3_000)
    this.#workload.start()
    this.#faults.start()
    await this.#advance(this.#options.minutes * 60_000)
  }

  /** Everything heals; in time all must be as if nothing had happened. */
  async calm(): Promise<void> {
    this.#faults.stop()
    this.#faults.heal()
    await this.#advance(10_000)
    this.#faults.heal()
    this.#workload.stop()
    for (let waited = 10_000; waited < this.#restMs; waited += 5_000) {
      await this.#advance(5_000)
      if (this.#unrest() === null) return
    }
    throw new Violation(`no rest ${this.#restMs / 60_000} minutes after everything healed: ${this.#unrest()}`)
  }

  judge(): void {
    this.#workload.judge()
  }

  end(): void {
    this.#promises?.stop()
  }

  report(violation: string | null): RunReport {
    const { network } = this.#cluster
    const disk = { commits: 0, lostCommits: 0, diskFailures: 0, hangs: 0 }
    for (const { disk: each } of this.#cluster.nodes) {
      disk.commits += each.totals.commits
      disk.lostCommits += each.totals.lostCommits
      disk.diskFailures += each.totals.failures
      disk.hangs += each.totals.hangs
    }
    const { totals: told } = this.#workload
    const { foundersGone } = this.#cluster
    const totals = { ...this.#checks.totals, ...told, ...network.totals, ...disk, foundersGone }
    const counts = doesCount({ ...this.#options, ...totals })
    return {
      seed: this.#seed,
      options: this.#options,
      events: this.#scheduler.count,
      totals,
      faults: this.#faults.totals,
      actions: this.#workload.actions,
      violation,
      counts,
    }
  }

  async #advance(ms: number): Promise<void> {
    const until = this.#scheduler.now + ms
    while (this.#scheduler.step(until)) {
      if (this.#promises?.arePending === true) {
        await this.#promises.run()
        this.#promises.allTold()
      }
      this.#checks.afterEvent()
      this.#workload.afterEvent()
    }
  }

  /** What still keeps the cluster from rest; null when nothing does. */
  #unrest(): string | null {
    const open = this.#workload.unrest()
    if (open !== null) return open
    const running = this.#cluster.nodes.filter(({ node }) => node !== null)
    const [first] = running
    const state = first?.node?.cluster
    const leaving = state?.members.find((member) => member.state === 'leaving')
    if (leaving !== undefined && this.#options.turnover !== 'none') return `${leaving.name} is leaving`
    for (let group = 0; group <= this.#options.slots; group++) {
      const replicas = running.flatMap(({ node }) => node?.host?.groups.get(group) ?? [])
      const leaders = replicas.filter(({ raft }) => raft.role === 'leader' && raft.termStarted)
      const [leader] = leaders
      if (leader === undefined || leaders.length !== 1)
        return `group ${group} has ${leaders.length} leaders: ${JSON.stringify(replicas.map((each) => each.status()))}`
      const members = replicas.filter(({ raft }) => leader.raft.membership.voters.includes(raft.self))
      if (members.some(({ applier }) => applier.last.index !== leader.applier.last.index)) return `group ${group} has laggards`
      const slot = state?.table.slots[group]
      const given = [...leader.raft.membership.voters, ...leader.raft.membership.learners, ...(slot?.replicas ?? []).map(idOfReplica)]
      const stray = replicas.find(({ raft }) => !given.includes(raft.self))
      if (stray !== undefined)
        return `group ${group} has a replica that nobody wants: ${JSON.stringify({ given, replica: stray.status() })}`
      if (slot !== undefined && slot.lost.length > 0) return `group ${group} has lost replicas: ${JSON.stringify(slot.lost)}`
      const move = slot?.move
      if (move) return `group ${group} is moving: ${JSON.stringify({ move, replicas: replicas.map((each) => each.status()) })}`
    }
    for (const { name, node } of running) if (!node?.cluster) return `${name} has no cluster`
    return null
  }
}
