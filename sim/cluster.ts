import { present } from '#base/assert.ts'
import { Prng } from '#base/prng.ts'
import type { Timing } from '#core/cluster/types.ts'
import type { Cancel } from '#ports/clock.ts'
import type { Telemetry } from '#ports/telemetry.ts'
import { FleetingLogStore } from '#runtime/fleeting-log-store.ts'
import { LockstepNode } from '#runtime/node.ts'
import type { NodeConfig, NodeFatal } from '#runtime/node-config.ts'
import type { Checks } from '#sim/checks/checks.ts'
import { Admission } from '#services/common/admission.ts'
import { admissionLimits } from './options.ts'
import type { SimOptions } from './options.ts'
import type { Trace } from './trace.ts'
import { Disk } from '#sim/world/disk.ts'
import { Machine } from '#sim/world/machine.ts'
import { addressOf, Network } from '#sim/world/network.ts'
import type { Scheduler } from '#sim/world/scheduler.ts'
import { serveRegister } from '#sim/register/serve-register.ts'
import type { Serve, Served } from './workload.ts'

/** Of every group. */
export const replication = 3

/** A computer with its disk, and the node that may run on it. */
export interface SimNode {
  readonly name: string
  readonly machine: Machine
  readonly disk: Disk
  /** Null while it is down. */
  node: LockstepNode | null
  /** The service on it, in this life. */
  served: Served | null
  /** The build that it starts with (decision R9). */
  version: number
  /** It took part in forming the cluster. */
  readonly founder: boolean
  /** It is told the list of initial voters. */
  listed: boolean
  /** It is no member any more, nor has it been started again to be one. */
  gone: boolean
  restart: Cancel | null
}

/** All nodes of a run, running production code on simulated machines, disks and network. */
export class SimCluster {
  readonly nodes: readonly SimNode[]
  readonly network: Network
  /** How often one that took part in forming the cluster has left it. */
  foundersGone = 0
  /** Addresses of those who formed it. */
  readonly #voters: readonly string[]
  readonly #scheduler: Scheduler
  readonly #prng: Prng
  readonly #options: SimOptions
  readonly #trace: Trace
  readonly #checks: Checks
  readonly #serve: Serve

  constructor(
    world: { scheduler: Scheduler; prng: Prng; trace: Trace; checks: Checks },
    options: SimOptions,
    serve: Serve = serveRegister,
  ) {
    this.#serve = serve
    this.#scheduler = world.scheduler
    this.#prng = world.prng
    this.#trace = world.trace
    this.#checks = world.checks
    this.#options = options
    this.network = new Network({ ...world, prng: world.prng.fork() }, options.network)
    this.nodes = Array.from({ length: options.founders + options.spares }, (_, position) =>
      this.#build(`n${position + 1}`, position < options.founders),
    )
    this.#voters = this.nodes.slice(0, options.founders).map(({ name }) => addressOf(name))
  }

  /** Nodes refuse new work as if there were too much of it. */
  get sheds(): boolean {
    return this.#options.sheds
  }

  get alive(): SimNode[] {
    return this.nodes.filter(({ node, machine }) => node !== null && !machine.paused)
  }

