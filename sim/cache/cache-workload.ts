import { present } from '#base/assert.ts'
import { cacheKey, slotId } from '#core/cache/types.ts'
import { slotOf } from '#core/ring/partition.ts'
import { CacheServer } from '#services/cache/cache-server.ts'
import { MemoryMachine } from '#services/cache/memory-machine.ts'
import { pathLimits } from '#services/common/limits.ts'
import { ObservedMachine } from '#sim/checks/observed-machine.ts'
import { Actor } from '#sim/clients/actor.ts'
import { ServiceCalls } from '#sim/clients/calls.ts'
import { ClientLinks } from '#sim/clients/client-links.ts'
import type { SimOptions } from '#sim/options.ts'
import type { NodeLife, Served, Workload, World } from '#sim/workload.ts'
import { cacheActions, libraryActions } from './actions.ts'
import { runCaller } from './caller.ts'
import { runClearer } from './clearer.ts'
import { Addends } from './addends.ts'
import { Claims } from './claims.ts'
import type { CacheNode, ClientPorts } from './client-ports.ts'
import type { Part } from './coherence.ts'
import { Coherence } from './coherence.ts'
import type { Cause } from './key-log.ts'
import { Ledger } from './ledger.ts'
import { Applications } from '#sim/cache/library/applications.ts'
import type { CacheProgramPorts } from '#sim/cache/library/cache-program.ts'
import { liveWithCache } from '#sim/cache/library/lives.ts'
import { runLitmus } from '#sim/cache/litmus/runner.ts'
import type { Seat } from '#sim/cache/litmus/seat.ts'
import { cacheClients } from '#wire/cache-client-codec.ts'
import type { CacheClientMessage, CacheServerMessage } from '#wire/cache-client-message.ts'
import { capacityOf, drawCacheOptions, keysOf } from './options.ts'
import type { CacheOptions } from './options.ts'
import { OwnValues } from './own-values.ts'
import { Rebirths } from './rebirths.ts'
import { runResident } from './resident-client.ts'
import { behind, unrestOf } from './rest.ts'
import { Watcher } from './watcher.ts'

/** The cache on every node, its clients, and what is checked of both. */
export class CacheWorkload implements Workload {
  readonly usesPromises = true
  readonly actions: Map<string, number>
  readonly #world: World
  readonly #slots: number
  readonly #every: typeof usually
  readonly #options: CacheOptions
  readonly #keys: readonly string[]
  readonly #calls: ServiceCalls<CacheNode>
  readonly #links: ClientLinks<CacheClientMessage, CacheServerMessage>
  readonly #applications = new Applications()
  readonly #ledger: Ledger
  readonly #claims: Claims
  readonly #ownValues = new OwnValues(() => this.#ledger)
  readonly #coherence: Coherence
  readonly #rebirths: Rebirths
  readonly #nodes = new Map<string, Part>()
  readonly #watchers: Watcher[] = []
  readonly #failures: unknown[] = []
  readonly #served = { hits: 0, misses: 0, evictions: 0, snoops: 0, lapses: 0, lostCounted: 0 }
  readonly #addends = new Addends()
  #lastValue = 0
  readonly #working = new Set<string>()
  #stopped = false
  #events = 0
  /** Since when nobody asks for anything. */
  #quietAt: number | null = null

