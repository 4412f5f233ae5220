import { AsyncLocalStorage } from 'node:async_hooks'
import { ok } from 'node:assert/strict'
import { millis, wallMillis } from '#base/brand.ts'
import { present } from '#base/assert.ts'
import { Prng } from '#base/prng.ts'
import { decodeCommand, encodeAnswer } from '#core/lock/command-codec.ts'
import { LockMachine } from '#core/lock/machine.ts'
import { isWounded, viewResource } from '#core/lock/queries.ts'
import type { LockCommand, SessionId } from '#core/lock/types.ts'
import { resourceName } from '#core/lock/types.ts'
import type { ClientDialer, ClientLink, ClientLinkEvents } from '#ports/client.ts'
import { LockstepClient } from '#sdk/client.ts'
import type { Scope } from '#sdk/locking.ts'
import { CountedClock } from '#sim/world/counted-clock.ts'
import { Machine } from '#sim/world/machine.ts'
import { Scheduler } from '#sim/world/scheduler.ts'
import type { ClientMessage, KeptState, ServerMessage } from '#wire/client-message.ts'

/** A node of the service, which has no state of its own: they all have the same machine, so what they say is always true. */
export interface FakeNode {
  readonly name: string
  readonly address: string
  up: boolean
  /** It takes connections and what is sent, and says nothing, like one under SIGSTOP. */
  silent: boolean
  /** It hears no other node, and does not know what has become of anything. */
  deaf: boolean
  /** What it answers to every command instead of carrying it out. */
  refuses: string | null
}

interface FakeLink {
  readonly node: FakeNode
  readonly client: FakeClient
  readonly events: ClientLinkEvents
  readonly life: number
  open: boolean
  /** When the last message to either end arrives: the next one comes behind it. */
  toNodeAt: number
  toClientAt: number
}

export interface FakeClient {
  readonly machine: Machine
  readonly clock: CountedClock
  readonly sdk: LockstepClient
  /** The links it has made, by node. */
  readonly dialled: string[]
  readonly sent: ClientMessage[]
}

const latencyMs = 1
const ttlMs = 10_000
const dialMs = 2_000
const term = 1

/** Clients in one thread and on simulated time, over simulated links to a service that is one lock machine. */
export class SdkWorld {
  readonly scheduler = new Scheduler()
  readonly nodes: readonly FakeNode[] = ['n1', 'n2', 'n3'].map((name) => {
    return { name, address: `${name}:1`, up: true, silent: false, deaf: false, refuses: null }
  })
  /** What was carried out, in order. */
  readonly log: LockCommand[] = []
  /** Answers that get lost on the way; true drops one. */
  loses: (message: ServerMessage) => boolean = () => false
  /** How long one way takes now. */
  delayMs: () => number = () => latencyMs
  leader = 'n1'
  /** The service gives no session less. */
  sessionTtlMsMin = 0
  readonly #machine = new LockMachine()
  readonly #links = new Set<FakeLink>()
  readonly #waiting = new Map<string, { readonly link: FakeLink; readonly call: number }>()
  readonly #leases = new Map<SessionId, number>()
  readonly #prng = new Prng(7)

  constructor() {
    this.#expireLater()
  }

  node(name: string): FakeNode {
    return present(
      this.nodes.find((node) => node.name === name),
      'the node exists',
    )
  }

