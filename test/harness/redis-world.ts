import { ok } from 'node:assert/strict'
import { present } from '#base/assert.ts'
import { Prng } from '#base/prng.ts'
import type { RegisterCommand } from '#core/register/register.ts'
import { silentTelemetry } from '#ports/telemetry.ts'
import type { Telemetry } from '#ports/telemetry.ts'
import type { ServiceHooks } from '#runtime/node-config.ts'
import type { CompactionPolicy } from '#runtime/limits.ts'
import type { HostedSlot } from '#runtime/redis-engine/hosted-slot.ts'
import type { RedisFatal } from '#runtime/redis-engine/redis-host.ts'
import { RedisNode } from '#runtime/redis-engine/redis-node.ts'
import type { StateMachine } from '#runtime/state-machine.ts'
import {
  decodeRegisterAnswer,
  encodeRegisterCommand,
  encodeRegisterQuestion,
  RegisterMachine,
} from '#services/register/register-machine.ts'
import { RedisServer } from '#sim/redis/redis-server.ts'
import { SimRedisSlots } from '#sim/redis/sim-redis-slots.ts'
import { Trace } from '#sim/trace.ts'
import { Machine } from '#sim/world/machine.ts'
import { addressOf, Network } from '#sim/world/network.ts'
import { Scheduler } from '#sim/world/scheduler.ts'
import { faultless, rarely } from './runtime-world.ts'

interface WorldOptions {
  readonly names: readonly string[]
  readonly slots?: number
  readonly compaction?: CompactionPolicy
  readonly machineVersion?: (name: string) => number
  readonly machineFor?: (group: number, name: string) => StateMachine
  readonly relaxed?: boolean
  readonly replicas?: number
  /** Of each life of a node. */
  readonly hooks?: (name: string, machine: Machine) => ServiceHooks
}

export interface WorldNode {
  readonly name: string
  readonly machine: Machine
  node: RedisNode
  isDown: boolean
  readonly fatal: RedisFatal[]
  readonly logged: string[]
}

/** What a command was answered with: a number, or how it ended without one. */
export type Outcome = number | null | 'refused' | 'unknown'

/** Nodes of the Redis engine with registers in their slots, on simulated machines, a network, and a simulated Redis. */
export class RedisWorld {
  readonly scheduler = new Scheduler()
  readonly server = new RedisServer()
  readonly network: Network
  readonly nodes: WorldNode[]
  readonly #prng: Prng
  readonly #options: WorldOptions

  constructor(options: WorldOptions, seed = 1) {
    this.#options = options
    this.#prng = new Prng(seed)
    const { scheduler } = this
    this.network = new Network({ scheduler, prng: this.#prng.fork(), trace: new Trace(null, () => scheduler.now) }, faultless)
    this.nodes = options.names.map((name) => this.#build(name))
  }

  get slots(): readonly number[] {
    return Array.from({ length: this.#options.slots ?? 1 }, (_, at) => at + 1)
  }

  get(name: string): WorldNode {
    return present(
      this.nodes.find((node) => node.name === name),
      'the node exists',
    )
  }

  slot(name: string, slot = 1): HostedSlot {
    return present(this.get(name).node.host.slots.get(slot), 'the slots are known')
  }

  run(ms: number): void {
    this.scheduler.run(this.scheduler.now + ms, () => {})
  }

  /** How long it took. */
  until(what: string, happened: () => boolean, withinMs = 10_000): number {
    const began = this.scheduler.now
    while (!happened() && this.scheduler.now < began + withinMs) this.run(5)
    ok(happened(), `${what} within ${withinMs} ms`)
    return this.scheduler.now - began
  }

  /** Nodes that believe they may serve the slot. */
  servers(slot = 1): string[] {
    return this.nodes.filter(({ node, isDown }) => !isDown && node.host.slots.get(slot)?.isServing === true).map(({ name }) => name)
  }

  /** The node that serves the slot, once all slots are served. */
  settled(slot = 1): string {
    this.until('every slot is served', () => this.slots.every((each) => this.servers(each).length === 1))
    return present(this.servers(slot)[0], 'somebody serves it')
  }

  submit(name: string, command: RegisterCommand, options: { readonly slot?: number; readonly timeoutMs?: number } = {}): Outcome[] {
    const outcomes: Outcome[] = []
    this.get(name).node.submit(options.slot ?? 1, encodeRegisterCommand(command), {
      timeoutMs: options.timeoutMs ?? 10_000,
      done: (outcome) => outcomes.push(outcome.type === 'applied' ? decodeRegisterAnswer(outcome.answer).value : outcome.type),
    })
    return outcomes
  }

  /** Adds one, and waits for the sum. */
  add(name: string, slot = 1): Outcome {
    const outcomes = this.submit(name, { type: 'add', key: 'k', by: 1 }, { slot })
    this.until('the command is answered', () => outcomes.length === 1)
    return outcomes[0] as Outcome
  }

  /** What a node reads of its own machine; null when it may not. */
  read(name: string, { slot = 1, key = 'k' }: { readonly slot?: number; readonly key?: string } = {}): number | null {
    const answers: (number | null)[] = []
    this.get(name).node.query(slot, encodeRegisterQuestion(key), {
      timeoutMs: 100,
      done: (answer) => answers.push(answer === null ? null : decodeRegisterAnswer(answer).value),
    })
    this.until('the question is answered', () => answers.length === 1)
    return answers[0] ?? null
  }

  crash(name: string): void {
    const node = this.get(name)
    node.isDown = true
    node.machine.crash()
    this.network.crashed(name)
  }

  /** As another incarnation, which knows nothing. */
  restart(name: string): void {
    const node = this.get(name)
    node.isDown = false
    node.node = this.#start(node)
  }

  #build(name: string): WorldNode {
    const machine = new Machine(name, this.scheduler, { touched() {} })
    const node = { name, machine, isDown: false, fatal: [], logged: [] }
    return { ...node, node: this.#start(node) }
  }

  #start({ name, machine, fatal, logged }: Omit<WorldNode, 'node'>): RedisNode {
    const { scheduler, server } = this
    const {
      slots = 1,
      compaction = rarely,
      machineVersion = () => 1,
      machineFor = () => new RegisterMachine(),
      relaxed = false,
      replicas = 0,
    } = this.#options
    const prng = this.#prng.fork()
    const telemetry: Telemetry = {
      ...silentTelemetry,
      log: (level, event, fields) => logged.push(`${level} ${event} ${JSON.stringify(fields)}`),
    }
    const hooks = this.#options.hooks?.(name, machine)
    const node = new RedisNode(
      { name, address: addressOf(name), slots, compaction, machineVersion: machineVersion(name), relaxed, replicas },
      {
        clock: machine,
        redis: new SimRedisSlots({ clock: machine, network: { after: (ms, call) => scheduler.after(ms, call) }, server, node: name }),
        telemetry,
        prng,
        entropy: { hex: (bytes) => Array.from({ length: bytes }, () => prng.between(16, 255).toString(16)).join('') },
        connect: (self, clusterId) => this.network.attach(machine, self, clusterId),
        machineFor: (group) => machineFor(group, name),
        ...(hooks === undefined ? {} : { hooks }),
      },
      (reason) => fatal.push(reason),
    )
    node.start()
    return node
  }
}
