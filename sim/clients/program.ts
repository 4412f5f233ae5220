import type { Prng } from '#base/prng.ts'
import type { ClientDialer } from '#ports/client.ts'
import { LockstepError } from '#sdk/errors.ts'
import type { SdkPorts } from '#sdk/ports.ts'
import { Violation } from '#sim/checks/violation.ts'
import type { World } from '#sim/workload.ts'
import { addressOf } from '#sim/world/network.ts'
import { CountedClock } from '#sim/world/counted-clock.ts'
import { Machine } from '#sim/world/machine.ts'
import type { ClientLinks } from './client-links.ts'

export interface ProgramPorts<FromClient, FromNode> {
  readonly world: World
  readonly links: ClientLinks<FromClient, FromNode>
  /** Counts what clients do. */
  readonly did: (action: string) => void
  /** Nothing new is to be begun. */
  readonly isOver: () => boolean
  /** A promise was broken where nobody waits for the answer. */
  readonly failed: (error: unknown) => void
}

/** Whether a program may be told that where these are expected: that there is too much to do only where nodes find so. */
export const isExpected = (world: World, expected: ReadonlySet<string>, code: string): boolean =>
  expected.has(code) || (code === 'overloaded' && world.cluster.sheds)

/** What a program believes to have. */
export interface Belongings {
  /** It stands still, and believes nothing. */
  pause(): void
  /** In the first moment after a pause, before anything else has been done. */
  lookAtAll(): void
  /** At the end of the first turn after a pause. */
  resume(): void
  /** It is dead. */
  forget(): void
}

interface ProgramOptions<Ports, Held> {
  readonly name: string
  readonly ports: Ports
  readonly held: Held
  /** One of these is how long its leases last. */
  readonly leasesMs: readonly number[]
}

export interface Connecting {
  readonly urls: readonly string[]
  readonly client: string
  readonly timeoutMs: number
  readonly software: string
}

type Dialing<FromClient, FromNode> = Omit<SdkPorts, 'dialer'> & { readonly dialer: ClientDialer<FromClient, FromNode> }

/**
 * One life of a program that uses the library: with a clock of its own, which runs fast or slow, and that may stand still, or die with all that
 * it was doing.
 */
export class Program<FromClient, FromNode, Ports extends ProgramPorts<FromClient, FromNode>, Held extends Belongings> {
  readonly name: string
  readonly ports: Ports
  readonly prng: Prng
  readonly machine: Machine
  readonly held: Held
  readonly timeoutMs: number
  readonly leaseMs: number
  /** Resolves when it is dead. */
  readonly dead: Promise<void>
  /** Resolves when it is to end, and to begin nothing new. */
  readonly toLeave: Promise<void>
  readonly leave: () => void
  readonly #clock: CountedClock
  readonly #life: number
  readonly #died: () => void
  readonly #listening = new Set<() => void>()
  #isLeaving = false

