import type { Prng } from '#base/prng.ts'
import type { Call } from '#api/call.ts'
import type { SimNode } from '#sim/cluster.ts'
import type { World } from '#sim/workload.ts'
import type { CallOptions, ServiceCalls, Told } from './calls.ts'

/** Thrown where a client finds that it is dead. */
export class Dead extends Error {
  override readonly name = 'Dead'
}

/** What was told, and when it was asked for, in true time. */
export interface Heard<T> {
  readonly told: Told<T>
  readonly sentAt: number
}

/** A process of somebody who uses a service: with a clock of its own, which runs fast or slow, and that may freeze or die. */
export class Actor<Api> {
  readonly id: string
  readonly prng: Prng
  readonly #world: World
  readonly #calls: ServiceCalls<Api>
  /** Of its clock to true time. */
  readonly #rate: number
  #frozenUntil = 0
  #dead = false
  /** Clients mostly stay with a node. */
  #home: SimNode | null = null

  constructor(id: string, { world, calls }: { readonly world: World; readonly calls: ServiceCalls<Api> }) {
    this.id = id
    this.#world = world
    this.#calls = calls
    this.prng = world.prng.fork()
    this.#rate = 0.955 + this.prng.float() * 0.09
  }

  get now(): number {
    return this.#world.scheduler.now
  }

  /** In true time, when it does not trust a lease any more that it was given for a request it sent then. */
  deadline(sentAt: number, ttlMs: number): number {
    return sentAt + (ttlMs * trustedShare) / this.#rate
  }

  async sleep(ms: number): Promise<void> {
    await new Promise<void>((resolve) => this.#world.scheduler.after(ms / this.#rate, resolve))
    await this.#awake()
  }

  /** Until that moment of true time. */
  async sleepUntil(at: number): Promise<void> {
    await new Promise<void>((resolve) => this.#world.scheduler.at(at, resolve))
    await this.#awake()
  }

  /** Not for so long that the end of a run is missed. */
  think(meanMs: number): Promise<void> {
    return this.sleep(Math.min(-Math.log(1 - this.prng.float()) * meanMs, longestThoughtMs))
  }

  async call<T>(
    what: string,
    use: (api: Api, call: Call) => Promise<Told<T>>,
    options: Partial<CallOptions> = {},
    unsent?: (api: Api, told: Told<T>) => void,
  ): Promise<Heard<T>> {
    const sentAt = this.now
    const at = options.at ?? this.#target()
    const told = await this.#calls.call(use, { patienceMs: this.prng.pick([3_000, 6_000]), ...options, at }, unsent)
    if (!told.ok) this.#home = null
    this.#world.trace.line(this.id, what, { node: at.name, told: told.ok ? told.value : told.error.code })
    await this.#awake()
    return { told, sentAt }
  }

  /** Nothing of it runs for so long: what it is told meanwhile it learns when it wakes up. */
  freeze(ms: number): void {
    this.#world.trace.line(this.id, 'freeze', { ms })
    this.#frozenUntil = Math.max(this.#frozenUntil, this.now + ms)
  }

  die(): void {
    this.#world.trace.line(this.id, 'die')
    this.#dead = true
  }

  #target(): SimNode {
    if (this.#home === null || this.#home.node === null || this.prng.chance(0.1)) this.#home = this.#calls.anyNode()
    return this.#home
  }

  async #awake(): Promise<void> {
    while (this.#frozenUntil > this.now && !this.#dead)
      await new Promise<void>((resolve) => this.#world.scheduler.at(this.#frozenUntil, resolve))
    if (this.#dead) throw new Dead()
  }
}

/** Clocks run apart by no more than a tenth. */
const trustedShare = 0.9

const longestThoughtMs = 60_000
