import type { Prng } from '#base/prng.ts'
import { present } from '#base/assert.ts'
import type { ClientDialer, ClientHost } from '#ports/client.ts'
import type { Machine } from '#sim/world/machine.ts'
import type { World } from '#sim/workload.ts'
import { readMessages } from '#wire/client-codec.ts'
import type { ClientProtocol } from '#wire/client-protocol.ts'
import type { Schema } from '#wire/schema.ts'
import { Writer } from '#wire/writer.ts'
import { SimLink } from './link.ts'
import type { Serving } from './link.ts'

/** The connections between library clients and nodes, and whatever goes wrong with them. */
export class ClientLinks<FromClient, FromNode> {
  readonly totals = { linksDialled: 0, linkMessages: 0 }
  readonly #world: World
  readonly #prng: Prng
  readonly #protocol: ClientProtocol<FromClient, FromNode>
  readonly #hosts = new Map<string, ClientHost<FromClient, FromNode>>()
  readonly #links = new Set<SimLink<FromClient, FromNode>>()
  /** Which nodes a process does not reach, and until when. */
  readonly #cutOff = new Map<Machine, { readonly nodes: ReadonlySet<string>; readonly until: number }>()
  readonly #writer = new Writer(codecBytes)

  constructor(world: World, protocol: ClientProtocol<FromClient, FromNode>) {
    this.#world = world
    this.#protocol = protocol
    this.#prng = world.prng.fork()
  }

  get open(): number {
    return this.#links.size
  }

  /** A node serves from now on, in this life. */
  serve(name: string, host: ClientHost<FromClient, FromNode>): void {
    this.#hosts.set(name, host)
  }

  /** The node stops, and says so. */
  stopped(name: string): void {
    this.#hosts.delete(name)
    for (const link of this.#linksOf(name)) link.dismiss('stopping', 'this node is stopping')
  }

  /** The node is dead. Most clients notice at once, the others when they have heard nothing for long. */
  crashed(name: string): void {
    this.#hosts.delete(name)
    for (const link of this.#linksOf(name)) {
      link.lose()
      link.forgetDead()
      if (this.#prng.chance(0.7)) link.tellClient()
    }
  }

  /** The process is dead, and so with the nodes. */
  died(process: Machine): void {
    for (const link of this.of(process)) {
      link.lose()
      link.forgetDead()
      if (this.#prng.chance(0.7)) link.tellNode()
    }
  }

  of(process: Machine): readonly SimLink<FromClient, FromNode>[] {
    return [...this.#links].filter(({ client }) => client === process)
  }

  /** Nothing gets from the process to these nodes or back for so long, and nobody tells. */
  cutOff(process: Machine, nodes: readonly string[], forMs: number): void {
    this.#cutOff.set(process, { nodes: new Set(nodes), until: this.#world.scheduler.now + forMs })
    for (const link of this.of(process)) if (nodes.includes(nodeOf(link.address))) link.lose()
  }

  dialer(process: Machine): ClientDialer<FromClient, FromNode> {
    return {
      dial: (address, _hello, events) => {
        this.totals.linksDialled++
        const { scheduler } = this.#world
        const link = new SimLink<FromClient, FromNode>(
          {
            scheduler,
            delayMs: () => this.#delayMs(),
            node: () => this.#serving(nodeOf(address)),
            asRead: {
              byNode: (message) => this.#throughCodec(this.#protocol.fromClient, message),
              byClient: (message) => this.#throughCodec(this.#protocol.fromNode, message),
            },
            over: (ended) => void this.#links.delete(ended),
          },
          { address, machine: process, events },
        )
        this.#links.add(link)
        const cut = this.#cutOff.get(process)
        if (cut !== undefined && cut.until > scheduler.now && cut.nodes.has(nodeOf(address))) link.lose()
        return link
      },
    }
  }

  #serving(name: string): Serving<FromClient, FromNode> | null {
    const host = this.#hosts.get(name)
    return host === undefined ? null : { host, machine: this.#world.cluster.byName(name).machine }
  }

  #linksOf(name: string): readonly SimLink<FromClient, FromNode>[] {
    return [...this.#links].filter(({ node }) => node?.name === name)
  }

  /** A part of the messages goes through the codec. */
  #throughCodec<T>(schema: Schema<T>, message: T): T {
    this.totals.linkMessages++
    if (!this.#prng.chance(codecShare)) return message
    schema.write(this.#writer, message)
    const read = readMessages(schema, this.#writer.take())
    return present(read.ok ? read.value[0] : undefined, 'what is written can be read')
  }

  /** Mostly short, now and then long, and then all that comes behind it waits. */
  #delayMs(): number {
    const unit = -Math.log(1 - this.#prng.float())
    return 0.05 + unit * (this.#prng.chance(0.003) ? 800 : 0.5)
  }
}

const nodeOf = (address: string): string => address.split(':')[0] ?? address

const codecShare = 0.03
const codecBytes = 64 * 1_024