  async client(name = 'client', urls: readonly string[] = ['n1:1', 'n2:1', 'n3:1'], timeoutMs = 5_000): Promise<FakeClient> {
    const machine = new Machine(name, this.scheduler, { touched() {} })
    const clock = new CountedClock(machine)
    const parts = { machine, clock, dialled: [] as string[], sent: [] as ClientMessage[] }
    const prng = this.#prng.fork()
    const hex = (bytes: number): string => Array.from({ length: bytes }, () => prng.between(0, 255).toString(16).padStart(2, '0')).join('')
    const dialer: ClientDialer = { dial: (address, _hello, events) => this.#dial(client, address, events) }
    const ports = { clock, leaseClock: machine, prng, entropy: { hex }, dialer }
    const options = { urls, client: name, timeoutMs, sessionTtlMs: ttlMs, software: 'test' }
    const client = parts as typeof parts & { sdk: LockstepClient }
    client.sdk = await this.answer(LockstepClient.connect(ports, options, new AsyncLocalStorage<Scope>()))
    return client
  }

  /** Time passes a millisecond at a time, so that promises keep up with it. */
  async run(ms: number): Promise<void> {
    const end = this.scheduler.now + ms
    while (this.scheduler.now < end) {
      this.scheduler.run(Math.min(end, this.scheduler.now + 1), () => {})
      await new Promise(setImmediate)
    }
  }

  async until(what: string, happened: () => boolean, withinMs = 20_000): Promise<void> {
    const deadline = this.scheduler.now + withinMs
    while (!happened() && this.scheduler.now < deadline) await this.run(1)
    ok(happened(), `${what} within ${withinMs} ms`)
  }

  /** What a call comes to. */
  async answer<T>(promise: Promise<T>, withinMs = 90_000): Promise<T> {
    let settled = false
    const ended = promise.finally(() => (settled = true))
    ended.catch(() => {})
    await this.until('the call is answered', () => settled, withinMs)
    return ended
  }

  /** The code that a call is refused with. */
  async refusal(promise: Promise<unknown>, withinMs = 90_000): Promise<string> {
    try {
      await this.answer(promise, withinMs)
      return 'not refused'
    } catch (error) {
      return error instanceof Error && 'code' in error ? String(error.code) : String(error)
    }
  }

  /** `holders | waiters`, as the service has it. */
  at(name: string): string {
    const view = viewResource(this.#machine.state, resourceName(name))
    const holders = view?.holders.map(({ client, mode, token }) => `${client}:${mode}:${token}`) ?? []
    return [...holders, '|', ...(view?.waiters.map(({ client }) => client) ?? [])].join(' ')
  }

  get sessions(): number {
    return this.#machine.state.sessions.size
  }

  /** Every connection with the node breaks. */
  cut(node: FakeNode): void {
    for (const link of this.#links) if (link.node === node) this.#break(link, 'lost: reset')
  }

  crash(node: FakeNode): void {
    node.up = false
    this.cut(node)
  }

  /** To all that are connected. */
  push(message: ServerMessage): void {
    for (const link of this.#links) this.#say(link, message)
  }

  execute(command: LockCommand): void {
    this.#execute(command)
  }

  #dial(client: FakeClient, address: string, events: ClientLinkEvents): ClientLink {
    const node = this.nodes.find((each) => each.address === address)
    const link: FakeLink = { node: node as FakeNode, client, events, life: client.machine.life, open: true, toNodeAt: 0, toClientAt: 0 }
    client.dialled.push(node?.name ?? address)
    this.scheduler.after(2 * this.delayMs(), () => {
      if (!link.open) return
      if (node?.up !== true) {
        this.#break(link, 'ECONNREFUSED')
        return
      }
      if (node.silent) {
        this.scheduler.after(dialMs, () => {
          if (link.open) this.#break(link, 'nothing was said in time')
        })
        return
      }
      this.#links.add(link)
      const members = this.nodes.map(({ name, address: at }) => ({ node: name, address: at }))
      const welcome = { version: 1, clusterId: 'c', node: node.name, software: 'fake', members, leader: this.leader, grants: null }
      this.#toClient(link, () => events.up(welcome))
    })
    return {
      send: (message) => {
        client.sent.push(message)
        link.toNodeAt = Math.max(link.toNodeAt, this.scheduler.now + this.delayMs())
        this.scheduler.at(link.toNodeAt, () => {
          if (link.open && link.node.up && !link.node.silent) this.#received(link, message)
        })
      },
      close: () => {
        link.open = false
        this.#links.delete(link)
      },
    }
  }

  #received(link: FakeLink, message: ClientMessage): void {
    const { call } = message
    if (link.node.refuses !== null) return this.#say(link, { type: 'failed', call, code: link.node.refuses, message: 'refused' })
    if (message.type === 'command') {
      if (link.node.deaf) return
      const decoded = decodeCommand(message.command)
      ok(decoded.ok)
      const { value } = decoded
      const command = value.type === 'open-session' ? { ...value, ttlMs: Math.max(value.ttlMs, this.sessionTtlMsMin) } : value
      if (command.type === 'acquire' && command.identity !== null) {
        const { session, sequence } = command.identity
        this.#waiting.set(`${session}#${sequence}`, { link, call })
      }
      this.#say(link, { type: 'answered', call, answer: this.#execute(command) })
    } else if (message.type === 'keep-alive') {
      this.#say(link, {
        type: 'kept',
        call,
        sessions: message.sessions.map((session) => (link.node.deaf ? 'unknown' : this.#keep(session))),
      })
    } else {
      const view = new TextEncoder().encode(JSON.stringify({ asked: message.query }))
      this.#say(link, { type: 'view', call, view })
    }
  }

  #keep(session: SessionId): KeptState {
    const { state } = this.#machine
    const open = state.sessions.get(session)
    if (open === undefined) return 'lost'
    this.#leases.set(session, this.scheduler.now + open.ttlMs)
    return open.type === 'client' && isWounded(state, open.owner.client.id) ? 'wounded' : 'kept'
  }

  #execute(command: LockCommand): Uint8Array {
    this.log.push(command)
    const time = this.scheduler.now
    const context = { index: this.log.length, term, time: millis(time), wall: wallMillis(time) }
    const { answer, events } = this.#machine.execute(command, context)
    for (const event of events) {
      if (event.type === 'session-opened') this.#leases.set(event.session, time + event.ttlMs)
      if (event.type === 'session-ended') this.#leases.delete(event.session)
      if (event.type !== 'settled') continue
      const parked = this.#waiting.get(`${event.attempt.session}#${event.attempt.sequence}`)
      if (parked !== undefined) this.#say(parked.link, { type: 'settled', call: parked.call, answer: encodeAnswer(event.answer) })
    }
    return encodeAnswer(answer)
  }

  #expireLater(): void {
    this.scheduler.after(20, () => {
      const sessions = [...this.#leases].filter(([, until]) => until <= this.scheduler.now).map(([session]) => session)
      if (sessions.length > 0) this.#execute({ type: 'expire-sessions', term, sessions })
      if ((this.#machine.state.nextDeadline() ?? Infinity) <= this.scheduler.now) this.#execute({ type: 'expire-due' })
      this.#expireLater()
    })
  }

  #say(link: FakeLink, message: ServerMessage): void {
    if (!link.open || link.node.silent || this.loses(message)) return
    link.toClientAt = Math.max(link.toClientAt, this.scheduler.now + this.delayMs())
    this.scheduler.at(link.toClientAt, () => {
      if (link.open) this.#toClient(link, () => link.events.message(message))
    })
  }

  #break(link: FakeLink, reason: string): void {
    link.open = false
    this.#links.delete(link)
    link.client.machine.run(link.life, () => link.events.down(reason))
  }

  #toClient(link: FakeLink, call: () => void): void {
    link.client.machine.run(link.life, () => {
      if (link.open) call()
    })
  }
}
