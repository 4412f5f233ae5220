import type { Ack, Handle, Key, Value } from '#core/cache/types.ts'
import type { LineState } from '#core/cache/transitions.ts'
import { isUsable, isVisible, versionOf as lineVersion } from '#core/cache/agent-state.ts'
import { describeVersion } from '#core/cache/describe.ts'
import { LockstepError } from '#sdk/errors.ts'
import { checkFunction, invalid } from '#sdk/options.ts'
import type { LeaseClock } from '#sdk/ports.ts'
import type { CallOptions, Terms } from './asking.ts'
import { timedOut } from './asking.ts'
import type { CacheAgent } from './cache-agent.ts'
import type { Place } from './changing.ts'
import { change, done, tooMany } from './changing.ts'
import { fill } from './filling.ts'
import { JsonValue } from './json-value.ts'
import type { Load } from './loading.ts'
import { cacheSdkLimits as limits } from './limits.ts'
import type { SetOptions } from './options.ts'
import { checkAck, checkNamespace, keyOf, lifeOf } from './options.ts'
import type { CacheStatistics } from './statistics.ts'
import { statisticsOf } from './statistics.ts'
import { versionOf } from './version.ts'
import { watch } from './watching.ts'

/** What is known of a key. `value` and `body` are undefined and null where nothing is. */
export interface Entry<T> {
  readonly found: boolean
  readonly value: T | undefined
  /** The JSON of the value, byte for byte as it was written. */
  readonly body: Uint8Array | null
  /** A text that means nothing but itself: for `compareAndSet`. */
  readonly version: string
  /** Of the line in this process; `I` when it was not kept. */
  readonly state: LineState
  /** Whether it was answered from the memory of this process. */
  readonly hit: boolean
}

export interface Written {
  readonly version: string
}

export interface Swapped {
  readonly swapped: boolean
  /** As it is now. */
  readonly version: string
}

export type SetItemResult = { readonly ok: true; readonly version: string } | { readonly ok: false; readonly error: LockstepError }

interface CacheParts {
  readonly agent: CacheAgent
  readonly clock: LeaseClock
  readonly namespace: string
  readonly ack: Ack
}

/**
 * A coherent cache in this process: an agent of the protocol, with lines of its own. A hit asks nobody and is never stale.
 *
 * Values are JSON. What is read is frozen and the same object for all who read it, so that a hit costs nothing: clone it to change it. That values are of type
 * `T` is the word of the program.
 *
 *     const cache = await sync.cache<User>({ namespace: 'users' })
 *     await cache.set('7', { name: 'Alice' })
 *     const user = await cache.getOrSet('8', () => database.user(8), { ttlMs: 60_000 })
 */
export class Cache<T = unknown> implements AsyncDisposable {
  readonly #parts: CacheParts
  readonly #agent: CacheAgent
  /** Read at every hit (rule 8): whatever was read before may be from before a pause. */
  readonly #clock: LeaseClock
  readonly #prefix: string
  readonly #handle: Handle
  readonly #lines: CacheAgent['agent']

  constructor(parts: CacheParts) {
    checkNamespace(parts.namespace)
    this.#parts = parts
    this.#agent = parts.agent
    this.#clock = parts.clock
    this.#prefix = parts.namespace === '' ? '' : `${parts.namespace}\u0000`
    this.#handle = parts.agent.newHandle()
    this.#lines = parts.agent.agent
  }

  /** The node that carries what cannot go to a home directly; null while there is none. */
  get node(): string | null {
    return this.#agent.node
  }

