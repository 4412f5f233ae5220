import type { HomeTerm, SlotId } from '#core/cache/types.ts'

export interface Leader {
  readonly term: HomeTerm
  readonly node: string
}

/** Who led a slot in its last terms, as far as this node has heard. */
export class Leaders {
  readonly #known = new Map<SlotId, Map<HomeTerm, string>>()

  note(slot: SlotId, term: HomeTerm, node: string): void {
    const terms = this.#known.get(slot) ?? new Map<HomeTerm, string>()
    this.#known.set(slot, terms)
    terms.set(term, node)
    for (const oldest of terms.keys()) {
      if (terms.size <= termsMax) return
      terms.delete(oldest)
    }
  }

  of(slot: SlotId, term: HomeTerm): string | null {
    return this.#known.get(slot)?.get(term) ?? null
  }

  newest(slot: SlotId): Leader | null {
    let newest: Leader | null = null
    for (const [term, node] of this.#known.get(slot) ?? []) if (newest === null || term > newest.term) newest = { term, node }
    return newest
  }
}

const termsMax = 8
