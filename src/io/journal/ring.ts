import { assert } from '#base/assert.ts'
import { Deque } from '#base/deque.ts'

/** Where the next record goes and which number it bears: after all those that are there. */
export interface Position {
  /** Of the last record. */
  readonly number: number
  /** The next record begins here, or at page 0 when it finds no room before the end. */
  readonly page: number
}

interface Placed {
  readonly number: number
  readonly page: number
}

/**
 * The pages of a journal, used round and round. A record lies in one piece, and no page that holds one is used again before that
 * record is released.
 */
export class Ring {
  readonly #pages: number
  readonly #placed = new Deque<Placed>()
  #position: Position = { number: 0, page: 0 }

  constructor(pages: number) {
    this.#pages = pages
  }

  get position(): Position {
    return this.#position
  }

  /** The page of the next record; null when there is no room until others are released. */
  place(pages: number): number | null {
    assert(pages > 0 && pages <= this.#pages, 'a record fits into the journal')
    const page = this.#pageFor(pages)
    if (page === null) return null
    const number = this.#position.number + 1
    this.#placed.push({ number, page })
    this.#position = { number, page: page + pages }
    return page
  }

  /** Everything up to the record of this number may be overwritten. */
  release(upTo: number): void {
    for (let first = this.#placed.at(0); first !== undefined && first.number <= upTo; first = this.#placed.at(0)) this.#placed.shift()
  }

  #pageFor(pages: number): number | null {
    const { page: tail } = this.#position
    const head = this.#placed.at(0)?.page ?? null
    if (head === null) return tail + pages <= this.#pages ? tail : 0
    if (head < tail) {
      if (tail + pages <= this.#pages) return tail
      return pages <= head ? 0 : null
    }
    return tail + pages <= head ? tail : null
  }
}