  /** The same lines under other keys. What one of them has written at the level `owner`, another sees once memory has it (decision C8). */
  namespace<U = T>(namespace: string): Cache<U> {
    return new Cache<U>({ ...this.#parts, namespace })
  }

  /** The value; undefined where there is none. */
  get(key: string, options?: CallOptions): Promise<T | undefined> {
    if (options?.signal?.aborted !== true) {
      const value = this.#lines.getSync((this.#prefix + key) as Key, this.#handle, this.#clock.now())
      if (value !== undefined) return Promise.resolve(plain(value) as T | undefined)
    }
    return this.#get(key, options)
  }

  /** The value when it is here; undefined when there is none, or somebody would have to be asked. `peek` tells which. */
  getSync(key: string): T | undefined {
    return plain(this.#lines.getSync((this.#prefix + key) as Key, this.#handle, this.#clock.now())) as T | undefined
  }

  /** What is known here of a key, without using it; undefined when somebody would have to be asked. */
  peek(key: string): Entry<T> | undefined {
    const line = this.#lines.state.lines.byKey.get((this.#prefix + key) as Key)
    if (line === undefined || !isUsable(line, this.#clock.now()) || !isVisible(line, this.#handle)) return undefined
    return entryOf<T>({ value: line.value, version: lineVersion(line), state: line.state, hit: true })
  }

  /** The value with its version and the state of its line. */
  async read(key: string, options?: CallOptions): Promise<Entry<T>> {
    return this.#read(keyOf(this.#parts.namespace, key), this.#agent.asking.terms(options))
  }

  /** Resolves when a majority has it; or, at the level `owner`, when this process has it. */
  async set(key: string, value: T, { ttlMs, ack = this.#parts.ack, ...options }: SetOptions = {}): Promise<Written> {
    const json = JsonValue.of(value)
    const life = lifeOf(ttlMs)
    const terms = this.#agent.asking.terms(options)
    if (checkAck(ack) === 'owner' && life === null && this.#setSync(key, json)) return { version: this.#versionOf(key) }
    const { version } = done(
      await change(this.#placeOf(key), { type: 'set', value: json, ttlMs: life, condition: { type: 'none' } }, terms),
    )
    return { version: describeVersion(version) }
  }

  /** Writes at the level `owner`, at once; false when the only copy is not in this process, or as much is owed to memory as may be. */
  setSync(key: string, value: T): boolean {
    return this.#setSync(key, JsonValue.of(value))
  }

  async delete(key: string, options?: CallOptions): Promise<void> {
    const terms = this.#agent.asking.terms(options)
    done(await change(this.#placeOf(key), { type: 'delete', condition: { type: 'none' } }, terms))
  }

  /**
   * The value; where there is none it is loaded, by one process in the whole cluster while the others wait for it, and stored unless somebody writes the key
   * meanwhile. Nothing is stored when `load` returns undefined. What it throws is thrown here. After five seconds of loading another may load too.
   */
  async getOrSet(key: string, load: () => T | undefined | Promise<T | undefined>, options: SetOptions = {}): Promise<T | undefined> {
    checkFunction('load', load)
    const terms = this.#agent.asking.terms(options)
    const ttlMs = lifeOf(options.ttlMs)
    const here = this.getSync(key)
    if (here !== undefined) return here
    const place = this.#placeOf(key)
    for (const role of ['cache-read', 'cache-write'] as const) this.#agent.permit(role, place.key)
    const { loading, asking } = this.#agent
    const earlier = loading.of(place.key)
    if (earlier !== undefined) {
      // What it loads may be older than a write that was acknowledged before this call.
      await asking.within(terms, earlier.over)
      const stored = this.getSync(key)
      if (stored !== undefined) return stored
    }
    for (;;) {
      const joined = loading.of(place.key)
      // It goes on when the one who began it has left, for as long as that one would have waited.
      const begin = (): Load => loading.begin(place.key, fill(place, { load, ttlMs }, asking.terms({ timeoutMs: options.timeoutMs })))
      try {
        return (await asking.within(terms, (joined ?? begin()).value)) as T | undefined
      } catch (error) {
        const isOfAnother = joined !== undefined && error instanceof LockstepError && error.code === 'timeout' && !asking.isOver(terms)
        if (!isOfAnother) throw error
      }
    }
  }

  /** Adds to an integer, and resolves with the sum. What is absent counts as 0. */
  async increment(key: string, by = 1, options?: CallOptions): Promise<number> {
    if (!Number.isSafeInteger(by)) throw invalid('by', 'an integer')
    const { number } = done(await change(this.#placeOf(key), { type: 'add', by }, this.#agent.asking.terms(options)))
    return number ?? 0
  }

  /** Writes only if the value has this version still; null: only if there is none. */
  async compareAndSet(key: string, version: string | null, value: T, { ttlMs, ...options }: SetOptions = {}): Promise<Swapped> {
    const json = JsonValue.of(value)
    const condition = version === null ? ({ type: 'absent' } as const) : ({ type: 'version', version: versionOf(version) } as const)
    const wanted = { type: 'set', value: json, ttlMs: lifeOf(ttlMs), condition } as const
    const outcome = await change(this.#placeOf(key), wanted, this.#agent.asking.terms(options))
    return { swapped: outcome.type === 'done', version: describeVersion(outcome.version) }
  }

  /** Side by side; keys without a value are not in it. */
  async getMany(keys: Iterable<string>, options?: CallOptions): Promise<Map<string, T>> {
    const asked = [...new Set(keys)]
    checkCount(asked.length)
    const values = await Promise.all(asked.map((key) => this.get(key, options)))
    return new Map(asked.flatMap((key, at): [string, T][] => (values[at] === undefined ? [] : [[key, values[at]]])))
  }

  /** Side by side, each by itself and with a result of its own, in order. */
  async setMany(entries: Iterable<readonly [string, T]>, options: SetOptions = {}): Promise<readonly SetItemResult[]> {
    const asked = [...entries]
    checkCount(asked.length)
    return Promise.all(asked.map(([key, value]) => this.set(key, value, options).then(succeeded, failed)))
  }

  /**
   * What there is, and again for each change that is seen; changes that follow each other closely may be seen as one. Ends when the signal aborts or the cache
   * is closed.
   *
   *     for await (const { found, value } of cache.watch('config')) apply(found ? value : defaults)
   */
  watch(key: string, { signal }: Pick<CallOptions, 'signal'> = {}): AsyncGenerator<Entry<T>, void, undefined> {
    const full = keyOf(this.#parts.namespace, key)
    const { asking } = this.#agent
    return watch({ agent: this.#agent, key: full, signal, read: () => this.#read(full, asking.terms({ signal })) })
  }

  /** Removes everything in this namespace, whoever wrote it: one write in each slot. */
  async clear(options?: CallOptions): Promise<void> {
    this.#agent.permit('cache-write', this.#parts.namespace)
    await this.#agent.clearing.clear(this.#parts.namespace, this.#agent.asking.terms(options))
  }

  /** Of all handles of this cache together. */
  statistics(): CacheStatistics {
    return statisticsOf(this.#agent)
  }

  /** Has memory take what it is owed, for at most a second, and tells all homes good-bye. All handles of this cache are closed with it. */
  close(): Promise<void> {
    return this.#agent.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #get(key: string, options: CallOptions | undefined): Promise<T | undefined> {
    return (await this.read(key, options)).value
  }

  async #read(key: Key, terms: Terms): Promise<Entry<T>> {
    const { asking, host } = this.#agent
    this.#agent.permit('cache-read', key)
    const asked = { slot: this.#agent.slotOf(key), key, handle: this.#handle }
    const answer = await asking.ask(terms, (answered) => host.read(asked, false, answered))
    if (answer.type === 'read') return entryOf<T>(answer)
    throw answer.type === 'over' ? (answer.error ?? timedOut()) : tooMany()
  }

  #setSync(key: string, json: JsonValue): boolean {
    const full = (this.#prefix + key) as Key
    this.#agent.permit('cache-write', full)
    const written = this.#lines.setSync(full, json, this.#handle, this.#clock.now())
    if (written) this.#agent.watches.changed(full)
    return written
  }

  #versionOf(key: string): string {
    const line = this.#lines.state.lines.byKey.get((this.#prefix + key) as Key)
    return line === undefined ? '' : describeVersion(lineVersion(line))
  }

  #placeOf(key: string): Place {
    return { agent: this.#agent, key: keyOf(this.#parts.namespace, key), handle: this.#handle }
  }
}

/** Values of lines in this process are of that class. */
const plain = (value: Value | null | undefined): unknown => (value === undefined || value === null ? undefined : (value as JsonValue).value)

function entryOf<T>({ value, version, state, hit }: Known): Entry<T> {
  const known = { version: describeVersion(version), state, hit }
  if (value === null) return { found: false, value: undefined, body: null, ...known }
  return {
    found: true,
    value: plain(value) as T,
    // Made for who asks: a hit does not cost what the value is long.
    get body() {
      return value.bytes
    },
    ...known,
  }
}

interface Known {
  readonly value: Value | null
  readonly version: Parameters<typeof describeVersion>[0]
  readonly state: LineState
  readonly hit: boolean
}

function checkCount(count: number): void {
  if (count > limits.itemsMax) throw invalid('keys', `at most ${limits.itemsMax}`)
}

const succeeded = ({ version }: Written): SetItemResult => ({ ok: true, version })

function failed(error: unknown): SetItemResult {
  if (error instanceof LockstepError) return { ok: false, error }
  throw error
}
