import type { LockApi } from '#api/locks/lock-api.ts'
import { HistoryRecorder } from '#sim/checker/history.ts'
import { checkLinearizability } from '#sim/checker/linearizability.ts'
import { ObservedMachine } from '#sim/checks/observed-machine.ts'
import { Violation } from '#sim/checks/violation.ts'
import type { NodeLife, Served, Workload, World } from '#sim/workload.ts'
import { LockServer } from '#services/lock/lock-server.ts'
import { ClientLinks } from '#sim/clients/client-links.ts'
import { fates } from '#sim/clients/fate.ts'
import { liveWithLibrary } from '#sim/lock/library/lives.ts'
import type { LockProgramPorts } from '#sim/lock/library/lock-program.ts'
import { lockClients } from '#wire/client-codec.ts'
import type { ClientMessage, ServerMessage } from '#wire/client-message.ts'
import { Actor, Dead } from '#sim/clients/actor.ts'
import { Beliefs } from './beliefs.ts'
import { ServiceCalls } from '#sim/clients/calls.ts'
import { runLeaseClient, runSessionClient } from './clients.ts'
import type { HolderPorts } from './holder.ts'
import { Ledger } from './ledger.ts'
import { runOperator } from './operator.ts'
import { drawLockOptions } from './options.ts'
import type { LockOptions } from './options.ts'
import { runPlainClient } from './plain-client.ts'
import { plainLockModel } from './plain-lock-model.ts'
import type { PlainInput, PlainOutput } from './plain-lock-model.ts'
import { pathLimits } from '#services/common/limits.ts'

/** The locks on every node, their clients, and what is checked of both. */
export class LockWorkload implements Workload {
  readonly usesPromises = true
  readonly actions: Map<string, number>
  readonly #world: World
  readonly #options: LockOptions
  readonly #calls: ServiceCalls<LockApi>
  readonly #links: ClientLinks<ClientMessage, ServerMessage>
  readonly #ledger: Ledger
  readonly #beliefs: Beliefs
  readonly #history: HistoryRecorder<PlainInput, PlainOutput>
  readonly #failures: unknown[] = []
  #working = 0
  #stopped = false
  /** Since when nobody asks for anything. */
  #quietAt: number | null = null
  #swept = false

  /** `library`: with programs that use the client library. */
  constructor(world: World, { library }: { readonly library: boolean }) {
    this.#world = world
    const drawn = drawLockOptions(world.prng.fork())
    this.#options = library ? drawn : { ...drawn, libraryClients: 0 }
    this.actions = new Map([...lockActions, ...(library ? libraryActions : [])].map((action) => [action, 0]))
    world.trace.line('sim', 'lock options', { ...this.#options })
    const now = (): number => world.scheduler.now
    this.#calls = new ServiceCalls(world)
    this.#links = new ClientLinks(world, lockClients)
    this.#ledger = new Ledger(now, {
      holdEnded: (owner, { resource }, reason) => this.#beliefs.holdEnded(owner, resource, reason),
      sessionEnded: (session, reason) => this.#beliefs.sessionEnded(session, reason),
    })
    this.#beliefs = new Beliefs(this.#ledger, now)
    this.#history = new HistoryRecorder(now)
  }

  readonly serve = (life: NodeLife): Served => {
    const { name, checks } = life
    const server = new LockServer({ ...life, version: '0.0.0', hasRoom: () => true })
    const applying: Ledger['applying'] = (command, context) => this.#ledger.applying(command, context)
    return {
      ports: {
        machineFor: (group) => new ObservedMachine(server.newMachine(), { group, node: name, checks, every: 64, applying }),
        hooks: server,
      },
      start: () => {
        server.start()
        this.#calls.serve(name, server.locks)
        this.#links.serve(name, server.clients)
      },
      drain: () => {
        server.clients.going()
        this.#calls.drain(name)
      },
      stop: () => {
        this.#links.stopped(name)
        server.stop()
      },
      crashed: () => {
        this.#calls.crashed(name)
        this.#links.crashed(name)
      },
    }
  }