  /** `library`: with programs that use the client library. */
  constructor(world: World, { slots, fleeting, looksClosely }: SimOptions, { library }: { readonly library: boolean }) {
    this.#world = world
    this.#slots = slots
    this.#every = looksClosely ? { look: 1, lookInside: 1 } : usually
    const prng = world.prng.fork()
    const drawn = drawCacheOptions(prng, { fleeting })
    this.#options = library ? { ...drawn, callers: Math.min(drawn.callers, callersBesides) } : { ...drawn, libraryClients: 0 }
    this.actions = new Map([...cacheActions, ...(library ? libraryActions : [])].map((action) => [action, 0]))
    world.trace.line('sim', 'cache options', { ...this.#options })
    this.#keys = keysOf(this.#options)
    const now = (): number => world.scheduler.now
    this.#calls = new ServiceCalls(world)
    this.#links = new ClientLinks({ ...world, prng }, cacheClients)
    this.#claims = new Claims(now, () => this.#ledger)
    this.#ledger = new Ledger({
      now,
      slots,
      pressure: this.#options.pressure,
      added: (log, moment) => {
        if (ownCauses.has(moment.cause)) this.#did(moment.cause)
        if (moment.endsAt !== null) this.#did('write-ttl')
        this.#claims.added(log, moment, log.before(moment))
      },
    })
    this.#coherence = new Coherence(this.#claims, slots)
    this.#rebirths = new Rebirths(world.cluster.nodes, (group, life) => this.#ledger.forgotten(group, life))
  }

