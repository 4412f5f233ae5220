import type { ClientChannel, ClientHost, ClientLink, ClientLinkEvents, ClientPeer } from '#ports/client.ts'
import type { Cancel } from '#ports/clock.ts'
import type { Machine } from '#sim/world/machine.ts'
import type { Scheduler } from '#sim/world/scheduler.ts'
import { clientProtocol } from '#wire/client-codec.ts'
import { Pipe } from './pipe.ts'

export interface LinkPorts<FromClient, FromNode> {
  readonly scheduler: Scheduler
  readonly delayMs: () => number
  /** The node that is dialled, in the life that it has when that arrives; null while nobody serves there. */
  readonly node: () => Serving<FromClient, FromNode> | null
  /** What goes over the link, as the other end reads it. */
  readonly asRead: {
    readonly byNode: (message: FromClient) => FromClient
    readonly byClient: (message: FromNode) => FromNode
  }
  /** Neither end thinks of it any more. */
  readonly over: (link: SimLink<FromClient, FromNode>) => void
}

export interface Serving<FromClient, FromNode> {
  readonly machine: Machine
  readonly host: ClientHost<FromClient, FromNode>
}

/** One end of a link, in one life of its machine. It says something every second, and gives up when it hears nothing for some. */
class End {
  readonly machine: Machine
  readonly #life: number
  readonly #out: Pipe
  readonly #silent: () => void
  isOpen = true
  #silentTicks = 0
  #cancelTick: Cancel = () => {}

  constructor({ machine, out, silent }: { readonly machine: Machine; readonly out: Pipe; readonly silent: () => void }) {
    this.machine = machine
    this.#life = machine.life
    this.#out = out
    this.#silent = silent
  }

  /** Whether its process lives, and thinks of it. */
  get isAlive(): boolean {
    return this.isOpen && this.machine.life === this.#life
  }

  hear(call: () => void): void {
    this.machine.run(this.#life, () => {
      if (!this.isOpen) return
      this.#silentTicks = 0
      call()
    })
  }

  say(arrive: () => void): void {
    if (this.isOpen) this.#out.send(arrive)
  }

  close(): void {
    this.isOpen = false
    this.#cancelTick()
  }

  /** `ping` is what the other end hears. Counted in ticks: a process that was paused must not blame the other one. */
  tickEvery(ms: number, ping: () => void): void {
    this.#cancelTick = this.machine.after(ms, () => {
      if (++this.#silentTicks > silentTicksMax) return this.#silent()
      this.say(ping)
      return this.tickEvery(ms, ping)
    })
  }
}

/** One connection of a client with a node. What either end sends takes time, and is lost without notice when the connection breaks. */
export class SimLink<FromClient, FromNode> implements ClientLink<FromClient> {
  readonly address: string
  readonly toNode: Pipe
  readonly toClient: Pipe
  readonly #ports: LinkPorts<FromClient, FromNode>
  readonly #events: ClientLinkEvents<FromNode>
  readonly #client: End
  #node: (End & { peer?: ClientPeer<FromClient> }) | null = null
  readonly #cancelDial: Cancel

