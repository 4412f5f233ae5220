import { millis } from '#base/brand.ts'
import type { DeadlocksView, LockDetail, LocksView } from '#api/locks/views.ts'
import type { LockMode } from '#core/lock/types.ts'
import { Deadlines } from '#runtime/deadlines.ts'
import type { ClientMessage, ClientQuery, ServerMessage } from '#wire/client-message.ts'
import { Calls } from './calls.ts'
import { Connecting } from './connecting.ts'
import { Election } from './election.ts'
import type { ElectionOptions } from './election.ts'
import { LockstepError } from './errors.ts'
import { sdkLimits } from './limits.ts'
import { checkLockName, invalid } from './options.ts'
import type { Locking, Scope } from './locking.ts'
import { lockingOf } from './locking.ts'
import { Owner } from './owner-handle.ts'
import { OwnerPool } from './owner-pool.ts'
import { OwnerCore } from './owner.ts'
import type { OwnerPorts } from './owner.ts'
import type { SdkPorts, TaskContext } from './ports.ts'
import type { LockRequest } from './request.ts'
import { Sessions } from './sessions.ts'
import { Uplink } from './uplink.ts'

export interface ClientOptions {
  readonly urls: readonly string[]
  /** What the names of this client's owners begin with. */
  readonly client: string
  readonly timeoutMs: number
  readonly sessionTtlMs: number
  /** Name and version, for people. */
  readonly software: string
}

export interface PendingLock {
  readonly name: string
  readonly mode: LockMode
  /** The owner, as the service knows it. */
  readonly clientId: string
}

export interface HeldLock extends PendingLock {
  readonly fencingToken: number
}

type View<Of> = Omit<Of, 'node_id' | 'role' | 'leader' | 'term'>

/**
 * A client of the service. Every `lock` of it is an owner of its own, so that tasks of one process exclude each other; inside of `withLock`, and
 * with `owner()`, several locks have one owner.
 */
export class LockstepClient implements Locking, AsyncDisposable {
  readonly lock: Locking['lock']
  readonly acquireMany: Locking['acquireMany']
  readonly withLock: Locking['withLock']
  readonly #ports: SdkPorts
  readonly #timeoutMs: number
  readonly #context: TaskContext<Scope>
  readonly #calls: Calls
  readonly #sessions: Sessions
  readonly #uplink: Uplink<ClientMessage, ServerMessage>
  readonly #waits: Deadlines<LockRequest>
  readonly #pool: OwnerPool
  readonly #ownerPorts: OwnerPorts
  readonly #owners = new Set<OwnerCore>()
  readonly #elections = new Set<Election>()
  #closing: Promise<void> | null = null

