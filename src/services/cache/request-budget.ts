import type { RequestNumber, SlotId } from '#core/cache/types.ts'
import type { ToHome } from '#core/cache/messages.ts'
import { cacheServiceLimits as limits } from './limits.ts'

interface Open {
  readonly term: number
  /** Bytes of each request, or of its answer, by its number. */
  readonly bytes: Map<RequestNumber, number>
}

type Request = Extract<ToHome, { type: 'request' }>

/**
 * How much of an application's homes are made to keep: what it asks until that is answered, and answers until it says that it has them. What goes beyond is
 * dropped; an agent asks again.
 */
export class RequestBudget {
  readonly #slots = new Map<SlotId, Open>()
  #bytes = 0
  #count = 0

  /** All answers to requests before that one have arrived. */
  confirm(slot: SlotId, term: number, oldest: RequestNumber): void {
    const open = this.#openIn(slot, term)
    if (open === null) return
    // They come about in the order of their numbers; what does not is released a little later.
    for (const number of open.bytes.keys()) {
      if (number >= oldest) return
      this.#release(open, number)
    }
  }

  /** False when there is no room for it. The oldest of a slot is always taken, or nothing would ever be confirmed. */
  takes({ slot, term, number, oldest }: Request, bytes: number): boolean {
    this.confirm(slot, term, oldest)
    const open = this.#openIn(slot, term)
    if (open === null) return false
    if (open.bytes.has(number)) return true
    const isFull = this.#count >= limits.requestsPerClientMax || this.#bytes + bytes > limits.bytesPerClientMax
    if (isFull && number > oldest) return false
    open.bytes.set(number, bytes)
    this.#bytes += bytes
    this.#count++
    return true
  }

  answered(slot: SlotId, term: number, { number, bytes }: { readonly number: RequestNumber; readonly bytes: number }): void {
    const open = this.#openIn(slot, term)
    const known = open?.bytes.get(number)
    if (open === null || known === undefined) return
    open.bytes.set(number, bytes)
    this.#bytes += bytes - known
  }

  /** Null: of the past. A home forgets everything with its term. */
  #openIn(slot: SlotId, term: number): Open | null {
    const known = this.#slots.get(slot)
    if (known !== undefined && known.term >= term) return known.term === term ? known : null
    if (known !== undefined) for (const number of known.bytes.keys()) this.#release(known, number)
    const open = { term, bytes: new Map<RequestNumber, number>() }
    this.#slots.set(slot, open)
    return open
  }

  #release({ bytes }: Open, number: RequestNumber): void {
    this.#bytes -= bytes.get(number) ?? 0
    this.#count--
    bytes.delete(number)
  }
}