  constructor(ports: LinkPorts<FromClient, FromNode>, { address, machine, events }: Dialled<FromNode>) {
    this.#ports = ports
    this.#events = events
    this.address = address
    this.toNode = new Pipe(ports.scheduler, ports.delayMs)
    this.toClient = new Pipe(ports.scheduler, ports.delayMs)
    this.#client = new End({ machine, out: this.toNode, silent: () => this.#clientEnds('silent: nothing was heard for too long') })
    this.#cancelDial = machine.after(dialMs, () => this.#clientEnds('timed-out: no greeting came in time'))
    this.toNode.send(() => this.#arrived())
  }

  get client(): Machine {
    return this.#client.machine
  }
  get isOpenAtClient(): boolean {
    return this.#client.isAlive
  }
  get node(): Machine | null {
    return this.#node?.machine ?? null
  }

  send(message: FromClient): void {
    const read = this.#ports.asRead.byNode(message)
    this.#client.say(() => this.#node?.hear(() => this.#node?.peer?.received(read)))
  }

  /** By the client, which hears nothing any more. */
  close(): void {
    if (!this.#client.isOpen) return
    this.#client.say(() => this.#nodeHearsOfTheEnd())
    this.#closeClient()
  }

  /** Both ends are told, each in its time. */
  break(): void {
    this.lose()
    this.tellClient()
    this.tellNode()
  }

  /** Nothing gets through any more, and nobody is told. */
  lose(): void {
    this.toNode.die()
    this.toClient.die()
  }

  tellClient(): void {
    this.#ports.scheduler.after(this.#ports.delayMs(), () => this.#client.hear(() => this.#clientEnds('lost: reset')))
  }

  tellNode(): void {
    this.#ports.scheduler.after(this.#ports.delayMs(), () => this.#nodeHearsOfTheEnd())
  }

  /** The node says why it ends it. */
  dismiss(code: string, detail: string): void {
    const node = this.#node
    if (node?.isOpen !== true) return
    node.say(() => this.#client.hear(() => this.#clientEnds(`${code}: ${detail}`)))
    this.#nodeEnds()
  }

  /** Forgets the ends whose processes are dead. */
  forgetDead(): void {
    if (!this.#client.isAlive) this.#client.close()
    if (this.#node?.isAlive === false) this.#node.close()
    this.#look()
  }

  #arrived(): void {
    const serving = this.#ports.node()
    if (serving === null) return this.toClient.send(() => this.#client.hear(() => this.#clientEnds('ECONNREFUSED')))
    const { machine, host } = serving
    return machine.run(machine.life, () => this.#accept(machine, host))
  }

  #accept(machine: Machine, host: ClientHost<FromClient, FromNode>): void {
    const welcome = host.welcome()
    if (welcome === null) {
      this.toClient.send(() => this.#client.hear(() => this.#clientEnds('not-ready: this node does not belong to a cluster yet')))
      return
    }
    const node: End & { peer?: ClientPeer<FromClient> } = new End({
      machine,
      out: this.toClient,
      silent: () => this.dismiss('silent', 'nothing was heard for too long'),
    })
    this.#node = node
    const channel: ClientChannel<FromNode> = {
      send: (message) => {
        const read = this.#ports.asRead.byClient(message)
        node.say(() => this.#client.hear(() => this.#events.message(read)))
      },
      close: (code, detail) => this.dismiss(code, detail),
    }
    node.peer = host.serve(channel)
    node.say(() =>
      this.#client.hear(() => {
        this.#cancelDial()
        this.#client.tickEvery(tickMs, () => node.hear(() => {}))
        this.#events.up({ ...welcome, version: clientProtocol.newest, grants: null })
      }),
    )
    node.tickEvery(tickMs, () => this.#client.hear(() => {}))
  }

  #clientEnds(reason: string): void {
    if (!this.#client.isOpen) return
    this.#client.say(() => this.#nodeHearsOfTheEnd())
    this.#closeClient()
    this.#events.down(reason)
  }

  #closeClient(): void {
    this.#cancelDial()
    this.#client.close()
    this.#look()
  }

  #nodeHearsOfTheEnd(): void {
    this.#node?.hear(() => this.#nodeEnds())
  }

  #nodeEnds(): void {
    const node = this.#node
    if (node?.isOpen !== true) return
    node.close()
    node.peer?.gone()
    this.#look()
  }

  #look(): void {
    if (!this.#client.isOpen && this.#node?.isOpen !== true) this.#ports.over(this)
  }
}

interface Dialled<FromNode> {
  readonly address: string
  readonly machine: Machine
  readonly events: ClientLinkEvents<FromNode>
}

/** As the real links have them. */
const dialMs = 2_000
const tickMs = 1_000
const silentTicksMax = 3
