import { ok } from 'node:assert/strict'
import { Prng } from '#base/prng.ts'
import type { ClientDialer, ClientLink, ClientLinkEvents, ClientPeer } from '#ports/client.ts'
import { QueueClient } from '#sdk/queue/queue-client.ts'
import { CountedClock } from '#sim/world/counted-clock.ts'
import { Machine } from '#sim/world/machine.ts'
import { addressOf } from '#sim/world/network.ts'
import { readMessages } from '#wire/client-codec.ts'
import { queueClients } from '#wire/queue-client-codec.ts'
import type { QueueClientMessage, QueueServerMessage } from '#wire/queue-client-message.ts'
import type { Schema } from '#wire/schema.ts'
import { Writer } from '#wire/writer.ts'
import { QueueWorld } from './queue-world.ts'

interface WorldLink {
  readonly node: string
  readonly machine: Machine
  readonly life: number
  readonly events: ClientLinkEvents<QueueServerMessage>
  peer: ClientPeer<QueueClientMessage> | null
  open: boolean
}

export interface WorldClient {
  readonly machine: Machine
  readonly clock: CountedClock
  readonly sdk: QueueClient
  /** What it has sent, and to which node. */
  readonly sent: { readonly node: string; readonly message: QueueClientMessage }[]
}

type Dialer = ClientDialer<QueueClientMessage, QueueServerMessage>

const latencyMs = 1

/** Programs that use the library, and whole queue nodes, in one thread and on simulated time. Messages travel as bytes. */
export class QueueSdkWorld {
  readonly world: QueueWorld
  /** Answers that get lost on the way; true drops one. */
  loses: (message: QueueServerMessage) => boolean = () => false
  /** Nodes that cannot be reached by clients. */
  readonly unreachable = new Set<string>()
  readonly #links = new Set<WorldLink>()
  readonly #prng = new Prng(7)

  private constructor(world: QueueWorld) {
    this.world = world
  }

  static async start(): Promise<QueueSdkWorld> {
    return new QueueSdkWorld(await QueueWorld.start())
  }

  get links(): number {
    return this.#links.size
  }

  async client(name = 'client', timeoutMs = 5_000): Promise<WorldClient> {
    const machine = new Machine(name, this.world.scheduler, { touched() {} })
    const clock = new CountedClock(machine)
    const sent: WorldClient['sent'] = []
    const prng = this.#prng.fork()
    const hex = (bytes: number): string => Array.from({ length: bytes }, () => prng.between(0, 255).toString(16).padStart(2, '0')).join('')
    const dialer: Dialer = { dial: (address, _hello, events) => this.#dial({ machine, sent }, address, events) }
    const ports = { clock, leaseClock: machine, prng, entropy: { hex }, dialer }
    const urls = this.world.nodes.map((node) => addressOf(node.name))
    const sdk = await this.world.answer(QueueClient.connect(ports, { urls, client: name, timeoutMs, software: 'test' }))
    return { machine, clock, sdk, sent }
  }

  /** The code that a call is refused with. */
  refusal(promise: Promise<unknown>): Promise<string> {
    const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : String(error))
    return this.world.answer(promise.then(() => 'not refused', codeOf))
  }

  /** Every connection of clients with the node breaks. */
  cut(node: string): void {
    for (const link of this.#links) if (link.node === node) this.#break(link)
  }

  crash(node: string): void {
    this.world.crash(this.world.get(node))
    this.cut(node)
  }

  #dial(
    { machine, sent }: Pick<WorldClient, 'machine' | 'sent'>,
    address: string,
    events: ClientLinkEvents<QueueServerMessage>,
  ): ClientLink<QueueClientMessage> {
    const { scheduler, nodes } = this.world
    const node = nodes.find(({ name }) => addressOf(name) === address)
    ok(node !== undefined)
    const link: WorldLink = { node: node.name, machine, life: machine.life, events, peer: null, open: true }
    scheduler.after(2 * latencyMs, () => {
      const welcome = node.down || this.unreachable.has(node.name) ? null : node.server.clients.welcome()
      if (!link.open) return
      if (welcome === null) return this.#break(link)
      this.#links.add(link)
      this.#tell(link, () => events.up({ ...welcome, version: 1, grants: null }))
      link.peer = node.server.clients.serve({ send: (message) => this.#say(link, message), close: () => this.#break(link) })
      return undefined
    })
    return {
      send: (message) => {
        sent.push({ node: node.name, message })
        const copy = travelled(queueClients.fromClient, message)
        scheduler.after(latencyMs, () => {
          if (link.open && !node.down && !this.unreachable.has(node.name)) link.peer?.received(copy)
        })
      },
      close: () => this.#close(link),
    }
  }

  #say(link: WorldLink, message: QueueServerMessage): void {
    if (!link.open || this.loses(message) || this.unreachable.has(link.node)) return
    const copy = travelled(queueClients.fromNode, message)
    this.world.scheduler.after(latencyMs, () => {
      if (link.open) this.#tell(link, () => link.events.message(copy))
    })
  }

  #break(link: WorldLink): void {
    if (!link.open) return
    this.#close(link)
    link.machine.run(link.life, () => link.events.down('lost: reset'))
  }

  #close(link: WorldLink): void {
    if (!link.open) return
    link.open = false
    this.#links.delete(link)
    const { peer } = link
    if (peer !== null && !this.world.get(link.node).down) this.world.scheduler.after(latencyMs, () => peer.gone())
  }

  #tell(link: WorldLink, call: () => void): void {
    link.machine.run(link.life, () => {
      if (link.open) call()
    })
  }
}

function travelled<T>(schema: Schema<T>, message: T): T {
  const writer = new Writer(64 * 1024)
  schema.write(writer, message)
  const read = readMessages(schema, writer.take())
  ok(read.ok && read.value.length === 1 && read.value[0] !== undefined, 'it arrives as one message')
  return read.value[0]
}
