import { assert } from '#base/assert.ts'

/**
 * How many batches of each log entry are not settled, over all partitions of a slot: the entry's bodies are needed until the last of them is. An
 * entry with one batch, as most have on a slot at rest, has none here. Those of the entry that is being carried out are counted apart, for more may
 * come, even when all so far are settled.
 */
export class BatchCounts {
  readonly #segments: CountSegment[] = []
  #current = 0
  #currentBatches = 0
  /** Batches of all entries. */
  size = 0

  /** A command of this entry is carried out. The entry before it, if that needs nothing of its bodies after all. */
  enter(index: number): number | null {
    if (index === this.#current) return null
    const [before, batches] = [this.#current, this.#currentBatches]
    if (batches > 1) this.#append(before, batches)
    const isDead = this.#hadBatches && batches === 0
    this.#current = index
    this.#currentBatches = 0
    this.#hadBatches = false
    return isDead ? before : null
  }

  /** One more of the entry being carried out. */
  add(): void {
    this.#currentBatches++
    this.#hadBatches = true
    this.size++
  }

  /** A batch is settled. True when its entry is known to have no other. */
  settle(index: number): boolean {
    this.size--
    if (index === this.#current) {
      this.#currentBatches--
      return false
    }
    const segment = this.#segments[this.#segmentOf(index)]
    return segment === undefined || segment.settle(index) ? this.#forgetEmpty(segment) : false
  }

  /** As an entry was in another replica; ascending. */
  restore(index: number, batches: number): void {
    this.size += batches
    if (batches > 1) this.#append(index, batches)
  }

  #hadBatches = false

  #append(index: number, batches: number): void {
    let last = this.#segments.at(-1)
    if (last === undefined || !last.takes(index)) {
      last = new CountSegment(index)
      this.#segments.push(last)
    }
    last.append(index, batches)
  }

  #forgetEmpty(segment: CountSegment | undefined): true {
    if (segment?.alive === 0) this.#segments.splice(this.#segments.indexOf(segment), 1)
    return true
  }

  /** The last that begins at this entry or before it. */
  #segmentOf(index: number): number {
    let [low, high] = [0, this.#segments.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#segments[middle] as CountSegment).base <= index) low = middle + 1
      else high = middle
    }
    return low - 1
  }
}

const rowsMax = 1_024

/** Entries with more than one batch, ascending: 6 bytes each. A count of 1 is an entry like those that have none here. */
class CountSegment {
  readonly base: number
  #delta = new Uint32Array(16)
  #batches = new Uint16Array(16)
  #length = 0
  alive = 0

  constructor(base: number) {
    this.base = base
  }

  takes(index: number): boolean {
    return this.#length < rowsMax && index - this.base < 0x1_0000_0000
  }

  append(index: number, batches: number): void {
    if (this.#length === this.#delta.length) this.#resize(Math.min(2 * this.#length, rowsMax))
    this.#delta[this.#length] = index - this.base
    this.#batches[this.#length] = batches
    this.#length++
    this.alive++
  }

  /** True when the entry has no other batch. */
  settle(index: number): boolean {
    const at = this.#find(index - this.base)
    if (at === null) return true
    const left = (this.#batches[at] as number) - 1
    assert(left >= 0, 'a batch is settled once')
    this.#batches[at] = left
    if (left > 0) return false
    this.alive--
    if (this.alive * 4 + 16 <= this.#length) this.#compact()
    return true
  }

  #find(delta: number): number | null {
    let [low, high] = [0, this.#length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#delta[middle] as number) < delta) low = middle + 1
      else high = middle
    }
    return low < this.#length && this.#delta[low] === delta ? low : null
  }

  #compact(): void {
    let kept = 0
    for (let at = 0; at < this.#length; at++) {
      if (this.#batches[at] === 0) continue
      this.#delta[kept] = this.#delta[at] as number
      this.#batches[kept] = this.#batches[at] as number
      kept++
    }
    this.#length = kept
    this.#resize(Math.max(16, kept))
  }

  #resize(rows: number): void {
    const [delta, batches] = [new Uint32Array(rows), new Uint16Array(rows)]
    delta.set(this.#delta.subarray(0, this.#length))
    batches.set(this.#batches.subarray(0, this.#length))
    this.#delta = delta
    this.#batches = batches
  }
}
