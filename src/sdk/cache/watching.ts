import type { Key } from '#core/cache/types.ts'
import type { Clock } from '#ports/clock.ts'
import { LockstepError } from '#sdk/errors.ts'
import type { CacheAgent } from './cache-agent.ts'
import type { Entry } from './cache.ts'
import { cacheSdkLimits as limits } from './limits.ts'

interface Watching<T> {
  readonly agent: CacheAgent
  readonly key: Key
  readonly signal: AbortSignal | undefined
  readonly read: () => Promise<Entry<T>>
}

/** Reads a key again whenever it may have changed. One that cannot be read now is looked at again soon. */
export async function* watch<T>({ agent, key, signal, read }: Watching<T>): AsyncGenerator<Entry<T>, void, undefined> {
  const bell = new Bell(agent.clock)
  const leave = agent.watches.add(key, () => bell.ring())
  const aborted = (): void => bell.ring()
  signal?.addEventListener('abort', aborted)
  try {
    let last: Entry<T> | null = null
    const isOver = (): boolean => agent.watches.isClosed || signal?.aborted === true
    while (!isOver()) {
      bell.reset()
      const entry = await readOrNull(read)
      if (entry !== null && differs(last, entry)) {
        last = entry
        yield entry
      }
      await bell.rung(entry === null ? limits.watchRestMs : null)
    }
  } finally {
    signal?.removeEventListener('abort', aborted)
    leave()
  }
}

/** Null when it cannot be read now. What this process may not read it never can. */
async function readOrNull<T>(read: () => Promise<Entry<T>>): Promise<Entry<T> | null> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof LockstepError && error.code !== 'forbidden') return null
    throw error
  }
}

/** What is absent has the number of whatever was removed last, which may be some other key. */
const differs = <T>(last: Entry<T> | null, next: Entry<T>): boolean =>
  last === null || last.found !== next.found || (next.found && last.version !== next.version)

/** Remembers that it was rung while nobody listened. */
class Bell {
  readonly #clock: Clock
  #isRung = false
  #heard: () => void = () => {}

  constructor(clock: Clock) {
    this.#clock = clock
  }

  ring(): void {
    this.#isRung = true
    this.#heard()
  }

  reset(): void {
    this.#isRung = false
  }

  /** At the latest after that time; null: whenever it is rung. */
  async rung(afterMs: number | null): Promise<void> {
    if (this.#isRung) return
    await new Promise<void>((resolve) => {
      const cancel = afterMs === null ? (): void => {} : this.#clock.after(afterMs, resolve)
      this.#heard = () => {
        cancel()
        resolve()
      }
    })
  }
}
