import { present } from '#base/assert.ts'
import { Violation } from '#sim/checks/violation.ts'
import type { Ledger } from '#sim/queue/ledger.ts'

interface Taken {
  readonly call: number
  readonly id: string
  readonly place: number
}

/**
 * The messages of one program, numbered as it sends them: those with one key are in the log in that order. Of those without a key that is not so when their queue is made
 * anew with fewer partitions: what was meant for one that is gone comes behind what was sent to another later.
 */
export class SendingOrder {
  readonly #ledger: Pick<Ledger, 'message'>
  readonly #taken = new Map<string, Taken[]>()
  #calls = 0

  constructor(ledger: Pick<Ledger, 'message'>) {
    this.#ledger = ledger
  }

  called(): number {
    return ++this.#calls
  }

  enqueued(call: number, id: string): void {
    const { generation, message, id: place } = present(this.#ledger.message(id), 'what is enqueued is in the log')
    if (message.key === null) return
    const sequence = `${generation} ${message.key}`
    const taken = { call, id, place: place.index * entryMessagesMax + place.offset }
    const others = this.#taken.get(sequence) ?? []
    const other = others.find((each) => each.call < call !== each.place < taken.place)
    if (other !== undefined)
      throw new Violation(`call ${call} is ${id}, and call ${other.call} is ${other.id}: they are in the log in another order`)
    this.#taken.set(sequence, [...others, taken])
  }
}

const entryMessagesMax = 4_096
