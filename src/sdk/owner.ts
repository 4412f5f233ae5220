import { deferred } from '#base/deferred.ts'
import { assert } from '#base/assert.ts'
import type { Grant, Granted, Identity, Item, LockAnswer, LockCommand, LockMode } from '#core/lock/types.ts'
import { fencingToken } from '#core/lock/types.ts'
import { abortedBy, errorOfAnswer, LockstepError } from './errors.ts'
import { execute } from './executing.ts'
import { Hold } from './hold.ts'
import type { LockKeeper } from './lock.ts'
import { Lock, LockSet } from './lock.ts'
import type { AcquireOptions, Asked, LockItem, LockOptions } from './options.ts'
import { askedOf, itemOf, itemsOf } from './options.ts'
import type { RequestPorts } from './request.ts'
import { LockRequest } from './request.ts'
import type { Session } from './session.ts'
import type { Sessions } from './sessions.ts'
import { Turns } from './turns.ts'

export interface OwnerPorts extends RequestPorts {
  readonly sessions: Sessions
  readonly timeoutMs: number
}

/** A request that waits at the service, or is on its way there. */
interface Pending {
  readonly items: readonly Item[]
  /** It is not answered at once when the lock is not free. */
  readonly waits: boolean
}

/**
 * One thread of control: its locks are re-entrant, and a deadlock across the locks of several owners is found by the service. Re-entrance is
 * counted here, over one lock at the service (decision L2).
 */
export class OwnerCore implements LockKeeper {
  readonly #ports: OwnerPorts
  /** It has nothing any more, and asks for nothing. */
  readonly #idle: (owner: OwnerCore) => void
  readonly #turns = new Turns()
  readonly #holds = new Map<string, Hold>()
  readonly #pending = new Set<Pending>()
  #session: Session | null = null
  #pins = 0
  #closed = false

  constructor(ports: OwnerPorts, idle: (owner: OwnerCore) => void = () => {}) {
    this.#ports = ports
    this.#idle = idle
  }

