import type { LockMode } from '#core/lock/types.ts'
import type { LockstepClient } from '#sdk/client.ts'
import { LockstepError } from '#sdk/errors.ts'
import type { LockstepErrorCode } from '#sdk/errors.ts'
import type { Lock, LockSet } from '#sdk/lock.ts'
import type { Locking } from '#sdk/locking.ts'
import type { LockItem, LockOptions } from '#sdk/options.ts'
import { Violation } from '#sim/checks/violation.ts'
import { judgeCheck } from '#sim/lock/judge-check.ts'
import { Grip } from './grip.ts'
import type { LockProgram } from './lock-program.ts'
import { isExpected, refusal } from '#sim/clients/program.ts'

/** What a program does with the library, one thing after another. */
export class Task {
  readonly #process: LockProgram
  readonly #sync: LockstepClient

  constructor(process: LockProgram, sync: LockstepClient) {
    this.#process = process
    this.#sync = sync
  }

  /** Until its process has better things to do. */
  async run(): Promise<void> {
    const { prng, ports } = this.#process
    const kinds = [
      () => this.#lock(),
      () => this.#lock(),
      () => this.#withLock(),
      () => this.#withLock(),
      () => this.#many(),
      () => this.#owner(),
    ]
    while (!this.#process.isOver) {
      await this.#process.think(ports.options.thinkMs)
      if (!this.#process.isOver) await this.#survive(prng.pick(kinds))
    }
  }

  /** Leads for a while whenever it can, and then lets others lead. */
  async campaign(role: string): Promise<void> {
    const process = this.#process
    process.ports.did('library-elect')
    const election = this.#sync.elect(role, { onLeader: (signal, token) => this.#lead(role, signal, token) })
    election.done.catch((error: unknown) => process.ports.failed(error))
    while (!process.isOver) await process.sleep(500)
    // It resigns, gives up its wait, or is waited for until it has stopped.
    await process.bounded('the end of a campaign', 3 * process.timeoutMs, election.close())
  }

  async #lead(role: string, signal: AbortSignal, fencingToken: number): Promise<void> {
    const process = this.#process
    process.ports.did('library-lead')
    const letGo = process.held.told({ name: role, mode: 'exclusive', fencingToken, signal, isHeld: null })
    await process.sleepUnder(signal, process.prng.float() * 6_000)
    letGo()
  }

