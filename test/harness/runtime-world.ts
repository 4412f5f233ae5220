import { deepEqual, ok } from 'node:assert/strict'
import { present } from '#base/assert.ts'
import { Prng } from '#base/prng.ts'
import type { RegisterCommand } from '#core/register/register.ts'
import { logIndex, replicaId } from '#core/raft/types.ts'
import type { ReplicaId, RoleChange, Timing } from '#core/raft/types.ts'
import type { LogStore, StoreFailure } from '#ports/log-store.ts'
import { silentTelemetry } from '#ports/telemetry.ts'
import type { NodeKey, Transport } from '#ports/transport.ts'
import { encodeRegisterCommand, RegisterMachine } from '#services/register/register-machine.ts'
import { Trace } from '#sim/trace.ts'
import { Disk } from '#sim/world/disk.ts'
import { Machine } from '#sim/world/machine.ts'
import { addressOf, Network } from '#sim/world/network.ts'
import { Scheduler } from '#sim/world/scheduler.ts'
import { encodeCommand } from '#wire/command.ts'
import type { PeerMessage, ProposalOutcome } from '#wire/peer-message.ts'
import type { Group } from '#runtime/group.ts'
import { ReplicaHost } from '#runtime/host.ts'
import type { CompactionPolicy } from '#runtime/limits.ts'
import { PeerService } from '#runtime/peer-service.ts'
import type { StateMachine } from '#runtime/state-machine.ts'

/** Hosts without a cluster around them, on simulated machines, disks and a network without faults; the test says which groups there are. */

export const timing: Timing = { heartbeatMs: 100, electionMinMs: 500, electionMaxMs: 1_000, leaseMs: 450 }
export const faultless = { delayMinMs: 0.05, delayMeanMs: 0.5, loss: 0, duplication: 0, reordering: 0, codec: 0.2 }
export const rarely: CompactionPolicy = { bytes: 1e9, entries: 1e9, keepEntries: 10 }

interface WorldOptions {
  readonly names: readonly string[]
  readonly seed?: number
  readonly compaction?: CompactionPolicy
  readonly machineFor?: (group: number) => StateMachine
  readonly machineVersion?: number
  /** Sees, and may replace, what a node uses as its store. */
  readonly store?: (store: LogStore, name: string) => LogStore
  readonly roleChanged?: (name: string, group: number, change: RoleChange) => void
  /** Sees every message that is handed to a transport. */
  readonly sent?: (from: string, to: string, message: PeerMessage) => void
}

export interface HostedNode {
  readonly name: string
  readonly self: NodeKey
  readonly machine: Machine
  readonly disk: Disk
  host: ReplicaHost
  transport: Transport
  readonly failures: StoreFailure[]
  down: boolean
}

export class World {
  readonly scheduler = new Scheduler()
  readonly network: Network
  readonly nodes: readonly HostedNode[]
  readonly #prng: Prng
  readonly #options: WorldOptions

