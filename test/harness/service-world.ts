import { ok } from 'node:assert/strict'
import { present } from '#base/assert.ts'
import { Prng } from '#base/prng.ts'
import type { Call, CallEnd } from '#api/call.ts'
import { silentTelemetry } from '#ports/telemetry.ts'
import type { Clock } from '#ports/clock.ts'
import type { Entropy } from '#ports/entropy.ts'
import type { Timing } from '#core/cluster/types.ts'
import type { Telemetry } from '#ports/telemetry.ts'
import type { CompactionPolicy } from '#runtime/limits.ts'
import type { ServiceHooks } from '#runtime/node-config.ts'
import { LockstepNode } from '#runtime/node.ts'
import type { StateMachine } from '#runtime/state-machine.ts'
import { Trace } from '#sim/trace.ts'
import { Disk } from '#sim/world/disk.ts'
import { Machine } from '#sim/world/machine.ts'
import { addressOf, Network } from '#sim/world/network.ts'
import { Scheduler } from '#sim/world/scheduler.ts'
import { faultless, rarely, timing as usualTiming } from './runtime-world.ts'
import { Admission } from '#services/common/admission.ts'

/** What a service's server is made of in a world. */
export interface ServerPorts {
  readonly node: () => LockstepNode
  readonly name: string
  readonly version: string
  readonly clock: Clock
  readonly prng: Prng
  readonly entropy: Entropy
  readonly telemetry: Telemetry
  readonly hasRoom: () => boolean
  readonly admission: Admission
}

export interface WorldServer extends ServiceHooks {
  newMachine(group: number): StateMachine
  start?(): void
}

export interface ServiceWorldOptions {
  readonly founders?: number
  /** Nodes that join later, and have no replica. */
  readonly spares?: number
  readonly compaction?: CompactionPolicy
  readonly timing?: Timing
}

export interface WorldNode<Server> {
  readonly name: string
  readonly machine: Machine
  readonly disk: Disk
  readonly founder: boolean
  node: LockstepNode
  server: Server
  admission: Admission
  down: boolean
  /** Its disk has no room for what only grows. */
  low: boolean
}

/** Whole nodes of one service in one thread, on simulated machines, disks, network and time. */
export class ServiceWorld<Server extends WorldServer> {
  readonly scheduler = new Scheduler()
  readonly network: Network
  readonly nodes: readonly WorldNode<Server>[]
  readonly logged: { readonly node: string; readonly event: string; readonly fields: Parameters<Telemetry['log']>[2] }[] = []
  readonly #prng = new Prng(1)
  readonly #compaction: CompactionPolicy
  readonly #timing: Timing
  readonly #slots: number
  readonly #serve: (ports: ServerPorts) => Server

  constructor(
    serve: (ports: ServerPorts) => Server,
    slots: number,
    { founders = 3, spares = 0, compaction = rarely, timing = usualTiming }: ServiceWorldOptions,
  ) {
    const { scheduler } = this
    this.#serve = serve
    this.#slots = slots
    this.#compaction = compaction
    this.#timing = timing
    this.network = new Network({ scheduler, prng: this.#prng.fork(), trace: new Trace(null, () => scheduler.now) }, faultless)
    const names = Array.from({ length: founders + spares }, (_, at) => `n${at + 1}`)
    const hardware = names.map((name, at) => {
      const machine = new Machine(name, scheduler, { touched() {} })
      return {
        name,
        machine,
        disk: new Disk({ scheduler, machine, prng: this.#prng.fork() }),
        founder: at < founders,
        down: false,
        low: false,
      }
    })
    const voters = hardware.filter(({ founder }) => founder).map(({ name }) => addressOf(name))
    this.nodes = hardware.map((parts) => ({ ...parts, ...this.#start(parts, voters) }))
  }

  get(name: string): WorldNode<Server> {
    return present(
      this.nodes.find((node) => node.name === name),
      'the node exists',
    )
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

  /** The node that may act as the leader of the group. */
  async leaderOf(group: number): Promise<WorldNode<Server>> {
    const leads = ({ node, down, machine }: WorldNode<Server>): boolean => !down && !machine.paused && node.leadership(group) !== null
    await this.until(`group ${group} has a leader`, () => this.nodes.some(leads))
    return present(this.nodes.find(leads), 'somebody leads')
  }

  crash(target: WorldNode<Server>): void {
    target.down = true
    target.machine.crash()
    target.disk.crash()
    this.network.crashed(target.name)
  }

  restart(target: WorldNode<Server>): void {
    const voters = this.nodes.filter(({ founder }) => founder).map(({ name }) => addressOf(name))
    Object.assign(target, this.#start(target, voters), { down: false })
  }

  cutOff(target: WorldNode<Server>): void {
    for (const { name } of this.nodes) {
      if (name === target.name) continue
      this.network.cut(name, target.name)
      this.network.cut(target.name, name)
    }
  }

  #start(
    parts: Pick<WorldNode<Server>, 'name' | 'machine' | 'disk' | 'founder'>,
    voters: readonly string[],
  ): Pick<WorldNode<Server>, 'node' | 'server' | 'admission'> {
    const { name, machine, disk, founder } = parts
    const prng = this.#prng.fork()
    const entropy = {
      hex: (bytes: number) => Array.from({ length: bytes }, () => prng.between(0, 255).toString(16).padStart(2, '0')).join(''),
    }
    const log: Telemetry['log'] = (_level, event, fields) => this.logged.push({ node: name, event, fields })
    const common = { clock: machine, prng, entropy, telemetry: { ...silentTelemetry, log } }
    const hasRoom = (): boolean => !this.get(name).low
    const admission = new Admission({ ...common, prng: new Prng(1) })
    const server = this.#serve({ ...common, admission, hasRoom, node: () => node, name, version: '0.0.0' })
    const config = {
      name,
      address: addressOf(name),
      voters: founder ? [...voters] : [],
      seeds: voters,
      slots: this.#slots,
      replication: 3,
      timing: this.#timing,
    }
    const node = new LockstepNode(
      { ...config, compaction: this.#compaction, deadAfterMs: 60_000, machineVersion: 1 },
      {
        ...common,
        store: disk.open(),
        connect: (self, clusterId) => this.network.attach(machine, self, clusterId),
        machineFor: (group) => server.newMachine(group),
        hooks: server,
      },
      ({ type }) => {
        if (type !== 'left') throw new Error(`${name} cannot go on: ${type}`)
        machine.soon(() => this.crash(this.get(name)))
      },
    )
    machine.soon(() => {
      node.start()
      server.start?.()
    })
    return { node, server, admission }
  }
}

/** A call that nobody ends, unless the test does. */
export class TestCall implements Call {
  readonly requestId = 'request'
  readonly remoteAddress = '127.0.0.1'
  readonly caller = null
  readonly #controller = new AbortController()

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  end(reason: CallEnd): void {
    this.#controller.abort(reason)
  }
}
