import type { Cancel, Clock } from '#ports/clock.ts'
import type { Peer } from '#ports/transport.ts'
import type { BackOff } from '#base/back-off.ts'

/** What one listed peer is doing when no connection to it lives. */
type State =
  | { readonly type: 'idle' }
  | { readonly type: 'waiting'; readonly cancel: Cancel }
  | { readonly type: 'dialling'; readonly cancel: Cancel }

export interface TargetOptions {
  readonly peer: Peer
  readonly backOff: BackOff
  readonly clock: Clock
  /** Both ends dial when a connection between them breaks; the one that yields gives the other a head start. */
  readonly yields: boolean
  /** Whether a dial is needed, and how it is begun. */
  readonly needed: () => boolean
  readonly dial: () => Cancel
}

const headStartMs = 50

/** The dialling of one peer: at most one attempt or one wait at a time. */
export class Target {
  readonly peer: Peer
  /** Who it is, or who answered at its address last; null while that is not known. */
  answeredBy: string | null
  /** Why the last attempt failed, until one succeeds. */
  problem: string | null = null
  readonly #options: TargetOptions
  #state: State = { type: 'idle' }

  constructor(options: TargetOptions) {
    this.peer = options.peer
    this.answeredBy = options.peer.name
    this.#options = options
  }

  get dialling(): boolean {
    return this.#state.type === 'dialling'
  }

  /** Dials when its time has come; nothing happens while an attempt or a wait is under way. */
  schedule(): void {
    if (this.#state.type !== 'idle' || !this.#options.needed()) return
    const { backOff, clock, yields } = this.#options
    const delayMs = Math.max(backOff.next(), yields ? headStartMs : 0)
    this.#state = { type: 'waiting', cancel: clock.after(delayMs, () => this.#begin()) }
  }

  /** The attempt came to an end; what it led to lives or has failed. */
  settled(problem: string | null): void {
    this.problem = problem
    this.#state = { type: 'idle' }
  }

  held(ms: number): void {
    this.#options.backOff.heldFor(ms)
  }

  stop(): void {
    if (this.#state.type !== 'idle') this.#state.cancel()
    this.#state = { type: 'idle' }
  }

  #begin(): void {
    this.#state = { type: 'idle' }
    if (this.#options.needed()) this.#state = { type: 'dialling', cancel: this.#options.dial() }
  }
}
