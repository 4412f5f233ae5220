import type { EventFeed, NodeEvent } from '#api/common/events.ts'

/** Hands what happens here to whoever watches. */
export class EventHub implements EventFeed {
  readonly #listeners = new Set<(event: NodeEvent) => void>()

  /** Whether anybody would hear of it. */
  get isWatched(): boolean {
    return this.#listeners.size > 0
  }

  subscribe(listener: (event: NodeEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  publish(event: NodeEvent): void {
    for (const listener of this.#listeners) listener(event)
  }
}
