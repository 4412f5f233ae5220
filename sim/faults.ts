import type { ClusterState, Command, Timing } from '#core/cluster/types.ts'
import { logIndex } from '#core/raft/types.ts'
import { encodeClusterCommand, metaGroup } from '#runtime/meta-machine.ts'
import { Ambushes } from './ambushes.ts'
import { replication } from './cluster.ts'
import type { SimNode } from './cluster.ts'
import type { FaultKind, SimOptions } from './options.ts'
import type { World } from './workload.ts'

/**
 * What goes wrong, and what operators do meanwhile: one thing every few seconds, of the kinds the seed has drawn. Each ends by itself. A fault that
 * would break a promise nobody made (a majority of disks lost) is left out.
 */
export class Faults {
  readonly totals = new Map<FaultKind, number>()
  readonly #world: World
  readonly #options: SimOptions
  readonly #ambushes: Ambushes
  #stopped = false

  constructor(world: World, options: SimOptions) {
    this.#world = world
    this.#options = options
    this.#ambushes = new Ambushes(world)
  }

  start(): void {
    this.#next()
  }

  stop(): void {
    this.#stopped = true
  }

  /** Ends everything that is still wrong. */
  heal(): void {
    const { cluster } = this.#world
    cluster.network.heal()
    cluster.network.loseRequests('drop-group', 0)
    cluster.network.setOptions({ ...this.#options.network, loss: 0, duplication: 0, reordering: 0 })
    for (const node of cluster.nodes) {
      node.machine.resetWall()
      node.machine.setRate(1)
      node.disk.setSpeed(this.#options.syncMs)
      node.disk.mend()
      if (node.machine.paused) node.machine.resume()
      if (node.founder || node.node !== null || this.#options.turnover !== 'none') cluster.start(node)
    }
  }

  #next(): void {
    const { scheduler, prng } = this.#world
    scheduler.after(-Math.log(1 - prng.float()) * this.#options.faultEveryMs, () => {
      if (this.#stopped) return
      const kind = prng.pick(this.#options.faults)
      if (this.#inject(kind)) this.totals.set(kind, (this.totals.get(kind) ?? 0) + 1)
      this.#next()
    })
  }

  /** False when the fault does not fit the situation. */
  #inject(kind: FaultKind): boolean {
    const { prng, cluster, trace } = this.#world
    const { alive } = cluster
    if (alive.length === 0) return false
    const victim = prng.chance(0.4) ? this.#someLeader(alive) : prng.pick(alive)
    const done = this.#perform(kind, victim)
    if (done) trace.line('fault', kind, { victim: victim.name })
    return done
  }

  #perform(kind: FaultKind, victim: SimNode): boolean {
    switch (kind) {
      case 'crash':
      case 'crash-all':
      case 'pause':
      case 'failed-disk':
      case 'rotten-disk':
      case 'wiped-disk':
      case 'slow-disk':
      case 'hung-disk':
      case 'stop':
        return this.#hurt(kind, victim)
      case 'isolate':
      case 'split':
      case 'one-way':
      case 'flap':
      case 'clog':
        return this.#cut(kind, victim)
      case 'wall-jump':
      case 'clock-rate':
        return this.#bendTime(kind, victim)
      case 'join':
      case 'leave':
      case 'move':
      case 'transfer':
      case 'upgrade':
      case 'constants':
        return this.#operate(kind, victim)
      case 'restart-in-lease':
        return this.#ambushes.restartInLease()
      case 'contested-vote':
        return this.#ambushes.contestedVote()
      case 'cut-group':
        return this.#ambushes.cutGroup()
      case 'lost-drops':
        return this.#ambushes.loseDrops()
    }
  }

  #hurt(kind: string, victim: SimNode): boolean {
    const { prng, cluster, scheduler } = this.#world
    switch (kind) {
      case 'crash':
        cluster.crash(victim)
        cluster.restartAfter(victim, prng.between(10, 8_000))
        return true
      case 'crash-all':
        for (const node of cluster.nodes.filter((each) => each.node !== null)) {
          cluster.crash(node)
          cluster.restartAfter(node, prng.between(10, 3_000))
        }
        return true
      case 'pause':
        victim.machine.pause()
        scheduler.after(prng.between(50, 6_000), () => victim.machine.resume())
        return true
      case 'stop':
        cluster.stop(victim, { drainMs: 1_000, downMs: prng.between(10, 3_000) })
        return true
      case 'slow-disk':
        victim.disk.setSpeed({ min: 1, mean: prng.pick([20, 100, 300]) })
        scheduler.after(prng.between(500, 10_000), () => victim.disk.setSpeed(this.#options.syncMs))
        return true
      case 'hung-disk':
        victim.disk.hang(prng.between(500, 8_000))
        return true
      case 'failed-disk':
        victim.disk.fail({ type: 'failed', code: prng.pick(['io-error', 'disk-full']), detail: 'simulated' })
        return true
      default:
        return this.#loseDisk(kind, victim)
    }
  }

  /** Losing a disk is borne by a cluster that has recovered from the last such loss. */
  #loseDisk(kind: string, victim: SimNode): boolean {
    const { prng, cluster } = this.#world
    if (!this.#settled()) return false
    if (kind === 'rotten-disk') {
      cluster.crash(victim)
      victim.disk.rot('simulated bit rot')
    } else {
      cluster.wipe(victim)
    }
    cluster.restartAfter(victim, prng.between(10, 5_000))
    return true
  }

  #cut(kind: string, victim: SimNode): boolean {
    const { prng, cluster, scheduler } = this.#world
    const { network } = cluster
    const others = cluster.nodes.filter((node) => node !== victim)
    const heal = (): void => network.heal()
    switch (kind) {
      case 'isolate':
        for (const other of others) this.#sever(victim, other)
        break
      case 'split': {
        const shuffled = prng.shuffle(cluster.nodes)
        const half = shuffled.slice(0, Math.ceil(shuffled.length / 2))
        for (const one of half) for (const other of shuffled.filter((node) => !half.includes(node))) this.#sever(one, other)
        break
      }
      case 'one-way':
        for (const other of others) if (prng.chance(0.7)) network.cut(victim.name, other.name)
        break
      case 'flap': {
        const other = prng.pick(others)
        for (let at = 0; at < 3_000; at += 300) {
          scheduler.after(at, () => this.#sever(victim, other))
          scheduler.after(at + prng.between(20, 280), heal)
        }
        return true
      }
      default:
        network.clog(victim.name, prng.pick(others).name, prng.between(100, 3_000))
        return true
    }
    scheduler.after(prng.between(100, 8_000), heal)
    return true
  }

  #bendTime(kind: string, victim: SimNode): boolean {
    const { prng, scheduler } = this.#world
    if (kind === 'wall-jump') {
      victim.machine.jumpWall(prng.pick([-600_000, -5_000, 5_000, 600_000]))
      scheduler.after(prng.between(1_000, 20_000), () => victim.machine.resetWall())
    } else {
      // Half of the drift margin each way: two clocks differ by at most the margin.
      victim.machine.setRate(0.955 + prng.float() * 0.09)
      scheduler.after(prng.between(1_000, 20_000), () => victim.machine.setRate(1))
    }
    return true
  }

  #operate(kind: string, victim: SimNode): boolean {
    const { prng, cluster } = this.#world
    switch (kind) {
      case 'join': {
        const spare = cluster.nodes.find((node) => (!node.founder || node.gone) && node.node === null && node.restart === null)
        if (spare === undefined) return false
        cluster.start(spare)
        return true
      }
      case 'leave':
        return this.#leave()
      case 'move':
        return this.#move()
      case 'transfer':
        return this.#transfer(victim)
      case 'upgrade':
        if (victim.version >= 2) return false
        victim.version = 2
        cluster.crash(victim)
        cluster.restartAfter(victim, prng.between(10, 1_000))
        return true
      default:
        return this.#changeConstants(victim)
    }
  }

  #transfer(victim: SimNode): boolean {
    const { prng } = this.#world
    const led = [...(victim.node?.host?.groups.values() ?? [])].filter(({ raft }) => raft.role === 'leader')
    if (led.length === 0) return false
    const group = prng.pick(led)
    victim.machine.run(victim.machine.life, () => group.step({ type: 'transfer', to: prng.pick(group.raft.membership.voters) }))
    return true
  }

  /** One that has joined goes again: its replicas move away, then it is removed, and comes back empty some day; unless it is kept after all. */
  #leave(): boolean {
    const { cluster, scheduler } = this.#world
    const state = this.#state()
    const leaver = this.#leaver(state)
    const member = state?.members.find(({ name }) => name === leaver?.name)
    if (leaver === undefined || member === undefined) return false
    const { name, incarnation } = member
    this.#command({ type: 'leave', name, incarnation })
    const poll = (): void => {
      const now = this.#state()
      const isLeaving = now?.members.some((one) => one.incarnation === incarnation && one.state === 'leaving') === true
      if (this.#stopped && (!isLeaving || this.#options.turnover === 'none')) return
      if (now?.tombstones.some((removed) => removed.incarnation === incarnation) === true) {
        const back = now.members.some((other) => other.name === name)
        if (!back) cluster.expel(leaver)
        return
      }
      this.#command({ type: 'remove', name, incarnation })
      scheduler.after(1_000, poll)
    }
    scheduler.after(1_000, poll)
    return true
  }

  /**
   * Of founders only where there is turnover, and as long as enough others are there to take what it has; where those who come back know only their list, one of it
   * after the other.
   */
  #leaver(state: ClusterState | null): SimNode | undefined {
    const { prng, cluster } = this.#world
    const active = cluster.nodes.filter(({ node, name }) => node !== null && this.#isActive(state, name))
    const { turnover } = this.#options
    if (turnover === 'none') return active.find(({ founder }) => !founder)
    if (active.length <= replication) return undefined
    const leaver = prng.pick(active)
    const isOnlyOne = cluster.nodes.every(({ listed, name }) => !listed || active.some((node) => node.name === name))
    return turnover === 'told-whom-to-join' || !leaver.listed || isOnlyOne ? leaver : undefined
  }

  /** A replica goes to a node that has none of its group, for no better reason than that somebody wants it there. */
  #move(): boolean {
    const { prng } = this.#world
    const state = this.#state()
    if (state === null) return false
    const { version, slots } = state.table
    const group = prng.between(0, this.#options.slots)
    const replicas = slots[group]?.replicas ?? []
    const others = state.members.filter((member) => member.state === 'active' && replicas.every(({ node }) => node !== member.name))
    if (others.length === 0 || replicas.length === 0) return false
    this.#command({ type: 'plan-move', expectedVersion: version, slot: group, from: prng.pick(replicas), to: prng.pick(others).name })
    return true
  }

  /** Waits up, then leases up; later leases down, then waits down (decision R4). What is not safe yet is refused. */
  #changeConstants(_victim: SimNode): boolean {
    const state = this.#state()
    if (state === null) return false
    const { revision, timing } = state.constants
    const base = this.#options.timing
    const steps: Timing[] = [
      base,
      { ...base, electionMinMs: base.electionMinMs * 2, electionMaxMs: base.electionMaxMs * 2 },
      { ...base, electionMinMs: base.electionMinMs * 2, electionMaxMs: base.electionMaxMs * 2, leaseMs: base.leaseMs * 2 },
    ]
    const next = this.#world.prng.pick(steps)
    if (JSON.stringify(next) === JSON.stringify(timing)) return false
    this.#command({ type: 'set-constants', expectedRevision: revision, timing: next })
    return true
  }

