import type { Cancel, Clock } from '#ports/clock.ts'
import { sdkLimits } from './limits.ts'
import type { OwnerPorts } from './owner.ts'
import { OwnerCore } from './owner.ts'

/** Owners of single locks, with their sessions, for use again: opening a session is a logged command. */
export class OwnerPool {
  readonly #ports: OwnerPorts
  /** Idle ones; the last to come is the first to go, so that those that are too many come to rest at the front. */
  readonly #idle: { readonly owner: OwnerCore; readonly since: number }[] = []
  /** All that are in use. */
  readonly #busy = new Set<OwnerCore>()
  #cancelTrim: Cancel | null = null
  #stopped = false

  constructor(ports: OwnerPorts) {
    this.#ports = ports
  }

  take(): OwnerCore {
    const owner = this.#idle.pop()?.owner ?? new OwnerCore(this.#ports, (idle) => this.#giveBack(idle))
    this.#busy.add(owner)
    return owner
  }

  isBusy(owner: OwnerCore): boolean {
    return this.#busy.has(owner)
  }

  busy(): readonly OwnerCore[] {
    return [...this.#busy]
  }

  /** Nobody is kept for later any more: who is still busy ends with its session. */
  stop(): void {
    this.#stopped = true
    this.#cancelTrim?.()
    this.#cancelTrim = null
  }

  #giveBack(owner: OwnerCore): void {
    if (!this.#busy.delete(owner) || this.#stopped) return
    if (this.#idle.length >= sdkLimits.idleSessionsMax) {
      void owner.close()
      return
    }
    this.#idle.push({ owner, since: this.#clock.now() })
    this.#cancelTrim ??= this.#clock.after(sdkLimits.idleMs, () => this.#trim())
  }

  #trim(): void {
    const now = this.#clock.now()
    const fresh = this.#idle.findIndex(({ since }) => now - since < sdkLimits.idleMs)
    for (const { owner } of this.#idle.splice(0, fresh < 0 ? this.#idle.length : fresh)) void owner.close()
    this.#cancelTrim = this.#idle.length === 0 ? null : this.#clock.after(sdkLimits.idleMs, () => this.#trim())
  }

  get #clock(): Clock {
    return this.#ports.clock
  }
}
