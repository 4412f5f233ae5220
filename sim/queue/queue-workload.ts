import type { QueueApi } from '#api/queues/queue-api.ts'
import { present } from '#base/assert.ts'
import { CatalogueMachine } from '#services/queue/catalogue-machine.ts'
import { catalogueGroupOf } from '#services/queue/limits.ts'
import { QueueStateMachine } from '#services/queue/queue-machine.ts'
import { QueueServer } from '#services/queue/queue-server.ts'
import type { StorageUse } from '#services/queue/viewing.ts'
import { pathLimits } from '#services/common/limits.ts'
import { ObservedMachine } from '#sim/checks/observed-machine.ts'
import type { Observed } from '#sim/checks/observed-machine.ts'
import { Actor, Dead } from '#sim/clients/actor.ts'
import { ClientLinks } from '#sim/clients/client-links.ts'
import { ServiceCalls } from '#sim/clients/calls.ts'
import type { SimOptions } from '#sim/options.ts'
import type { NodeLife, Served, Workload, World } from '#sim/workload.ts'
import { libraryActions, queueActions } from './actions.ts'
import { Beliefs } from './beliefs.ts'
import { Claims } from './claims.ts'
import type { ClientPorts } from './client-ports.ts'
import { runConsumer } from './consumer.ts'
import { drain } from './drain.ts'
import { liveWithQueues } from '#sim/queue/library/lives.ts'
import type { QueueProgramPorts } from '#sim/queue/library/queue-program.ts'
import { workAllOff } from '#sim/queue/library/work-all-off.ts'
import { queueClients } from '#wire/queue-client-codec.ts'
import type { QueueClientMessage, QueueServerMessage } from '#wire/queue-client-message.ts'
import { Ledger } from './ledger.ts'
import { runOperator } from './operator.ts'
import { drawQueueOptions } from './options.ts'
import type { QueueOptions } from './options.ts'
import { runProducer, runSequencer } from './producer.ts'

/** The queues on every node, their clients, and what is checked of both. */
export class QueueWorkload implements Workload {
  readonly usesPromises = true
  readonly actions: Map<string, number>
  readonly #world: World
  readonly #slots: number
  readonly #options: QueueOptions
  readonly #calls: ServiceCalls<QueueApi>
  readonly #links: ClientLinks<QueueClientMessage, QueueServerMessage>
  readonly #ledger: Ledger
  readonly #claims: Claims
  readonly #beliefs: Beliefs
  readonly #servers = new Map<string, QueueServer>()
  /** Of each node, the newest. */
  readonly #catalogues = new Map<string, CatalogueMachine>()
  readonly #failures: unknown[] = []
  #stoppedAt = -Infinity
  #working = 0
  #stopped = false
  #events = 0
  /** Since when nobody asks for anything. */
  #quietAt: number | null = null
  #drained = false

