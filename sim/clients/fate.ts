import type { Prng } from '#base/prng.ts'
import type { Machine } from '#sim/world/machine.ts'
import type { World } from '#sim/workload.ts'
import type { Pipe } from './pipe.ts'

/** What may break of the connection of a program. */
interface Breakable {
  readonly toNode: Pipe
  readonly toClient: Pipe
  break(): void
}

/** A program of whichever service. */
interface Mortal {
  readonly name: string
  readonly prng: Prng
  readonly machine: Machine
  readonly leaseMs: number
  readonly isAlive: boolean
  readonly ports: {
    readonly world: World
    readonly links: {
      of(machine: Machine): readonly Breakable[]
      cutOff(machine: Machine, nodes: readonly string[], forMs: number): void
    }
    readonly did: (action: string) => void
    readonly isOver: () => boolean
  }
  readonly leave: () => void
  freeze(ms: number): void
  die(): void
}

/** What goes wrong with a program and with its links, one thing after another. */
export class Fate {
  readonly #process: Mortal
  readonly #everyMs: number

  constructor(process: Mortal, everyMs: number) {
    this.#process = process
    this.#everyMs = everyMs
  }

  begin(): void {
    const { ports, prng } = this.#process
    ports.world.scheduler.after(-Math.log(1 - prng.float()) * this.#everyMs, () => {
      if (!this.#process.isAlive) return
      if (ports.isOver()) return this.#process.leave()
      const kind = prng.pick(fates)
      ports.did(kind)
      ports.world.trace.line(this.#process.name, kind)
      this.#strike(kind)
      return this.begin()
    })
  }

  #strike(kind: FateKind): void {
    const process = this.#process
    const { prng, ports, machine, leaseMs } = process
    const links = ports.links.of(machine)
    switch (kind) {
      case 'library-freeze':
        return process.freeze(leaseMs * (0.2 + 1.3 * prng.float()))
      case 'library-crash':
        return process.die()
      case 'library-leave':
        return process.leave()
      case 'link-breaks':
        for (const link of links) link.break()
        return undefined
      case 'link-loses-tail':
        return this.#loseTail()
      case 'link-slow':
        for (const link of links) for (const pipe of [link.toNode, link.toClient]) if (prng.chance(0.7)) pipe.slow(prng.between(200, 3_000))
        return undefined
      case 'cut-off':
        return this.#cutOff(prng.between(100, 2 * leaseMs))
      case 'late-answers':
        return this.#answerLate()
    }
  }

  /** One direction first, or both; somebody is told of it after a while, or has to find out. */
  #loseTail(): void {
    const { prng, ports, machine } = this.#process
    for (const link of ports.links.of(machine)) {
      const direction = prng.pick(['both', 'to-node', 'to-client'])
      if (direction !== 'to-client') link.toNode.die()
      if (direction !== 'to-node') link.toClient.die()
      if (prng.chance(0.6)) ports.world.scheduler.after(prng.between(1, 2_000), () => link.break())
    }
  }

  #cutOff(forMs: number): void {
    const { prng, ports, machine } = this.#process
    const names = ports.world.cluster.nodes.map(({ name }) => name)
    const nodes = prng.chance(0.5) ? names : names.filter(() => prng.chance(0.5))
    ports.links.cutOff(machine, nodes, forMs)
  }

  /**
   * What the nodes say comes late, and then nothing does: whoever counts a lease from an answer trusts in it for too long.
   * 1. All that is said to the process takes longer than what clocks may differ by.
   * 2. As soon as that is there, nothing gets through any more until the lease is over.
   */
  #answerLate(): void {
    const { prng, ports, machine, leaseMs } = this.#process
    const lateMs = leaseMs * (0.25 + 0.15 * prng.float())
    for (const link of ports.links.of(machine)) link.toClient.slow(lateMs)
    ports.world.scheduler.after(lateMs + 5, () => {
      ports.links.cutOff(
        machine,
        ports.world.cluster.nodes.map(({ name }) => name),
        2 * leaseMs,
      )
    })
  }
}

/** Each must have happened in some run. */
export const fates = [
  'library-freeze',
  'library-crash',
  'library-leave',
  'link-breaks',
  'link-loses-tail',
  'link-slow',
  'cut-off',
  'late-answers',
] as const

type FateKind = (typeof fates)[number]
