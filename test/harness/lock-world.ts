import { ok } from 'node:assert/strict'
import { present } from '#base/assert.ts'
import { Prng } from '#base/prng.ts'
import type { Call, CallEnd } from '#api/call.ts'
import type { LockApi } from '#api/locks/lock-api.ts'
import { silentTelemetry } from '#ports/telemetry.ts'
import type { CompactionPolicy } from '#runtime/limits.ts'
import { LockstepNode } from '#runtime/node.ts'
import { lockGroup } from '#services/lock/limits.ts'
import { LockServer } from '#services/lock/lock-server.ts'
import { Trace } from '#sim/trace.ts'
import { Disk } from '#sim/world/disk.ts'
import { Machine } from '#sim/world/machine.ts'
import { addressOf, Network } from '#sim/world/network.ts'
import { Scheduler } from '#sim/world/scheduler.ts'
import { faultless, rarely, timing } from './runtime-world.ts'

interface LockWorldOptions {
  readonly founders?: number
  /** Nodes that join later, and have no replica. */
  readonly spares?: number
  readonly compaction?: CompactionPolicy
}

export interface LockWorldNode {
  readonly name: string
  readonly machine: Machine
  readonly disk: Disk
  readonly founder: boolean
  node: LockstepNode
  server: LockServer
  down: boolean
}

/** Whole nodes of the lock service in one thread, on simulated machines, disks, network and time. */
export class LockWorld {
  readonly scheduler = new Scheduler()
  readonly network: Network
  readonly nodes: readonly LockWorldNode[]
  readonly #prng = new Prng(1)
  readonly #compaction: CompactionPolicy

  private constructor({ founders = 3, spares = 0, compaction = rarely }: LockWorldOptions) {
    const { scheduler } = this
    this.#compaction = compaction
    this.network = new Network({ scheduler, prng: this.#prng.fork(), trace: new Trace(null, () => scheduler.now) }, faultless)
    const names = Array.from({ length: founders + spares }, (_, at) => `n${at + 1}`)
    const hardware = names.map((name, at) => {
      const machine = new Machine(name, scheduler, { touched() {} })
      return { name, machine, disk: new Disk({ scheduler, machine, prng: this.#prng.fork() }), founder: at < founders, down: false }
    })
    const voters = hardware.filter(({ founder }) => founder).map(({ name }) => addressOf(name))
    this.nodes = hardware.map((parts) => ({ ...parts, ...this.#start(parts, voters) }))
  }

  static async start(options: LockWorldOptions = {}): Promise<LockWorld> {
    const world = new LockWorld(options)
    await world.until('every node has its session', () => world.nodes.every(({ server }) => server.session.id !== null))
    // Right after the start leadership moves to where the table wants it.
    await world.run(3_000)
    return world
  }

  get(name: string): LockWorldNode {
    return present(
      this.nodes.find((node) => node.name === name),
      'the node exists',
    )
  }

  locks(name: string): LockApi {
    return this.get(name).server.locks
  }

  /** Time passes a little at a time, so that promises keep up with it. */
  async run(ms: number): Promise<void> {
    const end = this.scheduler.now + ms
    while (this.scheduler.now < end) {
      this.scheduler.run(Math.min(end, this.scheduler.now + 5), () => {})
      await new Promise(setImmediate)
    }
  }

  async until(what: string, happened: () => boolean, withinMs = 20_000): Promise<void> {
    const deadline = this.scheduler.now + withinMs
    while (!happened() && this.scheduler.now < deadline) await this.run(5)
    ok(happened(), `${what} within ${withinMs} ms`)
  }

  /** What a call comes to. */
  async answer<T>(promise: Promise<T>, withinMs = 90_000): Promise<T> {
    let settled = false
    const ended = promise.finally(() => (settled = true))
    await this.until('the call is answered', () => settled, withinMs)
    return ended
  }

  /** The node that may act as the leader of the locks. */
  async leader(): Promise<LockWorldNode> {
    const leads = ({ node, down, machine }: LockWorldNode): boolean => !down && !machine.paused && node.leadership(lockGroup) !== null
    await this.until('the locks have a leader', () => this.nodes.some(leads))
    return present(this.nodes.find(leads), 'somebody leads')
  }

  async follower(): Promise<LockWorldNode> {
    const leader = await this.leader()
    return present(
      this.nodes.find((node) => node !== leader && !node.down && node.founder),
      'somebody follows',
    )
  }

  crash(target: LockWorldNode): void {
    target.down = true
    target.machine.crash()
    target.disk.crash()
    this.network.crashed(target.name)
  }

  restart(target: LockWorldNode): void {
    const voters = this.nodes.filter(({ founder }) => founder).map(({ name }) => addressOf(name))
    Object.assign(target, this.#start(target, voters), { down: false })
  }

  cutOff(target: LockWorldNode): void {
    for (const { name } of this.nodes) {
      if (name === target.name) continue
      this.network.cut(name, target.name)
      this.network.cut(target.name, name)
    }
  }

  #start(
    parts: Pick<LockWorldNode, 'name' | 'machine' | 'disk' | 'founder'>,
    voters: readonly string[],
  ): Pick<LockWorldNode, 'node' | 'server'> {
    const { name, machine, disk, founder } = parts
    const prng = this.#prng.fork()
    const entropy = {
      hex: (bytes: number) => Array.from({ length: bytes }, () => prng.between(0, 255).toString(16).padStart(2, '0')).join(''),
    }
    const common = { clock: machine, prng, entropy, telemetry: silentTelemetry }
    const server = new LockServer({ ...common, node: () => node, name, version: '0.0.0' })
    const config = { name, address: addressOf(name), voters: founder ? [...voters] : [], seeds: voters, slots: 1, replication: 3, timing }
    const node = new LockstepNode(
      { ...config, compaction: this.#compaction, deadAfterMs: 60_000, machineVersion: 1 },
      {
        ...common,
        store: disk.open(),
        connect: (self, clusterId) => this.network.attach(machine, self, clusterId),
        machineFor: () => server.newMachine(),
        hooks: server,
      },
      ({ type }) => {
        throw new Error(`${name} cannot go on: ${type}`)
      },
    )
    machine.soon(() => {
      node.start()
      server.start()
    })
    return { node, server }
  }
}

/** A call that nobody ends, unless the test does. */
export class TestCall implements Call {
  readonly requestId = 'request'
  readonly remoteAddress = '127.0.0.1'
  readonly #controller = new AbortController()

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  end(reason: CallEnd): void {
    this.#controller.abort(reason)
  }
}