  /** `library`: with programs that use the client library. */
  constructor(world: World, { slots }: SimOptions, { library }: { readonly library: boolean }) {
    this.#world = world
    this.#slots = slots - 1
    const prng = world.prng.fork()
    const drawn = drawQueueOptions(prng)
    this.#options = library ? drawn : { ...drawn, libraryClients: 0 }
    this.actions = new Map([...queueActions, ...(library ? libraryActions : [])].map((action) => [action, 0]))
    world.trace.line('sim', 'queue options', { ...this.#options })
    const now = (): number => world.scheduler.now
    this.#calls = new ServiceCalls(world)
    this.#ledger = new Ledger(now)
    const later = (check: () => void): void => void world.scheduler.after(2_000, check)
    this.#claims = new Claims(this.#ledger, { now, later })
    this.#beliefs = new Beliefs(now, (id) => this.#ledger.keyOf(id))
    this.#links = new ClientLinks({ ...world, prng }, queueClients)
  }

  readonly serve = (life: NodeLife): Served => {
    const { name } = life
    const storage = async (): Promise<StorageUse> => ({ used: 0, free: null, durable: true })
    const server = new QueueServer({ ...life, slots: this.#slots, version: '0.0.0', hasRoom: () => true, storage })
    return {
      ports: { machineFor: (group) => this.#machine(life, server, group), hooks: server },
      start: () => {
        this.#servers.set(name, server)
        this.#calls.serve(name, server.queues)
        this.#links.serve(name, server.clients)
      },
      drain: () => {
        this.#stoppedAt = this.#world.scheduler.now
        server.clients.going()
        this.#calls.drain(name)
      },
      stop: () => {
        this.#links.stopped(name)
        server.stop()
      },
      crashed: () => {
        this.#servers.delete(name)
        this.#calls.crashed(name)
        this.#links.crashed(name)
      },
    }
  }

  #machine({ name, checks, node }: NodeLife, server: QueueServer, group: number): ObservedMachine {
    const machine = server.newMachine(group)
    if (machine instanceof CatalogueMachine) this.#catalogues.set(name, machine)
    const observed: Observed = { group, node: name, checks, every: 64 }
    if (group === catalogueGroupOf(this.#slots) || !(machine instanceof QueueStateMachine)) return new ObservedMachine(machine, observed)
    const { clusterId } = present(node().identity?.formation, 'a node with replicas belongs to a cluster')
    return new ObservedMachine(machine, {
      ...observed,
      applied: (bytes, context, answer) =>
        this.#ledger.applied(
          { clusterId, slot: group },
          { bytes, context, answer, state: machine.state, leads: node().leadership(group) !== null },
        ),
    })
  }

  get totals(): Workload['totals'] {
    return { ...this.#calls.totals, ...this.#ledger.sums, ...this.#claims.totals, ...this.#beliefs.totals, ...this.#links.totals }
  }

  start(): void {
    const { producers, sequencers, consumers, libraryClients } = this.#options
    for (let at = 1; at <= producers; at++) this.#live(`producer-${at}`, runProducer)
    for (let at = 1; at <= sequencers; at++) this.#live(`sequencer-${at}`, runSequencer)
    for (let at = 1; at <= consumers; at++) this.#live(`consumer-${at}`, runConsumer)
    this.#live('operator', runOperator)
    for (let at = 1; at <= libraryClients; at++) void this.#work(liveWithQueues(`library-${at}`, this.#programPorts))
  }

  stop(): void {
    this.#stopped = true
  }

  afterEvent(): void {
    if (this.#failures.length > 0) throw this.#failures[0]
    if (++this.#events % checkEvery === 0) for (const server of this.#servers.values()) server.checkInvariants()
  }

  unrest(): string | null {
    const left = this.#ledger.alive
    if (this.#working > 0) {
      const [first] = left
      return `${this.#working} clients are not done, and ${left.length} messages are left${first === undefined ? '' : `, the first ${first.text} of ${first.queue}`}`
    }
    if (this.#calls.open > 0) return `${this.#calls.open} calls are open`
    if (this.#links.open > 0) return `${this.#links.open} links are open`
    this.#quietAt ??= this.#world.scheduler.now
    if (this.#world.scheduler.now - this.#quietAt < lateMs) return 'what nobody knows the outcome of may still come'
    const unaware = this.#drained ? null : this.#unaware()
    if (unaware !== null) return unaware
    if (!this.#drained) this.#drain()
    return this.#working > 0 ? 'the queues are being drained' : null
  }

  /** A slot that has other settings than the catalogue. */
  #unaware(): string | null {
    const listings = [...this.#catalogues.values()].flatMap(({ catalogue }) => [...catalogue.list({ prefix: '', after: null })])
    const newest = new Map<number, number>()
    for (const { generation, revision } of listings) newest.set(generation, Math.max(revision, newest.get(generation) ?? 0))
    for (const { slot, generation, revision, name } of this.#ledger.definitions)
      if (revision < (newest.get(generation) ?? 0)) return `slot ${slot} has older settings of ${name} than the catalogue`
    return null
  }

  judge(): void {
    this.#claims.judge()
  }

  #drain(): void {
    this.#drained = true
    const work = async (): Promise<void> => {
      if (this.#options.libraryClients > 0) await workAllOff({ ...this.#programPorts, isOver: () => false })
      await drain(this.#portsOf('drainer'), this.#ledger)
    }
    void this.#work(work())
  }

  /** One life after the other: who has died comes back under another name and knows nothing. */
  #live(name: string, run: (ports: ClientPorts) => Promise<void>): void {
    const lives = async (): Promise<void> => {
      for (let life = 1; !this.#stopped; life++) {
        const ports = this.#portsOf(`${name}.${life}`)
        try {
          await run(ports)
        } catch (error) {
          if (!(error instanceof Dead)) throw error
          this.#beliefs.forget(ports.actor.id)
        }
      }
    }
    void this.#work(lives())
  }

  get #programPorts(): QueueProgramPorts {
    return {
      world: this.#world,
      links: this.#links,
      ledger: this.#ledger,
      claims: this.#claims,
      beliefs: this.#beliefs,
      options: this.#options,
      did: this.#did,
      isOver: () => this.#stopped,
      stoppedSince: this.#stoppedSince,
      failed: (error) => void this.#failures.push(error),
    }
  }

  readonly #did = (action: string): void => void this.actions.set(action, (this.actions.get(action) ?? 0) + 1)
  readonly #stoppedSince = (at: number): boolean => this.#stoppedAt >= at

  #portsOf(name: string): ClientPorts {
    return {
      actor: new Actor(name, { world: this.#world, calls: this.#calls }),
      claims: this.#claims,
      beliefs: this.#beliefs,
      options: this.#options,
      did: this.#did,
      isOver: () => this.#stopped,
      stoppedSince: this.#stoppedSince,
    }
  }

  async #work(client: Promise<void>): Promise<void> {
    this.#working++
    try {
      await client
    } catch (error) {
      if (!(error instanceof Dead)) this.#failures.push(error)
    }
    this.#working--
  }
}

/** A command that was called unknown goes along with others for as long as those wait for their answers. */
const lateMs = 2 * pathLimits.answerMs
/** Events between two looks at who waits. */
const checkEvery = 20
