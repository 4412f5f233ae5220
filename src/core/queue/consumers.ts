import { present } from '#base/assert.ts'
import type { RecordNumber, Records } from './records.ts'
import { none } from './records.ts'
import type { ConsumerId } from './types.ts'

/** Has messages leased; exists as long as that. */
export interface Consumer {
  readonly id: ConsumerId
  readonly number: number
  first: RecordNumber
}

/** Who has which messages of the slot leased. */
export class Consumers {
  readonly #records: Records
  readonly #byId = new Map<ConsumerId, Consumer>()
  readonly #byNumber: (Consumer | null)[] = []
  readonly #free: number[] = []

  constructor(records: Records) {
    this.#records = records
  }

  get size(): number {
    return this.#byId.size
  }

  all(): IterableIterator<Consumer> {
    return this.#byId.values()
  }

  get(id: ConsumerId): Consumer | undefined {
    return this.#byId.get(id)
  }

  /** Who has this leased. */
  of(record: RecordNumber): Consumer {
    return present(this.#byNumber[this.#records.consumer[record] as number], 'what is leased has a consumer')
  }

  link(id: ConsumerId, record: RecordNumber): void {
    const records = this.#records
    const consumer = this.#byId.get(id) ?? this.#create(id)
    records.consumer[record] = consumer.number
    records.consumerBefore[record] = none
    records.consumerAfter[record] = consumer.first
    if (consumer.first !== none) records.consumerBefore[consumer.first] = record
    consumer.first = record
  }

  unlink(record: RecordNumber): void {
    const records = this.#records
    const consumer = this.of(record)
    const [before, after] = [records.consumerBefore[record] as number, records.consumerAfter[record] as number]
    if (before === none) consumer.first = after
    else records.consumerAfter[before] = after
    if (after !== none) records.consumerBefore[after] = before
    records.consumerBefore[record] = none
    records.consumerAfter[record] = none
    if (consumer.first !== none) return
    this.#byId.delete(consumer.id)
    this.#byNumber[consumer.number] = null
    this.#free.push(consumer.number)
  }

  /** The last leased first. */
  *leasesOf({ first }: Consumer): IterableIterator<RecordNumber> {
    for (let record = first; record !== none; record = this.#records.consumerAfter[record] as number) yield record
  }

  #create(id: ConsumerId): Consumer {
    const number = this.#free.pop() ?? this.#byNumber.length
    const consumer = { id, number, first: none }
    this.#byId.set(id, consumer)
    this.#byNumber[number] = consumer
    return consumer
  }
}