  /** What the library may refuse is told, and nothing else. */
  async #survive(act: () => Promise<void>): Promise<void> {
    try {
      await act()
    } catch (error) {
      const { code, message } = refusal(error)
      if (!isExpected(this.#process.ports.world, expected, code))
        throw new Violation(`${this.#process.name} was refused with ${code}: ${message}`)
      this.#process.ports.did(`library-told-${code}`)
    }
  }

  async #lock(): Promise<void> {
    const lock = await this.#ask(this.#sync, this.#wish())
    if (lock === null) return
    const grip = new Grip(this.#process, lock)
    try {
      await this.#work(grip)
    } finally {
      await this.#release(grip)
    }
  }

  async #many(): Promise<void> {
    const { ports, prng, timeoutMs } = this.#process
    ports.did('library-acquire-many')
    const { options, limitMs } = this.#terms()
    const asked = this.#sync.acquireMany(this.#items(), options as Waiting)
    const set: LockSet | null = await this.#process.bounded('acquireMany', limitMs, asked)
    if (set === null) return
    const grips = set.locks.map((lock) => new Grip(this.#process, lock, set.signal))
    try {
      await this.#work(prng.pick(grips))
    } finally {
      for (const grip of grips) grip.loosen()
      await this.#process.bounded('the release of several locks', 2 * timeoutMs, set.release())
    }
  }

  /** One owner for several locks, which it is asked for one after another; what it still has goes with it. */
  async #owner(): Promise<void> {
    const { ports, prng } = this.#process
    ports.did('library-owner')
    const owner = this.#sync.owner()
    const grips: Grip[] = []
    try {
      for (let count = prng.between(1, 3); count > 0; count--) {
        const lock = await this.#ask(owner, this.#wish())
        if (lock === null) continue
        const grip = new Grip(this.#process, lock)
        grips.push(grip)
        await this.#work(grip)
        if (prng.chance(0.3)) await this.#release(grip)
      }
    } finally {
      for (const grip of grips) grip.loosen()
      await this.#process.bounded('the end of an owner', ownerCloseMs, owner.close())
    }
  }

  /** Some way down into locks within locks, of which some are those that are held already. */
  #withLock(within: readonly LockItem[] = []): Promise<void> {
    const { prng, ports } = this.#process
    const again = within.length > 0 && prng.chance(0.3)
    const wish = again ? { ...prng.pick(within), mode: this.#mode() } : this.#wish()
    ports.did(within.length === 0 ? 'library-with-lock' : again ? 'library-again' : 'library-nested')
    return this.#underLock(wish, async (grip) => {
      await this.#work(grip)
      const deeper = [...within, wish]
      if (deeper.length < 3 && prng.chance(ports.options.nestedShare + 0.2)) await this.#withLock(deeper)
      // Tasks that run side by side have one owner, and both must have ended before it lets go.
      if (within.length === 0 && prng.chance(0.1)) {
        for (const { reason } of rejected(await Promise.allSettled([this.#withLock(deeper), this.#withLock(deeper)]))) throw reason
      }
    })
  }

  /** As `withLock`, in its three parts: to be let in, to work, to let go. */
  async #underLock({ name, mode }: LockItem, run: (grip: Grip) => Promise<void>): Promise<void> {
    const process = this.#process
    const { options, limitMs } = this.#terms()
    const begun = Promise.withResolvers<void>()
    const ended = Promise.withResolvers<void>()
    const whole = this.#sync.withLock(name, { ...options, mode } as Trying, async (lock) => {
      begun.resolve()
      const grip = lock === null ? null : new Grip(process, lock)
      try {
        if (grip !== null) await run(grip)
      } finally {
        grip?.loosen()
        ended.resolve()
      }
    })
    await process.bounded('withLock', limitMs, Promise.race([begun.promise, whole]))
    await ended.promise
    await process.bounded('the end of withLock', 2 * process.timeoutMs, whole)
  }

  #ask(locking: Locking, { name, mode }: LockItem): Promise<Lock | null> {
    const { options, limitMs } = this.#terms()
    this.#process.ports.did('library-lock')
    return this.#process.bounded('lock', limitMs, locking.lock(name, { ...options, mode } as Waiting))
  }