  readonly serve = (life: NodeLife): Served => {
    const { name } = life
    const { limits, snoops } = this.#options
    const capacity = capacityOf(this.#options, Number(name.slice(1)))
    const server = new CacheServer({ ...life, version: '0.0.0', hasRoom: () => true, limits, snoops, capacity })
    return {
      ports: { machineFor: (group) => this.#machine(life, server, group), hooks: server },
      start: () => {
        server.start()
        this.#nodes.set(name, { at: this.#world.cluster.byName(name), server })
        this.#calls.serve(name, nodeOf(server))
        this.#links.serve(name, server.clients)
      },
      drain: () => {
        server.clients.going()
        this.#calls.drain(name)
        server.leave()
      },
      stop: () => {
        this.#links.stopped(name)
        server.stop()
      },
      crashed: () => {
        this.#count(server)
        this.#nodes.delete(name)
        this.#calls.crashed(name)
        this.#links.crashed(name)
      },
    }
  }

  #machine({ name, checks }: NodeLife, server: CacheServer, group: number): ObservedMachine {
    const machine = server.newMachine(group)
    const memory = machine instanceof MemoryMachine ? machine : null
    return new ObservedMachine(machine, {
      group,
      node: name,
      checks,
      every: 64,
      applied: (bytes, { index, position, term, time }, answer) => {
        const { state } = present(memory, 'a slot of the cache has its memory')
        this.#ledger.applied({ slot: group, index, position, term, time, bytes, answer, state })
      },
    })
  }

  get totals(): Workload['totals'] {
    return {
      ...this.#calls.totals,
      ...this.#ledger.totals,
      ...this.#claims.totals,
      ...this.#ownValues.totals,
      ...this.#coherence.totals,
      ...this.#served,
      ...this.#links.totals,
      ...this.#applications.totals,
    }
  }

  start(): void {
    const { callers, residents, watchers, litmus, libraryClients } = this.#options
    for (let at = 1; at <= callers; at++) this.#live(`caller-${at}`, runCaller(this.#portsOf(`caller-${at}`)))
    for (let at = 1; at <= residents; at++) this.#live(`resident-${at}`, runResident(this.#portsOf(`resident-${at}`), at))
    for (let at = 1; at <= litmus; at++) {
      const thread = (name: string): ClientPorts => this.#portsOf(name)
      const seats = (): readonly Seat[] => [...this.#applications.seats]
      this.#live(`litmus-${at}`, runLitmus(this.#portsOf(`litmus-${at}`), { thread, seats, slots: this.#slots }))
    }
    for (let at = 1; at <= watchers; at++) {
      const watcher = new Watcher(this.#portsOf(`watcher-${at}`))
      this.#watchers.push(watcher)
      this.#live(`watcher-${at}`, watcher.run())
    }
    for (let at = 1; at <= libraryClients; at++) this.#live(`library-${at}`, liveWithCache(`library-${at}`, this.#programPorts))
    if (this.#options.clearThinkMs !== null)
      this.#live('clearer', runClearer(this.#portsOf('clearer'), this.#options.clearThinkMs, this.#slots))
  }

  stop(): void {
    this.#stopped = true
  }

  afterEvent(): void {
    if (this.#failures.length > 0) throw this.#failures[0]
    this.#events++
    this.#rebirths.look()
    if (this.#events % this.#every.look === 0) this.#coherence.look(this.#parts, this.#applications.usableLines)
    if (this.#events % this.#every.lookInside === 0) this.#coherence.lookInside(this.#parts)
  }

  unrest(): string | null {
    if (this.#working.size > 0) return `not done: ${[...this.#working].join(', ')}`
    if (this.#calls.open > 0) return `${this.#calls.open} calls are open`
    if (this.#links.open > 0) return `${this.#links.open} links are open`
    this.#quietAt ??= this.#world.scheduler.now
    if (this.#world.scheduler.now - this.#quietAt < lateMs) return 'what nobody knows the outcome of may still come'
    return unrestOf(this.#parts, this.#slots) ?? behind(this.#watchers, this.#ledger)
  }

  judge(): void {
    this.#coherence.look(this.#parts, this.#applications.usableLines)
    this.#coherence.lookInside(this.#parts)
    const living = new Map(
      this.#parts.map(({ server: { bus } }) => [String(bus.agent.agent.state.id), bus.agent.agent.state.counters.lost]),
    )
    for (const { server } of this.#parts) this.#count(server)
    this.#claims.judge((agent) => living.get(agent) ?? this.#applications.lostBy(agent))
  }

  get #parts(): readonly Part[] {
    return [...this.#nodes.values()]
  }

  #count(server: CacheServer): void {
    const { hits, misses, evictions, snoops, lapses, lost } = server.bus.agent.agent.state.counters
    this.#served.hits += hits
    this.#served.misses += misses
    this.#served.evictions += evictions
    this.#served.snoops += snoops
    this.#served.lapses += lapses
    this.#served.lostCounted += lost
  }

  #did(action: string): void {
    this.actions.set(action, (this.actions.get(action) ?? 0) + 1)
  }

  get #programPorts(): CacheProgramPorts {
    return {
      world: this.#world,
      links: this.#links,
      claims: this.#claims,
      ledger: this.#ledger,
      applications: this.#applications,
      options: this.#options,
      keys: this.#keys,
      nextValue: () => ++this.#lastValue,
      addends: this.#addends,
      did: (action) => this.#did(action),
      isOver: () => this.#stopped,
      failed: (error) => void this.#failures.push(error),
    }
  }

  #portsOf(name: string): ClientPorts {
    const { nodes } = this.#world.cluster
    return {
      actor: new Actor(name, { world: this.#world, calls: this.#calls }),
      claims: this.#claims,
      ownValues: this.#ownValues,
      options: this.#options,
      keys: this.#keys,
      nextValue: () => ++this.#lastValue,
      addends: this.#addends,
      did: (action) => this.#did(action),
      isOver: () => this.#stopped,
      failed: (error) => void this.#failures.push(error),
      nodes: () => {
        const up = nodes.filter(({ node }) => node?.cluster)
        return up.length > 0 ? up : nodes
      },
    }
  }

  #live(name: string, client: Promise<void>): void {
    this.#working.add(name)
    client.then(
      () => void this.#working.delete(name),
      (error: unknown) => void this.#failures.push(error),
    )
  }
}

const nodeOf = ({ bus, cache, clients }: CacheServer): CacheNode => ({
  cache,
  clients,
  host: bus.agent,
  agent: bus.agent.agent.state.id,
  slotOf: (key) => (bus.slots === null ? null : slotId(slotOf(cacheKey(key), 0, bus.slots))),
})

/** What is counted that nobody did to the key by its name. */
const ownCauses: ReadonlySet<string> = new Set<Cause>(['expire', 'evict', 'push', 'clear', 'lost'])

/** A command that was called unknown goes along with others for as long as those wait for their answers. */
const lateMs = 2 * pathLimits.answerMs
/** Beside programs that use the library. */
const callersBesides = 3
/** Events between two looks at all copies, and at each part by itself. */
const usually = { look: 5, lookInside: 331 }
