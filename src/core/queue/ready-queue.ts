import { RecordHeap } from './record-heap.ts'
import type { RecordNumber, Records } from './records.ts'
import { none } from './records.ts'

/** What is deliverable and has a record: higher priorities first, each in the order of the log. */
export class ReadyQueue {
  readonly #records: Records
  /** By priority; made when there is something. */
  readonly #heaps: (RecordHeap | undefined)[] = []
  size = 0

  constructor(records: Records) {
    this.#records = records
  }

  push(record: RecordNumber): void {
    const priority = this.#records.priority[record] as number
    const heap = (this.#heaps[priority] ??= new RecordHeap(this.#records, 'place'))
    heap.push(record)
    this.size++
  }

  remove(record: RecordNumber): void {
    this.#heaps[this.#records.priority[record] as number]?.remove(record)
    this.size--
  }

  /** The first of the highest priority, or of the lowest. */
  peek(end: 'highest' | 'lowest'): RecordNumber {
    if (this.size === 0) return none
    const heaps = this.#heaps
    if (end === 'lowest') return heaps.find(isUsed)?.peek() ?? none
    return heaps.findLast(isUsed)?.peek() ?? none
  }

  /** As it would be delivered. */
  *inOrder(): IterableIterator<RecordNumber> {
    for (let priority = this.#heaps.length - 1; priority >= 0; priority--) yield* this.#heaps[priority]?.inOrder() ?? []
  }
}

const isUsed = (heap: RecordHeap | undefined): heap is RecordHeap => heap !== undefined && heap.size > 0