  async #release(grip: Grip): Promise<void> {
    grip.loosen()
    await this.#process.bounded('release', 2 * this.#process.timeoutMs, grip.lock.release())
  }

  async #work(grip: Grip): Promise<void> {
    const { prng, leaseMs, ports } = this.#process
    const { lock } = grip
    for (let step = prng.between(1, 3); step > 0 && lock.isHeld(); step--) {
      // Some need a lock for longer than a session lasts by itself.
      const ms = prng.chance(0.04) ? leaseMs * (1 + prng.float()) : -Math.log(1 - prng.float()) * 120
      await this.#process.sleepUnder(lock.signal, ms)
      if (!lock.isHeld()) ports.did(`library-lost-${lock.lost ?? 'released'}`)
      else if (prng.chance(0.15)) await this.#look(lock)
      else if (prng.chance(0.1)) await (lock.mode === 'shared' ? this.#upgrade(grip) : this.#downgrade(grip))
    }
  }

  async #upgrade(grip: Grip): Promise<void> {
    this.#process.ports.did('library-upgrade')
    const { options, limitMs } = this.#terms()
    const isRaised = await this.#process.bounded('upgrade', limitMs, grip.lock.upgrade(options))
    if (isRaised) grip.tighten()
  }

  /** It does not count on being alone from the moment it asks for that. */
  async #downgrade(grip: Grip): Promise<void> {
    const { ports, timeoutMs } = this.#process
    ports.did('library-downgrade')
    grip.loosen()
    const error = await this.#process.bounded('downgrade', 2 * timeoutMs, grip.lock.downgrade()).catch(refusal)
    if (error instanceof LockstepError) this.#judgeDowngrade(grip.lock, error)
    grip.tighten()
  }

  /** Others of its owner may count on it; and who is told that it was taken away has lost it in that way. */
  #judgeDowngrade({ name, fencingToken }: Lock, error: LockstepError): void {
    const { ports, name: process } = this.#process
    if (error.code === 'forced' && ports.ledger.grant(fencingToken)?.end !== 'forced')
      throw new Violation(`${process} was told that ${name} was taken away, and it was not`)
    if (error.code !== 'invalid_request') throw error
  }

  /** What the service says of a lock, as a protected resource would ask. */
  async #look(lock: Lock): Promise<void> {
    const { ports, timeoutMs } = this.#process
    const { name, fencingToken: token } = lock
    const sentAt = ports.world.scheduler.now
    ports.did('library-check')
    const checked = await this.#process.bounded('check', timeoutMs, this.#sync.check(name, token))
    judgeCheck(ports, { token, sentAt }, checked)
  }

  /** How long a call waits, and within what time it must have ended. */
  #terms(): { readonly options: LockOptions; readonly limitMs: number } {
    const { prng, timeoutMs, ports, machine } = this.#process
    const lockDelayMs = ports.options.lockDelayMs
    const waitMs = prng.pick([0, 500, 3_000, 3_000, 10_000, null, null])
    if (waitMs === 0) return { options: { ifAvailable: true, lockDelayMs }, limitMs: 2 * timeoutMs }
    // Its turn among those of its owner may come late, and then it waits for the others.
    if (waitMs !== null) return { options: { waitMs, lockDelayMs }, limitMs: 2 * waitMs + timeoutMs }
    if (prng.chance(0.5)) return { options: { lockDelayMs }, limitMs: endlessMs }
    const ending = new AbortController()
    const afterMs = prng.float() * 6_000
    machine.after(afterMs, () => ending.abort())
    ports.did('library-abort')
    return { options: { signal: ending.signal, lockDelayMs }, limitMs: afterMs + 1 }
  }

  #mode(): LockMode {
    const { prng, ports } = this.#process
    return prng.chance(ports.options.sharedShare) ? 'shared' : 'exclusive'
  }

  #wish(): { readonly name: string; readonly mode: LockMode } {
    const { prng, ports } = this.#process
    const { hot, cold, hotShare } = ports.options
    const name = prng.chance(hotShare) ? `hot-${prng.between(1, hot)}` : `cold-${prng.between(1, cold)}`
    return { name, mode: this.#mode() }
  }

  #items(): readonly LockItem[] {
    const wishes = Array.from({ length: this.#process.prng.between(1, 4) }, () => this.#wish())
    return [...new Map(wishes.map((wish) => [wish.name, wish])).values()]
  }
}

type Waiting = LockOptions & { readonly ifAvailable?: false }
type Trying = LockOptions & { readonly ifAvailable: true }

const rejected = (results: readonly PromiseSettledResult<unknown>[]): readonly PromiseRejectedResult[] =>
  results.filter((result) => result.status === 'rejected')

/** What a call may be refused with while no promise is broken. A session that the service ends before its client gives it up is none. */
const expected: ReadonlySet<LockstepErrorCode> = new Set<LockstepErrorCode>([
  'lock_timeout',
  'timeout',
  'aborted',
  'closed',
  'deadlock',
  'wait_die',
  'wounded',
  'lease_expired',
  'forced',
  'hold_ended',
])

/** Ends with the lock that is waited for, or with the session. */
const endlessMs = 10_000_000
/** The library bounds that by itself. */
const ownerCloseMs = 5_000
