import type { Watched } from '#api/cache/cache-api.ts'
import type { Key } from '#core/cache/types.ts'
import type { Clock } from '#ports/clock.ts'
import { pathLimits } from '#services/common/limits.ts'

export interface WatchesPorts {
  readonly clock: Clock
  /** Null when it cannot be read now. */
  readonly read: (key: Key) => Promise<Watched | null>
  /** Whether the agent is to tell when the line goes. */
  readonly watch: (key: Key, on: boolean) => void
}

type Listener = (value: Watched) => void

interface Watcher {
  readonly listener: Listener
  /** What it was told last. */
  last: Watched | null
}

interface Watching {
  readonly watchers: Set<Watcher>
  reading: boolean
  /** Something happened since the reading began. */
  again: boolean
}

/** Tells of changes of keys. That a line went only means that its value may be another: it is read again, and told if it is. */
export class Watches {
  readonly #ports: WatchesPorts
  readonly #watched = new Map<Key, Watching>()

  constructor(ports: WatchesPorts) {
    this.#ports = ports
  }

  get size(): number {
    return this.#watched.size
  }

  add(key: Key, listener: Listener): () => void {
    const known = this.#watched.get(key)
    const watching = known ?? { watchers: new Set(), reading: false, again: false }
    const watcher: Watcher = { listener, last: null }
    watching.watchers.add(watcher)
    if (known === undefined) {
      this.#watched.set(key, watching)
      this.#ports.watch(key, true)
    }
    // What others were told last may be older than what is acknowledged by now.
    this.changed(key)
    return () => {
      watching.watchers.delete(watcher)
      if (watching.watchers.size > 0 || this.#watched.get(key) !== watching) return
      this.#watched.delete(key)
      this.#ports.watch(key, false)
    }
  }

  /** The value may be another now. */
  changed(key: Key): void {
    const watching = this.#watched.get(key)
    if (watching === undefined) return
    watching.again = true
    if (!watching.reading) void this.#read(key, watching)
  }

  async #read(key: Key, watching: Watching): Promise<void> {
    watching.reading = true
    while (watching.again && this.#watched.get(key) === watching) {
      watching.again = false
      // Who comes while it is read is told what is read after that.
      const watchers = [...watching.watchers]
      const value = await this.#ports.read(key)
      if (value === null) {
        watching.again = true
        await new Promise<void>((resolve) => this.#ports.clock.after(pathLimits.restMs, resolve))
      } else {
        for (const watcher of watchers) if (watching.watchers.has(watcher)) tell(watcher, value)
      }
    }
    watching.reading = false
  }
}

function tell(watcher: Watcher, value: Watched): void {
  if (!differs(watcher.last, value)) return
  watcher.last = value
  watcher.listener(value)
}

/** What is absent has the number of whatever was removed last, which may be some other key. */
const differs = (last: Watched | null, next: Watched): boolean =>
  last === null || last.found !== next.found || (next.found && last.version !== next.version)