  constructor({ name, ports, held, leasesMs }: ProgramOptions<Ports, Held>) {
    const { world } = ports
    this.name = name
    this.ports = ports
    this.held = held
    this.prng = world.prng.fork()
    this.machine = new Machine(name, world.scheduler, { touched() {} })
    this.#life = this.machine.life
    this.#clock = new CountedClock(this.machine)
    this.timeoutMs = this.prng.pick([2_000, 5_000])
    this.leaseMs = this.prng.pick(leasesMs)
    // Clocks of clients and nodes run apart by no more than the library allows for.
    this.machine.setRate(0.955 + this.prng.float() * 0.09)
    const [death, leave] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    this.dead = death.promise
    this.#died = death.resolve
    this.toLeave = leave.promise
    this.leave = () =>
      this.machine.run(this.#life, () => {
        this.#isLeaving = true
        leave.resolve()
      })
  }

  get isAlive(): boolean {
    return this.machine.life === this.#life
  }
  get isOver(): boolean {
    return this.#isLeaving || this.ports.isOver()
  }

  /** Asks until it is let in; null when it is over before that. */
  async connect<Client>(connect: (ports: Dialing<FromClient, FromNode>, options: Connecting) => Promise<Client>): Promise<Client | null> {
    const { world, links } = this.ports
    const hex = (bytes: number): string =>
      Array.from({ length: bytes }, () => this.prng.between(0, 255).toString(16).padStart(2, '0')).join('')
    const ports = {
      clock: this.#clock,
      leaseClock: this.machine,
      prng: this.prng.fork(),
      entropy: { hex },
      dialer: links.dialer(this.machine),
    }
    const { timeoutMs } = this
    while (!this.isOver) {
      // Some are down for good.
      const nodes = this.prng.shuffle(world.cluster.nodes.map(({ name }) => addressOf(name)))
      const urls = nodes.slice(0, this.prng.between(1, nodes.length))
      const options = { urls, client: this.name, timeoutMs, software: 'sim' }
      const client = await this.bounded('connect', timeoutMs, connect(ports, options)).catch(refusal)
      if (!(client instanceof LockstepError)) return client
      if (client.code !== 'connection_failed') throw client
      this.ports.did('library-connect-again')
      await this.sleep(this.prng.between(50, 1_000))
    }
    return null
  }

  sleep(ms: number): Promise<void> {
    this.#mustLive()
    return new Promise((resolve) => void this.machine.after(ms, resolve))
  }

  think(meanMs: number): Promise<void> {
    return this.sleep(this.thinkMs(meanMs))
  }

  thinkMs(meanMs: number): number {
    return -Math.log(1 - this.prng.float()) * meanMs
  }

  /** For so long, or until the signal aborts. */
  async sleepUnder(signal: AbortSignal, ms: number): Promise<void> {
    const { promise: aborted, resolve } = Promise.withResolvers<void>()
    // A signal keeps who listens to it, and all that they know.
    const deaf = (): void => {
      signal.removeEventListener('abort', onAbort)
      this.#listening.delete(deaf)
    }
    const onAbort = (): void => {
      deaf()
      resolve()
    }
    signal.addEventListener('abort', onAbort)
    this.#listening.add(deaf)
    if (!signal.aborted) await Promise.race([this.sleep(ms), aborted])
    deaf()
  }

  /** A call that may not take longer than that on the clock of this process. */
  async bounded<T>(what: string, limitMs: number, call: Promise<T>): Promise<T> {
    this.#mustLive()
    let isSettled = false
    const check = (): void => {
      if (!isSettled) this.ports.failed(new Violation(`${this.name}: ${what} hangs beyond its deadline of ${limitMs} ms`))
    }
    // One that was paused hears first of what has come to it meanwhile, and has heard it only a turn later.
    const cancel = this.machine.after(limitMs, () => void this.machine.after(slackMs, () => this.machine.soon(check)))
    try {
      return await call
    } finally {
      isSettled = true
      cancel()
    }
  }

  /** The dead do nothing: what went on would be seen by nobody, and by no check. */
  #mustLive(): void {
    if (!this.isAlive) this.ports.failed(new Violation(`${this.name} goes on after its death`))
  }

  /** Nothing of it runs for so long. */
  freeze(ms: number): void {
    if (this.machine.paused) return
    this.ports.world.trace.line(this.name, 'freeze', { ms })
    this.machine.pause()
    this.held.pause()
    this.ports.world.scheduler.after(ms, () => {
      if (!this.isAlive) return
      if (this.prng.chance(0.5)) this.held.lookAtAll()
      this.machine.resume()
      this.held.resume()
    })
  }

  die(): void {
    this.ports.world.trace.line(this.name, 'die')
    this.machine.crash()
    this.held.forget()
    for (const deaf of this.#listening) deaf()
    this.ports.links.died(this.machine)
    this.#died()
  }

  /** After its client was closed and everything that was asked of that has ended. */
  end(): void {
    if (this.#clock.owed > 0) throw new Violation(`${this.name}: ${this.#clock.owed} timers are left after its client was closed`)
    const links = this.ports.links.of(this.machine).filter(({ isOpenAtClient }) => isOpenAtClient)
    if (links.length > 0) throw new Violation(`${this.name}: ${links.length} links are left after its client was closed`)
    this.machine.crash()
  }
}

export function refusal(error: unknown): LockstepError {
  if (error instanceof LockstepError) return error
  throw error
}

/** For timers that are looked at together. */
const slackMs = 250
