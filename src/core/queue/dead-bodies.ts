import type { IndexRange } from './types.ts'

/**
 * Entries whose bodies are needed no more, since somebody last took note. Says nothing about the state: a replica that began with a snapshot has
 * none from before it. Neighbours that end one after the other become one range at once.
 */
export class DeadBodies {
  #ranges: { from: number; to: number }[] = []

  add(index: number): void {
    const last = this.#ranges.at(-1)
    if (last !== undefined && index === last.to + 1) last.to = index
    else if (last !== undefined && index === last.from - 1) last.from = index
    else this.#ranges.push({ from: index, to: index })
  }

  /** Ascending, as few as they can be. */
  ranges(): IndexRange[] {
    const merged: { from: number; to: number }[] = []
    for (const { from, to } of this.#ranges.sort((left, right) => left.from - right.from)) {
      const last = merged.at(-1)
      if (last !== undefined && from <= last.to + 1) last.to = Math.max(last.to, to)
      else merged.push({ from, to })
    }
    this.#ranges = merged
    return merged.map((range) => ({ ...range }))
  }

  clear(): void {
    this.#ranges = []
  }
}
