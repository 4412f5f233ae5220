import { assert } from '#base/assert.ts'

/**
 * Millions of distinct names in their order, in blocks that are short enough to be shifted and long enough to be few. A name is found by
 * halving twice, first among the blocks and then in its block.
 *
 * The order is that of UTF-16 code units.
 */
export class SortedNames<T extends string> {
  /** None is empty; the names of one are before those of the next. */
  readonly #blocks: T[][] = []

  add(name: T): void {
    const at = Math.min(this.#blockOf(name), this.#blocks.length - 1)
    const block = this.#blocks[at]
    if (block === undefined) {
      this.#blocks.push([name])
      return
    }
    const place = placeIn(block, name)
    assert(block[place] !== name, 'a name is added once')
    block.splice(place, 0, name)
    if (block.length > blockMax) this.#blocks.splice(at + 1, 0, block.splice(blockMax >> 1))
  }

  delete(name: T): void {
    const at = this.#blockOf(name)
    const block = this.#blocks[at]
    const place = block === undefined ? 0 : placeIn(block, name)
    assert(block?.[place] === name, 'only what is there is taken out')
    block.splice(place, 1)
    const after = this.#blocks[at + 1]
    if (block.length === 0) this.#blocks.splice(at, 1)
    else if (after !== undefined && block.length + after.length <= blockMax >> 1) this.#blocks.splice(at, 2, [...block, ...after])
  }

  /** From the first that is not before `start`. The names must stay as they are until the last is taken. */
  *from(start: string): IterableIterator<T> {
    let at = this.#blockOf(start)
    const first = this.#blocks[at]
    let place = first === undefined ? 0 : placeIn(first, start)
    for (; at < this.#blocks.length; at++, place = 0) {
      const block = this.#blocks[at] as T[]
      for (; place < block.length; place++) yield block[place] as T
    }
  }

  /** The first whose last name is not before this one. */
  #blockOf(name: string): number {
    let [low, high] = [0, this.#blocks.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#blocks[middle]?.at(-1) as T) < name) low = middle + 1
      else high = middle
    }
    return low
  }
}

const blockMax = 512

/** Of the first name that is not before this one. */
function placeIn(block: readonly string[], name: string): number {
  let [low, high] = [0, block.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((block[middle] as string) < name) low = middle + 1
    else high = middle
  }
  return low
}