  get totals(): Workload['totals'] {
    const plain = this.#history.operations().length
    return { ...this.#calls.totals, ...this.#ledger.totals, ...this.#beliefs.totals, ...this.#links.totals, plain }
  }

  start(): void {
    const { leaseClients, sessionClients, libraryClients, plainClients, plainKeys: keys, thinkMs } = this.#options
    for (let at = 1; at <= leaseClients; at++) this.#live(`lease-${at}`, (ports) => runLeaseClient(ports))
    for (let at = 1; at <= sessionClients; at++) this.#live(`session-${at}`, (ports) => runSessionClient(ports))
    for (let at = 1; at <= libraryClients; at++) void this.#work(liveWithLibrary(`library-${at}`, this.#programPorts))
    for (let at = 1; at <= plainClients; at++)
      this.#live(`plain-${at}`, (ports) => runPlainClient({ ...ports, history: this.#history, keys, thinkMs }))
    this.#live('operator', (ports) => runOperator(ports, this.#world))
  }

  stop(): void {
    this.#stopped = true
  }

  afterEvent(): void {
    if (this.#failures.length > 0) throw this.#failures[0]
  }

  unrest(): string | null {
    if (this.#working > 0) return `${this.#working} clients are not done`
    if (this.#calls.open > 0) return `${this.#calls.open} calls are open`
    if (this.#links.open > 0) return `${this.#links.open} links are open`
    this.#quietAt ??= this.#world.scheduler.now
    if (this.#world.scheduler.now - this.#quietAt < lateMs) return 'what nobody knows the outcome of may still come'
    if (!this.#swept) this.#sweep()
    return this.#leftover()
  }

  judge(): void {
    this.#ledger.checkInvariants()
    const verdict = checkLinearizability(plainLockModel, this.#history.operations())
    if (verdict.type === 'violation') throw new Violation(`not linearizable:\n${verdict.counterexample.text}`)
    if (verdict.type === 'undecided') throw new Violation(`linearizability is undecided for ${verdict.keys.join(', ')}`)
  }

  /** Nobody holds, waits, or has a session any more but the nodes that live. */
  #leftover(): string | null {
    const { held, waiting, sessions, resources, clients } = this.#ledger.state
    if (held + waiting + resources.size + clients.size > 0) return `${held} locks, ${waiting} waits and ${clients.size} clients are left`
    const nodes = this.#world.cluster.nodes.filter(({ node }) => node !== null).length
    const owners = [...sessions.values()].map(({ type }) => type)
    if (owners.includes('client')) return 'sessions of clients are left'
    return owners.length > nodes ? `${owners.length} sessions are left of ${nodes} nodes` : null
  }

  /** The locks that have no end of their own are taken away, once, when nobody asks for them any more. */
  #sweep(): void {
    this.#swept = true
    const actor = new Actor('sweeper', { world: this.#world, calls: this.#calls })
    const sweep = async (): Promise<void> => {
      for (let at = 1; at <= this.#options.plainKeys; at++) {
        for (let isDone = false; !isDone;) {
          const { told } = await actor.call('force-release', (locks, call) => locks.forceRelease({ resource_id: `plain-${at}` }, call))
          isDone = told.ok || told.error.code === 'unknown_resource'
        }
      }
    }
    void this.#work(sweep())
  }

  /** One life after the other: who has died comes back under another name and knows nothing. */
  #live(name: string, run: (ports: HolderPorts) => Promise<void>): void {
    const lives = async (): Promise<void> => {
      for (let life = 1; !this.#stopped; life++) {
        const actor = new Actor(`${name}.${life}`, { world: this.#world, calls: this.#calls })
        try {
          await run(this.#portsOf(actor))
        } catch (error) {
          if (!(error instanceof Dead)) throw error
          this.#beliefs.forget(actor.id)
        }
      }
    }
    void this.#work(lives())
  }

  #portsOf(actor: Actor<LockApi>): HolderPorts {
    return {
      actor,
      beliefs: this.#beliefs,
      ledger: this.#ledger,
      options: this.#options,
      did: this.#did,
      isOver: () => this.#stopped,
      besides: (task) => void this.#work(task),
    }
  }

  get #programPorts(): LockProgramPorts {
    return {
      world: this.#world,
      links: this.#links,
      beliefs: this.#beliefs,
      ledger: this.#ledger,
      options: this.#options,
      did: this.#did,
      isOver: () => this.#stopped,
      failed: (error) => void this.#failures.push(error),
    }
  }

  readonly #did = (action: string): void => {
    this.actions.set(action, (this.actions.get(action) ?? 0) + 1)
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

/** Each must have been done in some run. */
const lockActions = [
  'acquire-try',
  'acquire-wait',
  'acquire-background',
  'acquire-many-try',
  'acquire-many-wait',
  'acquire-many-background',
  'ask-again',
  'send-again',
  'leave-queue',
  'nested',
  'upgrade',
  'extend',
  'release',
  'release-by-token',
  'check',
  'stale-token-refused',
  'hang-up',
  'abandon',
  'freeze',
  'crash',
  'session-open',
  'session-keep',
  'session-keep-late',
  'session-end',
  'session-abandon',
  'session-lost',
  'told-deadlock',
  'told-wait_die',
  'told-wounded',
  'told-lock_timeout',
  'told-superseded',
  'told-hold_ended',
  'configure',
  'force-release',
  'look',
  'look-at-deadlocks',
  'plain-acquire',
  'plain-release',
  'plain-check',
  'plain-look',
]

const libraryActions = [
  ...fates,
  'library-connect-again',
  'library-lock',
  'library-with-lock',
  'library-nested',
  'library-again',
  'library-acquire-many',
  'library-owner',
  'library-elect',
  'library-lead',
  'library-abort',
  'library-upgrade',
  'library-downgrade',
  'library-check',
  'library-close',
  'library-lost-expired',
  'library-lost-forced',
  'library-lost-closed',
  'library-told-aborted',
  'library-told-closed',
  'library-told-deadlock',
  'library-told-lease_expired',
  'library-told-lock_timeout',
  'library-told-timeout',
]
