import type { Millis } from '#base/brand.ts'
import { millis } from '#base/brand.ts'
import type { Prng } from '#base/prng.ts'
import type { Clock } from '#ports/clock.ts'
import { Deadlines } from '#runtime/deadlines.ts'
import { sdkLimits as limits } from './limits.ts'

/** What is known of a call that a node could not carry out. */
export interface Refused {
  readonly deadline: Millis
  /** It keeps up or gives back what this client has: nobody is helped when it fails. */
  readonly keeps: boolean
  /** An earlier attempt may have been carried out, so it must not end as if none had been. */
  readonly doubtful: boolean
  /** How often in a row there was too much to do for it. */
  refusals: number
}

/**
 * When calls of one client are made again that a node could not carry out at that moment.
 *
 * What was refused because there is too much to do comes back later each time, in a time drawn by chance, so that clients do not come back together. Of that even a few
 * from every client are too many when all are refused: each refusal costs a token, ten calls that are done earn one, and with half of the tokens gone a
 * call ends as it was refused, which says that it was not carried out (the retry throttling of gRPC, proposal A6).
 */
export class Retries<Call extends Refused> {
  readonly #clock: Clock
  readonly #prng: Prng
  readonly #resting: Deadlines<{ readonly call: Call; readonly deadline: Millis }>
  #tokens: number = limits.retryTokens

  constructor(ports: { readonly clock: Clock; readonly prng: Prng }, again: (call: Call) => void) {
    this.#clock = ports.clock
    this.#prng = ports.prng
    this.#resting = new Deadlines({ clock: ports.clock, post: (task) => task() }, ({ call }) => again(call))
  }

  /** False when it is not made again. */
  rest(call: Call, code: string | null): boolean {
    const now = this.#clock.now()
    const isTooMuch = code === 'overloaded'
    const restMs = isTooMuch || code === 'rate_limited' ? this.#backOffMs(call) : this.#prng.between(limits.restMsMin, limits.restMsMax)
    if (isTooMuch) {
      this.#tokens = Math.max(0, this.#tokens - 1)
      const mayWait = this.#tokens > limits.retryTokens / 2 && now + restMs < call.deadline
      if (!mayWait && !call.keeps && !call.doubtful) return false
    }
    this.#resting.add({ call, deadline: millis(now + restMs) })
    return true
  }

  /** A call was carried out. */
  done(): void {
    this.#tokens = Math.min(limits.retryTokens, this.#tokens + limits.retryTokensPerCall)
  }

  close(): void {
    this.#resting.drain()
  }

  #backOffMs(call: Call): number {
    const ceiling = Math.min(limits.backOffMsMax, limits.backOffMs * 2 ** Math.min(call.refusals++, 16))
    return ceiling * (0.5 + this.#prng.float() / 2)
  }
}