  start(target: SimNode): void {
    if (target.node !== null) return
    target.restart?.()
    target.restart = null
    target.gone = false
    const { name, machine, disk } = target
    target.version = Math.max(target.version, ...this.nodes.map(({ node }) => node?.cluster?.version ?? 1))
    this.#trace.line(name, 'start', { version: target.version })
    const prng = new Prng(this.#prng.uint32())
    const common = {
      clock: machine.process(),
      telemetry: this.#telemetry(name),
      prng,
      entropy: {
        hex: (bytes: number) => Array.from({ length: bytes }, () => prng.between(0, 255).toString(16).padStart(2, '0')).join(''),
      },
    }
    // With chance of its own, so that what it draws changes nothing else.
    const admission = new Admission({ ...common, prng: new Prng(target.machine.life) }, admissionLimits(this.#options))
    const served = this.#serve({ ...common, admission, name, node: () => node, checks: this.#checks })
    const seeds = this.#options.turnover === 'told-whom-to-join' ? this.nodes.map((node) => addressOf(node.name)) : this.#voters
    const config = { name, address: addressOf(name), voters: target.listed ? this.#voters : [], seeds }
    const node: LockstepNode = new LockstepNode(
      { ...config, ...this.#config, machineVersion: target.version },
      {
        ...common,
        ...served.ports,
        store: this.#options.fleeting ? new FleetingLogStore({ disk: disk.open(), memory: this.#memoryOf(machine).open() }) : disk.open(),
        connect: (self, clusterId) => this.network.attach(machine, self, clusterId),
      },
      (reason) => this.#fatal(target, reason),
    )
    target.node = node
    target.served = served
    machine.soon(() => {
      node.start()
      served.start()
    })
  }

  /** Of one life. */
  #memoryOf(machine: Machine): Disk {
    const memory = new Disk({ scheduler: this.#scheduler, machine, prng: new Prng(1) })
    memory.setSpeed({ min: 0, mean: 0 })
    return memory
  }

  get #config(): Pick<NodeConfig, 'slots' | 'replication' | 'timing' | 'compaction' | 'deadAfterMs'> {
    const { slots, compaction, deadAfterMs } = this.#options
    return { slots, replication, timing: this.#timing, compaction, deadAfterMs }
  }

  /** Operators keep the configuration of their nodes in step with the cluster's constants (decision R4). */
  get #timing(): Timing {
    const known = this.nodes.flatMap(({ node }) => node?.cluster?.constants ?? [])
    return known.sort((left, right) => right.revision - left.revision)[0]?.timing ?? this.#options.timing
  }

  crash(target: SimNode): void {
    if (target.node === null) return
    this.#trace.line(target.name, 'crash')
    target.machine.crash()
    target.disk.crash()
    target.node = null
    target.served?.crashed()
    target.served = null
    this.network.crashed(target.name)
    this.#checks.nodeDown(target.name)
  }

  /** As an operator stops it: it answers who waits, hands its leadership over and closes; then it is started again. */
  stop(target: SimNode, { drainMs, downMs }: { readonly drainMs: number; readonly downMs: number }): void {
    const { machine, node, served } = target
    if (node === null) return
    this.#trace.line(target.name, 'stop')
    const { life } = machine
    const off = (): void => {
      if (machine.life !== life) return
      this.crash(target)
      this.restartAfter(target, downMs)
    }
    machine.run(life, () => served?.drain())
    machine.after(drainMs, () => {
      served?.stop()
      node.stop(off)
    })
    // Whoever stops it does not wait for ever.
    this.#scheduler.after(drainMs + 10_000, off)
  }

  restartAfter(target: SimNode, delayMs: number): void {
    target.restart?.()
    target.restart = this.#scheduler.after(delayMs, () => this.start(target))
  }

  wipe(target: SimNode): void {
    this.crash(target)
    this.#trace.line(target.name, 'wipe')
    target.disk.wipe()
    this.#checks.nodeWiped(target.name)
  }

  /** It is no member any more, and what it had is gone. */
  expel(target: SimNode): void {
    this.wipe(target)
    const { turnover } = this.#options
    if (turnover === 'none') return
    target.restart?.()
    target.restart = null
    target.gone = true
    if (turnover === 'told-whom-to-join') target.listed = false
    if (target.founder) this.foundersGone++
  }

  byName(name: string): SimNode {
    return present(
      this.nodes.find((node) => node.name === name),
      'the node exists',
    )
  }

  /** What an operator does: a failed disk is replaced by the same content, a damaged store is set aside. */
  #fatal(target: SimNode, reason: NodeFatal): void {
    this.#trace.line(target.name, 'fatal', { ...reason })
    const { life } = target.machine
    this.#scheduler.after(this.#prng.between(500, 5_000), () => {
      // Whoever ended this life in the meantime sees to the next one.
      if (target.machine.life !== life) return
      if (reason.type === 'removed' || reason.type === 'left') {
        this.expel(target)
        return
      }
      if (reason.type === 'damaged') this.wipe(target)
      else this.crash(target)
      this.restartAfter(target, this.#prng.between(100, 2_000))
    })
  }

  #configureAnew(target: SimNode): void {
    const { life } = target.machine
    this.#scheduler.after(3_000, () => {
      if (target.machine.life !== life || target.node?.cluster) return
      this.crash(target)
      this.restartAfter(target, 100)
    })
  }

  #build(name: string, founder: boolean): SimNode {
    const machine = new Machine(name, this.#scheduler, this.#checks)
    const disk = new Disk({ scheduler: this.#scheduler, machine, prng: this.#prng.fork() })
    disk.setSpeed(this.#options.syncMs)
    const version = this.#options.startVersion
    return { name, machine, disk, node: null, served: null, version, founder, listed: founder, gone: false, restart: null }
  }

  #telemetry(name: string): Telemetry {
    return {
      log: (level, event, fields) => {
        if (event === 'role-changed') this.#checks.totals.roleChanges++
        this.#trace.line(name, `${level} ${event}`, fields)
        if (event === 'forming' && level === 'error') this.#configureAnew(this.byName(name))
      },
      count: (counter) => this.#checks.count(counter),
      gauge() {},
      observe() {},
    }
  }
}
