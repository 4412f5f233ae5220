import type { Prng } from '#base/prng.ts'
import type { SlotId } from '#core/cache/types.ts'
import { slotId } from '#core/cache/types.ts'
import type { Clock } from '#ports/clock.ts'
import type { LockstepErrorCode } from '#sdk/errors.ts'
import { LockstepError } from '#sdk/errors.ts'
import { sdkLimits } from '#sdk/limits.ts'
import type { CacheServerMessage } from '#wire/cache-client-message.ts'
import type { Asking, Terms } from './asking.ts'
import type { CacheLine } from './links.ts'

interface ClearingPorts {
  readonly clock: Clock
  readonly prng: Prng
  readonly asking: Asking
  readonly slots: () => number
  /** To the home of the slot; null while there is none. */
  readonly lineTo: (slot: SlotId) => CacheLine | null
}

type Answered = Extract<CacheServerMessage, { type: 'cleared' | 'failed' }>

/** Null: done. */
type Done = (error: LockstepError | null) => void

interface Open {
  readonly line: CacheLine
  readonly done: Done
}

/** Empties namespaces: one write in each slot, by its home. What may have been carried out is not asked for again, as it would take what was written since. */
export class Clearing {
  readonly #ports: ClearingPorts
  readonly #open = new Map<number, Open>()
  readonly #rests = new Set<() => void>()
  #lastCall = 0

  constructor(ports: ClearingPorts) {
    this.#ports = ports
  }

  async clear(namespace: string, terms: Terms): Promise<void> {
    const slots = Array.from({ length: this.#ports.slots() }, (_, at) => slotId(at + 1))
    let cleared = 0
    const all = Promise.all(
      slots.map(async (slot) => {
        await this.#clearSlot(slot, namespace, terms)
        cleared++
      }),
    )
    try {
      await this.#ports.asking.within(terms, all, () => unknown('not all slots answered in time'))
    } catch (error) {
      // Nobody is told that nothing was carried out when some slots are empty.
      throw cleared > 0 && error instanceof LockstepError && error.code !== 'unknown' ? unknown(error.message) : error
    }
  }

  answered(line: CacheLine, message: Answered): void {
    const open = this.#open.get(message.call)
    if (open === undefined || open.line !== line) return
    this.#open.delete(message.call)
    open.done(message.type === 'cleared' ? null : new LockstepError(message.code as LockstepErrorCode, message.message))
  }

  lineDown(line: CacheLine): void {
    this.#endAll((open) => open.line === line, unknown('the connection broke'))
  }

  close(error: LockstepError): void {
    this.#endAll(() => true, error)
    for (const end of this.#rests) end()
  }

  async #clearSlot(slot: SlotId, namespace: string, terms: Terms): Promise<void> {
    const { asking } = this.#ports
    while (!asking.isOver(terms)) {
      const error = await this.#attempt(slot, namespace)
      if (error === null) return
      if (!notCarriedOut.has(error.code)) throw error
      await (error.code === 'no_leader'
        ? this.#rest(sdkLimits.restMsMin, sdkLimits.restMsMax)
        : this.#rest(sdkLimits.backOffMs, sdkLimits.backOffMsMax))
    }
    throw unknown('its time was over before the home of a slot was found')
  }

  #attempt(slot: SlotId, namespace: string): Promise<LockstepError | null> {
    const line = this.#ports.lineTo(slot)
    if (line === null) return Promise.resolve(new LockstepError('no_leader', 'no home of the slot can be reached'))
    const call = ++this.#lastCall
    return new Promise((resolve) => {
      this.#open.set(call, { line, done: resolve })
      line.link.send({ type: 'clear', call, slot, namespace })
    })
  }

  #rest(leastMs: number, mostMs: number): Promise<void> {
    const { clock, prng } = this.#ports
    return new Promise((resolve) => {
      const end = (): void => {
        cancel()
        this.#rests.delete(end)
        resolve()
      }
      const cancel = clock.after(prng.between(leastMs, mostMs), end)
      this.#rests.add(end)
    })
  }

  #endAll(isMeant: (open: Open) => boolean, error: LockstepError): void {
    for (const [call, open] of this.#open) {
      if (!isMeant(open)) continue
      this.#open.delete(call)
      open.done(error)
    }
  }
}

/** By the home of that slot, at that moment. */
const notCarriedOut: ReadonlySet<LockstepErrorCode> = new Set(['no_leader', 'overloaded', 'rate_limited', 'unavailable', 'stopping'])

const unknown = (why: string): LockstepError =>
  new LockstepError('unknown', `the namespace may have been cleared, in all slots or in some: ${why}`, { retryable: false })