  constructor(options: WorldOptions) {
    this.#options = options
    this.#prng = new Prng(options.seed ?? 1)
    const { scheduler } = this
    this.network = new Network({ scheduler, prng: this.#prng.fork(), trace: new Trace(null, () => scheduler.now) }, faultless)
    this.nodes = options.names.map((name) => this.#build(name))
    this.run(50)
  }

  get(name: string): HostedNode {
    return present(
      this.nodes.find((node) => node.name === name),
      'the node exists',
    )
  }

  /** Founds a group with one voter on each of these nodes. */
  found(group: number, names: readonly string[] = this.#options.names): void {
    const initial = { voters: names.map((name) => replicaOn(name)), outgoing: [], learners: [] }
    for (const name of names) this.get(name).host.create(group, { replica: replicaOn(name), initial, decidedAt: logIndex(0) }, () => {})
  }

  run(ms: number): void {
    this.scheduler.run(this.scheduler.now + ms, () => {})
  }

  until(what: string, happened: () => boolean, withinMs = 10_000): void {
    const deadline = this.scheduler.now + withinMs
    while (!happened() && this.scheduler.now < deadline) this.run(5)
    ok(happened(), `${what} within ${withinMs} ms`)
  }

  replica(name: string, group: number): Group {
    const { host, down } = this.get(name)
    return present(down ? null : host.groups.get(group), 'the node has a replica of the group')
  }

  /** Those that believe to lead. */
  leaders(group: number): string[] {
    return this.nodes.filter(({ host, down }) => !down && host.groups.get(group)?.raft.role === 'leader').map(({ name }) => name)
  }

  elect(group: number): string {
    this.until(`group ${group} has a leader`, () => this.leaders(group).some((name) => this.replica(name, group).raft.termStarted))
    return present(this.leaders(group)[0], 'somebody leads')
  }

  /** What becomes of commands that are proposed together at one replica; empty while that is not known. */
  propose(name: string, group: number, commands: readonly Uint8Array[]): ProposalOutcome[] {
    const outcomes: ProposalOutcome[] = []
    let calls = 0
    this.replica(name, group).propose({
      commands,
      done: (settled) => {
        deepEqual(++calls, 1, 'every batch is answered once')
        outcomes.push(...settled)
      },
    })
    return outcomes
  }

  crash(name: string): void {
    const node = this.get(name)
    node.down = true
    node.machine.crash()
    node.disk.crash()
    this.network.crashed(name)
  }

  /** With what the disk has kept. */
  restart(name: string): void {
    const node = this.get(name)
    Object.assign(node, this.#start(node), { down: false })
    node.host.store.load((outcome) => {
      if (outcome.type !== 'loaded') throw new Error('the store is damaged')
      for (const { group, tombstone } of outcome.tombstones) node.host.own.buryEncoded(group, tombstone)
      for (const stored of outcome.groups) node.host.open(stored)
    })
    this.run(50)
  }

  #build(name: string): HostedNode {
    const { scheduler } = this
    const machine = new Machine(name, scheduler, { touched() {} })
    const disk = new Disk({ scheduler, machine, prng: this.#prng.fork() })
    const node = { name, self: { name, incarnation: `i${name}` }, machine, disk, failures: [], down: false }
    return { ...node, ...this.#start(node) }
  }

  #start(node: Omit<HostedNode, 'host' | 'transport'>): Pick<HostedNode, 'host' | 'transport'> {
    const { self, machine, disk } = node
    const { compaction = rarely, machineFor = () => new RegisterMachine(), machineVersion = 1, store = (own) => own } = this.#options
    const transport = this.#transport(node)
    const host: ReplicaHost = new ReplicaHost(
      {
        node: self,
        compaction,
        machineFor,
        machineVersion,
        events: {
          request: (from, request, respond) => {
            if (request.type !== 'hello' && request.type !== 'form' && request.type !== 'join' && request.type !== 'service')
              service.answer(from, request, respond)
          },
          notice() {},
          advanced() {},
          roleChanged: (group, change) => this.#options.roleChanged?.(node.name, group, change),
          failed: (failure) => node.failures.push(failure),
        },
      },
      { clock: machine, transport, store: store(disk.open(), node.name), telemetry: silentTelemetry, prng: this.#prng.fork() },
      timing,
    )
    const service = new PeerService(host, self)
    transport.start({
      message: (from, message) => host.message(from, message),
      up: (peer) => host.peerUp(peer),
      down: (peer) => host.peerDown(peer),
    })
    transport.setPeers(this.#options.names.filter((name) => name !== node.name).map((name) => ({ name, address: addressOf(name) })))
    return { host, transport }
  }

  #transport({ name, machine, self }: Omit<HostedNode, 'host' | 'transport'>): Transport {
    const transport = this.network.attach(machine, self, () => 'cluster')
    const { sent } = this.#options
    if (sent === undefined) return transport
    return {
      start: (handlers) => transport.start(handlers),
      setPeers: (peers) => transport.setPeers(peers),
      stop: (done) => transport.stop(done),
      send: (to, lane, message) => {
        sent(name, to, message)
        transport.send(to, lane, message)
      },
    }
  }
}

export const replicaOn = (name: string, generation = 0): ReplicaId => replicaId(`${name}/i${name}/${generation}`)

export const anonymous = (command: RegisterCommand): Uint8Array =>
  encodeCommand({ type: 'anonymous', body: encodeRegisterCommand(command) })
export const add = (by: number, key = 'k'): Uint8Array => anonymous({ type: 'add', key, by })
