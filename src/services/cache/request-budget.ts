import type { HomeTerm, RequestNumber, SessionId, SlotId } from '#core/cache/types.ts'
import type { ToHome } from '#core/cache/messages.ts'
import { cacheServiceLimits as limits } from './limits.ts'

interface Open {
  readonly term: HomeTerm
  readonly session: SessionId
  /** A home has named that session, and not only the application. */
  isTold: boolean
  /** Bytes of each request, or of its answer, by its number. */
  readonly bytes: Map<RequestNumber, number>
}

type Request = Extract<ToHome, { type: 'request' }>
type Named = Pick<Request, 'slot' | 'term' | 'session'>

/**
 * How much of an application's homes are made to keep: what it asks until that is answered, and answers until it says that it has them. What goes beyond is
 * dropped; an agent asks again. Only what a home has said ends a session or a term here: what it was made to keep is not gone because the application says so.
 */
export class RequestBudget {
  readonly #slots = new Map<SlotId, Open>()
  #bytes = 0
  #count = 0

  /** A home has told the application something in that session: with another one everything of those before is forgotten there. */
  told({ slot, term, session }: Named): void {
    const known = this.#slots.get(slot)
    if (known !== undefined) {
      if (known.term === term && known.session === session) known.isTold = true
      // Of the past.
      if (known.isTold && (known.term > term || (known.term === term && known.session >= session))) return
      for (const number of known.bytes.keys()) this.#release(known, number)
    }
    this.#slots.set(slot, { term, session, isTold: true, bytes: new Map() })
  }

  /** All answers to requests before that one have arrived. */
  confirm(named: Named, oldest: RequestNumber): void {
    const open = this.#openOf(named)
    if (open === null) return
    // They come about in the order of their numbers; what does not is released a little later.
    for (const number of open.bytes.keys()) {
      if (number >= oldest) return
      this.#release(open, number)
    }
  }

  /** False when there is no room for it. The oldest of a slot is always taken, or nothing would ever be confirmed. */
  takes(request: Request, bytes: number): boolean {
    const { number, oldest } = request
    this.confirm(request, oldest)
    const open = this.#openOf(request)
    if (open === null) return false
    if (open.bytes.has(number)) return true
    const isFull = this.#count >= limits.requestsPerClientMax || this.#bytes + bytes > limits.bytesPerClientMax
    if (isFull && number > oldest) return false
    open.bytes.set(number, bytes)
    this.#bytes += bytes
    this.#count++
    return true
  }

  answered(named: Named, { number, bytes }: { readonly number: RequestNumber; readonly bytes: number }): void {
    const open = this.#openOf(named)
    const known = open?.bytes.get(number)
    if (open === null || known === undefined) return
    open.bytes.set(number, bytes)
    this.#bytes += bytes - known
  }

  /** Null: not of the session that the application has there. Until a home has named one, the application is believed. */
  #openOf({ slot, term, session }: Named): Open | null {
    const known = this.#slots.get(slot)
    if (known !== undefined) return known.term === term && known.session === session ? known : null
    const open = { term, session, isTold: false, bytes: new Map<RequestNumber, number>() }
    this.#slots.set(slot, open)
    return open
  }

  #release({ bytes }: Open, number: RequestNumber): void {
    this.#bytes -= bytes.get(number) ?? 0
    this.#count--
    bytes.delete(number)
  }
}