  private constructor(ports: SdkPorts, options: ClientOptions, context: TaskContext<Scope>, connected: Connecting<LockstepClient>) {
    const { clock } = ports
    this.#ports = ports
    this.#timeoutMs = options.timeoutMs
    this.#context = context
    this.#calls = new Calls(ports)
    this.#sessions = new Sessions(
      { ...ports, calls: this.#calls, unanswered: () => this.#uplink.elsewhere() },
      { ttlMs: options.sessionTtlMs, client: options.client },
    )
    this.#waits = new Deadlines({ clock, post: (task) => task() }, (request) => request.overdue())
    this.#ownerPorts = { calls: this.#calls, clock, waits: this.#waits, sessions: this.#sessions, timeoutMs: options.timeoutMs }
    this.#pool = new OwnerPool(this.#ownerPorts)
    this.#uplink = new Uplink<ClientMessage, ServerMessage>(ports, connected.endpoints, {
      service: 'lock',
      software: options.software,
      steering: (message) => (message.type === 'leader' || message.type === 'going' ? message : null),
      events: {
        up: (link) => {
          this.#calls.attach(link)
          this.#sessions.linked()
          connected.up(this)
        },
        down: () => this.#calls.detach(),
        message: (message) => this.#received(message),
        failed: (attempt) => connected.failed(attempt),
      },
    })
    const { lock, acquireMany, withLock } = lockingOf(context, (act) => this.#act(act))
    this.lock = lock
    this.acquireMany = acquireMany
    this.withLock = withLock
  }

  /** Resolves when a node has answered; rejects with `connection_failed` when none of them does. */
  static async connect(ports: SdkPorts, options: ClientOptions, context: TaskContext<Scope>): Promise<LockstepClient> {
    const connecting = new Connecting<LockstepClient>(options.urls, 'lock')
    const client = new LockstepClient(ports, options, context, connecting)
    const cancel = ports.clock.after(options.timeoutMs, () => connecting.outOfTime(options.timeoutMs))
    client.#uplink.start()
    try {
      return await connecting.done
    } catch (error) {
      client.#uplink.stop()
      throw error
    } finally {
      cancel()
    }
  }

  /** The node that this client talks to; null while it has none. */
  get node(): string | null {
    return this.#uplink.node
  }

  owner(): Owner {
    this.#mustBeOpen()
    const core = new OwnerCore(this.#ownerPorts)
    this.#owners.add(core)
    return new Owner(core, this.#context, () => this.#owners.delete(core))
  }

  /** Campaigns for a role, which is the name of a lock. */
  elect(role: string, options: ElectionOptions): Election {
    this.#mustBeOpen()
    const { clock, prng } = this.#ports
    const locking = lockingOf(this.#context, (act) => this.#asNew(act))
    const election = new Election({ clock, prng, locking }, role, options)
    this.#elections.add(election)
    const over = (): void => void this.#elections.delete(election)
    election.done.then(over, over)
    return election
  }

  /** What this client holds and waits for, as it knows itself. */
  query(): { readonly held: readonly HeldLock[]; readonly pending: readonly PendingLock[] } {
    const owners = [...this.#pool.busy(), ...this.#owners]
    return {
      held: owners.flatMap(({ holds }) =>
        holds.map(({ name, mode, token, session }) => ({ name, mode, clientId: session.client, fencingToken: token })),
      ),
      pending: owners.flatMap(({ pending, session }) =>
        pending.map(({ resource, mode }) => ({ name: resource, mode, clientId: session?.client ?? '' })),
      ),
    }
  }

  /** Who holds a lock and who waits for it, of all clients; linearizable. */
  async inspect(name: string): Promise<View<LockDetail>> {
    checkLockName(name)
    return (await this.#ask({ type: 'lock', resource: name })) as View<LockDetail>
  }

  /** All locks whose name begins so; linearizable. */
  async locks({ prefix = '', after = null, limit = 100 }: LocksOptions = {}): Promise<View<LocksView>> {
    if (prefix !== '') checkLockName(prefix)
    if (after !== null) checkLockName(after)
    if (!(Number.isInteger(limit) && limit >= 1 && limit <= sdkLimits.pageMax))
      throw invalid('limit', `an integer from 1 to ${sdkLimits.pageMax}`)
    return (await this.#ask({ type: 'locks', prefix, after, limit })) as View<LocksView>
  }

  /** The wait-for graph, and the last deadlocks. */
  async deadlocks(): Promise<View<DeadlocksView>> {
    return (await this.#ask({ type: 'deadlocks' })) as View<DeadlocksView>
  }

  /** Whether that very grant is held now. */
  async check(
    name: string,
    fencingToken: number,
  ): Promise<{ readonly valid: boolean; readonly reason: 'held' | 'expired' | 'superseded' }> {
    checkLockName(name)
    if (!(Number.isSafeInteger(fencingToken) && fencingToken >= 0)) throw invalid('fencingToken', 'an integer from 0')
    return (await this.#ask({ type: 'check', resource: name, token: fencingToken })) as Awaited<ReturnType<LockstepClient['check']>>
  }

  /** Releases all locks, gives up what waits, and ends the connection. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    // Who leads is told to stop, and takes the time that it needs.
    for (const election of this.#elections) void election.close()
    // Tasks that are still at it would open sessions that nobody ends.
    for (const owner of [...this.#pool.busy(), ...this.#owners]) owner.shut()
    const closed = Promise.all(this.#sessions.all().map((session) => new Promise<void>((done) => this.#sessions.close(session, done))))
    await new Promise<void>((resolve) => {
      const cancel = this.#ports.clock.after(sdkLimits.farewellMs, resolve)
      void closed.then(() => {
        cancel()
        resolve()
      })
    })
    this.#calls.close(new LockstepError('closed', 'this client was closed'))
    this.#waits.drain()
    this.#sessions.stop()
    this.#uplink.stop()
    this.#pool.stop()
  }

  #received(message: ServerMessage): void {
    switch (message.type) {
      case 'session-ended':
        return this.#sessions.ended(message.session)
      case 'forced':
        return this.#sessions.forced(message.session, message.resource, message.token)
      case 'leader':
      case 'going':
        return
      default:
        return this.#calls.received(message)
    }
  }

  /** The owner of the task this is called from, or a new one. */
  #act<T>(act: (owner: OwnerCore) => Promise<T>): Promise<T> {
    const scope = this.#context.getStore()
    return scope?.active === true && this.#isOwn(scope.owner) ? act(scope.owner) : this.#asNew(act)
  }

  async #asNew<T>(act: (owner: OwnerCore) => Promise<T>): Promise<T> {
    this.#mustBeOpen()
    const owner = this.#pool.take()
    return owner.pinned(() => act(owner))
  }

  #isOwn(owner: OwnerCore): boolean {
    return this.#owners.has(owner) || this.#pool.isBusy(owner)
  }

  #mustBeOpen(): void {
    if (this.#closing !== null) throw new LockstepError('closed', 'this client was closed')
  }

  async #ask(query: ClientQuery): Promise<unknown> {
    const deadline = millis(this.#ports.clock.now() + this.#timeoutMs)
    const view = await new Promise<Uint8Array>((resolve, reject) => {
      this.#calls.begin({
        message: (call) => ({ type: 'query', call, query }),
        deadline,
        keeps: false,
        done: (outcome) => {
          if (outcome.type === 'view') resolve(outcome.view)
          else reject(outcome.type === 'failed' ? outcome.error : new LockstepError('internal', 'the service answered something else'))
        },
      })
    })
    return JSON.parse(new TextDecoder().decode(view))
  }
}

interface LocksOptions {
  readonly prefix?: string
  /** Go on behind this name: `next` of the page before. */
  readonly after?: string | null
  readonly limit?: number
}
