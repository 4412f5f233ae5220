import { HistoryRecorder } from '#sim/checker/history.ts'
import { checkLinearizability } from '#sim/checker/linearizability.ts'
import { ObservedMachine } from '#sim/checks/observed-machine.ts'
import { Violation } from '#sim/checks/violation.ts'
import type { NodeLife, Served, Workload, World } from '#sim/workload.ts'
import { LockServer } from '#services/lock/lock-server.ts'
import { Actor, Dead } from './actor.ts'
import { Beliefs } from './beliefs.ts'
import { LockCalls } from './calls.ts'
import { runLeaseClient, runSessionClient } from './clients.ts'
import type { HolderPorts } from './holder.ts'
import { Ledger } from './ledger.ts'
import { runOperator } from './operator.ts'
import { drawLockOptions } from './options.ts'
import type { LockOptions } from './options.ts'
import { runPlainClient } from './plain-client.ts'
import { plainLockModel } from './plain-lock-model.ts'
import type { PlainInput, PlainOutput } from './plain-lock-model.ts'

/** The locks on every node, their clients, and what is checked of both. */
export class LockWorkload implements Workload {
  readonly usesPromises = true
  readonly actions = new Map<string, number>(lockActions.map((action) => [action, 0]))
  readonly #world: World
  readonly #options: LockOptions
  readonly #calls: LockCalls
  readonly #ledger: Ledger
  readonly #beliefs: Beliefs
  readonly #history: HistoryRecorder<PlainInput, PlainOutput>
  readonly #failures: unknown[] = []
  #working = 0
  #stopped = false
  #swept = false

  constructor(world: World) {
    this.#world = world
    this.#options = drawLockOptions(world.prng.fork())
    world.trace.line('sim', 'lock options', { ...this.#options })
    const now = (): number => world.scheduler.now
    this.#calls = new LockCalls(world)
    this.#ledger = new Ledger(now, {
      holdEnded: (owner, { resource }, reason) => this.#beliefs.holdEnded(owner, resource, reason),
      sessionEnded: (session, reason) => this.#beliefs.sessionEnded(session, reason),
    })
    this.#beliefs = new Beliefs(this.#ledger, now)
    this.#history = new HistoryRecorder(now)
  }

  readonly serve = (life: NodeLife): Served => {
    const { name, checks } = life
    const server = new LockServer({ ...life, version: '0.0.0' })
    const applying: Ledger['applying'] = (command, context) => this.#ledger.applying(command, context)
    return {
      ports: {
        machineFor: (group) => new ObservedMachine(server.newMachine(), { group, node: name, checks, every: 64, applying }),
        hooks: server,
      },
      start: () => {
        server.start()
        this.#calls.serve(name, server.locks)
      },
      drain: () => this.#calls.drain(name),
      stop: () => server.stop(),
      crashed: () => this.#calls.crashed(name),
    }
  }

  get totals(): Workload['totals'] {
    return { ...this.#calls.totals, ...this.#ledger.totals, ...this.#beliefs.totals, plain: this.#history.operations().length }
  }

  start(): void {
    const { leaseClients, sessionClients, plainClients, plainKeys: keys, thinkMs } = this.#options
    for (let at = 1; at <= leaseClients; at++) this.#live(`lease-${at}`, (ports) => runLeaseClient(ports))
    for (let at = 1; at <= sessionClients; at++) this.#live(`session-${at}`, (ports) => runSessionClient(ports))
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

  #portsOf(actor: Actor): HolderPorts {
    return {
      actor,
      beliefs: this.#beliefs,
      ledger: this.#ledger,
      options: this.#options,
      did: (action) => this.actions.set(action, (this.actions.get(action) ?? 0) + 1),
      isOver: () => this.#stopped,
      besides: (task) => void this.#work(task),
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