  get session(): Session | null {
    return this.#session
  }
  get holds(): readonly Hold[] {
    return [...this.#holds.values()].filter((hold) => hold.isHeld)
  }
  get pending(): readonly Item[] {
    return [...this.#pending].flatMap(({ items }) => items)
  }
  get isIdle(): boolean {
    return this.#pins === 0 && this.#turns.isIdle && this.#holds.size === 0
  }

  /** Somebody acts for it, also while it holds nothing. */
  async pinned<T>(act: () => Promise<T>): Promise<T> {
    this.#pins++
    try {
      return await act()
    } finally {
      this.#pins--
      if (this.isIdle) this.#idle(this)
    }
  }

  async lock(name: string, options: LockOptions): Promise<Lock | null> {
    const asked = askedOf(options)
    const item = itemOf({ name, mode: options.mode })
    const left = await this.#enter(name, asked)
    if (left === null) return null
    const known = this.#known(name)
    if (known === null) {
      const [granted] = (await this.#request([item], left)) ?? []
      return granted ?? null
    }
    // Counted before anything else is awaited, so that nobody else's release ends it meanwhile.
    const lock = new Lock(known, this)
    if (known.mode === 'exclusive' || item.mode === 'shared') {
      this.#leave([name])
      return lock
    }
    let isRaised = false
    try {
      isRaised = await this.#raise(known, left)
    } finally {
      // It may be the last one by now. What fails goes on by itself.
      if (!isRaised) void lock.release().catch(() => {})
    }
    return isRaised ? lock : null
  }

  async acquireMany(asked: readonly LockItem[], options: AcquireOptions): Promise<LockSet | null> {
    const items = itemsOf(asked)
    let left: Asked = askedOf(options)
    const names = items.map(({ resource }) => resource)
    const taken: string[] = []
    try {
      // In one order, or two such requests of this owner could wait for each other.
      for (const name of names.toSorted()) {
        const entered = await this.#enter(name, left)
        if (entered === null) {
          this.#leave(taken)
          return null
        }
        left = entered
        taken.push(name)
      }
      const held = names.find((name) => this.#known(name) !== null)
      if (held !== undefined) {
        throw new LockstepError('conflicting_request', `this owner holds ${JSON.stringify(held)} already: release that first`)
      }
    } catch (error) {
      this.#leave(taken)
      throw error
    }
    const granted = await this.#request(items, left)
    return granted === null ? null : new LockSet(granted)
  }

  async release(hold: Hold): Promise<void> {
    assert(hold.count > 0, 'a lock is released as often as it was taken')
    if (--hold.count > 0) return
    if (this.#turns.tryEnter(hold.name)) await this.#releaseInTurn(hold)
    else await this.#within(this.#turns.enter(hold.name).then(() => this.#releaseInTurn(hold)))
  }

  async #releaseInTurn(hold: Hold): Promise<void> {
    // Taken again, or lost, before this turn came.
    if (hold.count > 0 || !hold.isHeld) {
      if (hold.count === 0) this.#forget(hold)
      this.#leave([hold.name])
      return
    }
    await this.#giveBack(hold)
  }

  async upgrade(hold: Hold, options: AcquireOptions): Promise<boolean> {
    const left = await this.#enter(hold.name, askedOf(options))
    if (left === null) return false
    if (!hold.isHeld || hold.mode === 'exclusive') {
      this.#leave([hold.name])
      if (hold.isHeld) return true
      throw lostError(hold)
    }
    return this.#raise(hold, left)
  }

  async downgrade(hold: Hold): Promise<void> {
    await this.#enter(hold.name, { signal: undefined, waitMs: this.#ports.timeoutMs, ifAvailable: false, lockDelayMs: 0 })
    const objection = this.#objectionTo(hold)
    if (objection !== null || hold.mode === 'shared') {
      this.#leave([hold.name])
      if (objection !== null) throw objection
      return
    }
    const token = fencingToken(hold.token)
    // From when it is sent readers may be let in, whether or not the answer comes.
    hold.changed({ mode: 'shared', token })
    const over = (): void => this.#leave([hold.name])
    const refused = (): void => hold.changed({ mode: 'exclusive', token })
    const command = (identity: Identity): LockCommand => ({ type: 'downgrade', identity, ...this.#meant(hold) })
    const answer = await execute(this.#ports, hold.session, { command, over, refused })
    // Nobody could be told when it was taken away, if there was no link then.
    if (isNotHeld(answer)) hold.forced()
    if (answer.type !== 'released') throw hold.isHeld ? errorOfAnswer(answer, [hold.name]) : lostError(hold)
  }

  #objectionTo(hold: Hold): LockstepError | null {
    if (!hold.isHeld) return lostError(hold)
    if (hold.mode === 'shared' || hold.count === 1) return null
    return new LockstepError('invalid_request', 'this owner has taken the lock more than once, and may count on its mode')
  }

  /** Asks for nothing any more. */
  shut(): void {
    this.#closed = true
  }

  /** Releases all, and gives up what it waits for. */
  close(): Promise<void> {
    this.shut()
    const session = this.#session
    return new Promise((resolve) => {
      if (session === null) resolve()
      else this.#ports.sessions.close(session, resolve)
    })
  }

  /** A lock of this owner that may still be counted on, or asked for. */
  #known(name: string): Hold | null {
    const hold = this.#holds.get(name)
    if (hold === undefined) return null
    if (hold.isHeld) return hold
    this.#holds.delete(name)
    return null
  }

  #hold(session: Session, grant: Grant): Lock {
    const hold = new Hold(session, grant)
    this.#holds.set(grant.resource, hold)
    return new Lock(hold, this)
  }

  #forget(hold: Hold): void {
    if (this.#holds.get(hold.name) === hold) this.#holds.delete(hold.name)
  }

  /** Null when it is not available and that was asked. The turns of its names are left when nothing is under way any more. */
  #request(items: readonly Item[], asked: Asked): Promise<readonly Lock[] | null> {
    const names = items.map(({ resource }) => resource)
    return new Promise((resolve, reject) => {
      // Since its turn has come.
      if (this.#closed) {
        this.#leave(names)
        reject(closed())
        return
      }
      const session = this.#openSession()
      const pending = { items, waits: asked.waitMs !== 0 }
      this.#pending.add(pending)
      const told = (granted: Granted | LockstepError): void => {
        this.#pending.delete(pending)
        if (!(granted instanceof LockstepError)) resolve(granted.grants.map((grant) => this.#hold(session, grant)))
        else if (granted.code === 'lock_timeout' && asked.ifAvailable) resolve(null)
        else reject(granted)
      }
      const over = (late: Granted | null): void => {
        if (late === null) this.#leave(names)
        // Nobody was told of it. It goes on until it is answered.
        else for (const grant of late.grants) this.#giveBack(new Hold(session, grant)).catch(() => {})
      }
      this.#start(session, { items, asked, isUpgrade: false }, { told, over })
    })
  }

  /** Makes a shared lock exclusive. */
  #raise(hold: Hold, asked: Asked): Promise<boolean> {
    const items = [{ resource: hold.name, mode: 'exclusive' as LockMode }]
    const pending = { items, waits: asked.waitMs !== 0 }
    this.#pending.add(pending)
    return new Promise((resolve, reject) => {
      const told = (granted: Granted | LockstepError): void => {
        this.#pending.delete(pending)
        if (!(granted instanceof LockstepError)) {
          raise(hold, granted)
          resolve(true)
        } else if (granted.code === 'lock_timeout' && asked.ifAvailable) resolve(false)
        else reject(granted)
      }
      const over = (late: Granted | null): void => {
        if (late !== null) raise(hold, late)
        this.#leave([hold.name])
      }
      this.#start(hold.session, { items, asked, isUpgrade: true }, { told, over })
    })
  }

  #start(
    session: Session,
    { items, asked, isUpgrade }: { readonly items: readonly Item[]; readonly asked: Asked; readonly isUpgrade: boolean },
    events: { readonly told: (granted: Granted | LockstepError) => void; readonly over: (late: Granted | null) => void },
  ): void {
    const { timeoutMs } = this.#ports
    new LockRequest(this.#ports, { session, items, ...asked, timeoutMs, isUpgrade }, events).start()
  }

  /** In its turn, which is left when that is certain. */
  async #giveBack(hold: Hold): Promise<void> {
    const over = (): void => {
      hold.released()
      this.#forget(hold)
      this.#leave([hold.name])
    }
    // The service has it still then, and would for as long as its session is kept alive.
    const refused = (): void => this.#ports.sessions.close(hold.session)
    const command = (identity: Identity): LockCommand => ({ type: 'release', identity, ...this.#meant(hold) })
    await execute(this.#ports, hold.session, { command, over, refused })
  }

  #meant({ name, token, session }: Hold): Pick<Extract<LockCommand, { type: 'release' }>, 'owner' | 'resource' | 'proof'> {
    return { owner: session.owner, resource: name, proof: { type: 'token', token: fencingToken(token) } }
  }

  #openSession(): Session {
    if (this.#session === null || this.#session.error !== null) this.#session = this.#ports.sessions.open()
    return this.#session
  }

  /** Its turn, with what is left of the wait, unless the call ends before it comes; null when it is not available and that was asked. */
  async #enter(name: string, asked: Asked): Promise<Asked | null> {
    const { signal, waitMs, ifAvailable } = asked
    if (signal?.aborted === true) throw abortedBy(signal)
    if (this.#closed) throw closed()
    if (this.#turns.tryEnter(name)) return asked
    if (ifAvailable && this.#waitsFor(name)) return null
    const { clock, timeoutMs } = this.#ports
    const beganAt = clock.now()
    const come = this.#turns.enter(name).then(() => null)
    const { promise: ended, resolve: end } = deferred<LockstepError>()
    const onAbort = (): void => end(abortedBy(signal as AbortSignal))
    signal?.addEventListener('abort', onAbort)
    const limitMs = ifAvailable ? timeoutMs : waitMs
    const tooLate = (): void => end(new LockstepError('lock_timeout', `this owner is busy with ${JSON.stringify(name)}`))
    const cancel = limitMs === null ? (): void => {} : clock.after(limitMs, tooLate)
    const error = await Promise.race([come, ended])
    cancel()
    signal?.removeEventListener('abort', onAbort)
    if (error === null && !this.#closed) {
      return waitMs === null ? asked : { ...asked, waitMs: Math.max(0, Math.ceil(waitMs - (clock.now() - beganAt))) }
    }
    void come.then(() => this.#leave([name]))
    if (ifAvailable && error?.code === 'lock_timeout') return null
    throw error ?? closed()
  }

  #waitsFor(name: string): boolean {
    return [...this.#pending].some(({ items, waits }) => waits && items.some(({ resource }) => resource === name))
  }

  /** It goes on, also when its caller is told that it takes too long. */
  #within(going: Promise<void>): Promise<void> {
    const { clock, timeoutMs } = this.#ports
    return new Promise((resolve, reject) => {
      const tooLate = (): void => reject(new LockstepError('timeout', 'this owner is busy with that lock; it is released after that'))
      const cancel = clock.after(timeoutMs, tooLate)
      going.finally(cancel).then(resolve, reject)
    })
  }

  #leave(names: readonly string[]): void {
    for (const name of names) this.#turns.leave(name)
    if (this.isIdle) this.#idle(this)
  }
}

const isNotHeld = (answer: LockAnswer): boolean =>
  answer.type === 'refused' && (answer.code === 'not_holder' || answer.code === 'unknown_resource')

const closed = (): LockstepError => new LockstepError('closed', 'this owner was closed')

const lostError = (hold: Hold): LockstepError => hold.error ?? new LockstepError('not_holder', `${JSON.stringify(hold.name)} was released`)

function raise(hold: Hold, { grants: [grant] }: Granted): void {
  if (grant !== undefined) hold.changed(grant)
}