  #command(command: Command): void {
    const { prng, cluster } = this.#world
    const formed = cluster.alive.filter(({ node }) => node?.cluster)
    if (formed.length === 0) return
    const target = prng.pick(formed)
    target.machine.run(target.machine.life, () => {
      target.node?.submit(metaGroup, encodeClusterCommand(command), { timeoutMs: 3_000, done: () => {} })
    })
  }

  #someLeader(alive: readonly SimNode[]): SimNode {
    const leaders = alive.filter(({ node }) => [...(node?.host?.groups.values() ?? [])].some(({ raft }) => raft.role === 'leader'))
    return this.#world.prng.pick(leaders.length > 0 ? leaders : alive)
  }

  /** The state of the cluster as the node knows it that has applied most of the meta group's log. */
  #state(): ClusterState | null {
    const known = this.#world.cluster.nodes.map(({ node }) => ({
      state: node?.cluster ?? null,
      index: node?.host?.groups.get(metaGroup)?.applier.last.index ?? 0,
    }))
    return known.filter(({ state }) => state !== null).sort((left, right) => right.index - left.index)[0]?.state ?? null
  }

  #isActive(state: ClusterState | null, name: string): boolean {
    return state?.members.some((member) => member.name === name && member.state === 'active') ?? false
  }

  /** All replicas of all groups are on living nodes in their present incarnation, agree on their configuration, and have what is committed. */
  #settled(): boolean {
    const { cluster } = this.#world
    const state = this.#state()
    if (state === null || state.table.slots.some(({ move }) => move !== null)) return false
    return state.table.slots.every((_, group) => {
      const rafts = cluster.nodes.flatMap(({ node }) => node?.host?.groups.get(group)?.raft ?? [])
      const leader = rafts.find(({ role, termStarted }) => role === 'leader' && termStarted)
      if (leader === undefined || leader.membership.outgoing.length > 0 || leader.membershipIndex > leader.commit) return false
      // Of two disks neither may be lost.
      if (leader.membership.voters.length < 3) return false
      return leader.membership.voters.every((voter) => {
        const raft = rafts.find(({ self }) => self === voter)
        return (
          raft !== undefined && raft.membershipIndex === leader.membershipIndex && raft.inspect().log.durable >= logIndex(leader.commit)
        )
      })
    })
  }

  #sever(one: SimNode, other: SimNode): void {
    const { network } = this.#world.cluster
    network.cut(one.name, other.name)
    network.cut(other.name, one.name)
  }
}
