import { Deque } from '#base/deque.ts'
import type { Entry, LogIndex, LogRange } from '#core/raft/types.ts'
import { logIndex } from '#core/raft/types.ts'
import { entryBytes } from '#io/entry-codec/entries.ts'
import type { Environment } from './environment.ts'
import type { StreamId } from './keys.ts'
import { entriesKey, positionOf, runsFrom } from './keys.ts'
import { limits } from './limits.ts'
import { LiveRanges, without } from './live-ranges.ts'
import { readRun, runKeyAt } from './records.ts'
import type { Put } from './transaction.ts'
import { runOf } from './transaction.ts'

/** Removals and rewrites that join a transaction. */
export interface Sweep {
  readonly removals: Uint8Array[]
  readonly puts: Put[]
}

/** As far as a log is dropped, and what stays of that: see `Compaction`, whose `live` and `dead` these are. */
export interface Cut {
  /** As far as it was dropped before. */
  readonly after: LogIndex
  readonly upTo: LogIndex
  readonly live: readonly LogRange[]
  readonly dead: readonly LogRange[] | null
}

/** A run that holds dead entries, but not enough of them to be rewritten. */
interface Remains {
  readonly size: number
  readonly dead: Set<number>
}

/**
 * What of one log is still to be deleted. What was dropped last is gone through from front to back, once; in what lies before it only
 * entries that died since are looked up, so a cut costs what has changed and not what there is.
 *
 * A run is rewritten when less than half of it is live: no byte is written much more than twice, in whatever order entries die.
 */
export class LogSweep {
  readonly stream: StreamId
  /** Runs that begin before here were gone through. */
  #from = logIndex(0)
  #upTo = logIndex(0)
  #isThrough = true
  /** From `from` on. */
  #live = new LiveRanges([])
  /** Before `from`; ascending from one cut. */
  readonly #dead = new Deque<LogRange>()
  readonly #remains = new Map<number, Remains>()

  constructor(stream: StreamId) {
    this.stream = stream
  }

  get pending(): boolean {
    return !this.#isThrough || this.#dead.length > 0
  }

  /** Whoever names changes first thing in a life may leave what the last life did not get round to. */
  take({ after, upTo, live, dead }: Cut): void {
    if (dead !== null && this.#upTo === 0) this.#from = logIndex(after + 1)
    if (dead === null) {
      this.#from = logIndex(0)
      this.#dead.clear()
      this.#remains.clear()
      this.#live = new LiveRanges(live)
    } else {
      for (const { from, to } of dead) if (from < this.#from) this.#dead.push({ from, to: logIndex(Math.min(to, this.#from - 1)) })
      this.#live = new LiveRanges([...without(this.#live.rest(), dead), ...live])
    }
    this.#upTo = upTo
    this.#isThrough = false
  }

  /** Looks at no more than so many runs; how many there were. */
  next(environment: Environment, recordsMax: number, sweep: Sweep): number {
    const share = new Share(environment, this.stream, sweep, recordsMax)
    this.#bury(share)
    if (this.#dead.length === 0) this.#goThrough(share)
    return share.looked
  }

  #bury(share: Share): void {
    for (let range = this.#dead.at(0); range !== undefined && !share.isOver; range = this.#dead.at(0)) {
      const start = runKeyAt(share.environment, this.stream, range.from) ?? entriesKey(this.stream, range.from)
      const { runs, isAll } = share.runs(start, range.to)
      for (const run of runs) {
        // A run that this share has changed already is left to the next.
        if (share.isOver || share.hasChanged(positionOf(run.key))) return
        share.looked++
        this.#strike(share, run, this.#takeDead(run.end ?? this.#from))
      }
      if (isAll && this.#dead.at(0) === range) this.#dead.shift()
    }
  }

  /** Those that begin at or before an index, up to there, as far as they come one after the other. */
  #takeDead(upTo: number): readonly LogRange[] {
    const taken: LogRange[] = []
    for (let range = this.#dead.at(0); range !== undefined && range.from <= upTo; range = this.#dead.at(0)) {
      if (range.from < (taken.at(-1)?.to ?? 0)) break
      this.#dead.shift()
      taken.push({ from: range.from, to: logIndex(Math.min(range.to, upTo)) })
      if (range.to > upTo) {
        this.#dead.unshift({ from: logIndex(upTo + 1), to: range.to })
        break
      }
    }
    return taken
  }

  #strike(share: Share, { key, end }: Run, ranges: readonly LogRange[]): void {
    const first = positionOf(key)
    const [range] = ranges
    if (range === undefined) return
    if (end !== null && range.from <= first && range.to >= end) {
      this.#remains.delete(first)
      share.remove(key)
      return
    }
    const known = this.#remains.get(first)
    const died = ranges.reduce((sum, { from, to }) => sum + to - from + 1, 0)
    if (known !== undefined && (known.dead.size + died) * 2 <= known.size) {
      for (const { from, to } of ranges) for (let index: number = from; index <= to; index++) known.dead.add(index)
      return
    }
    const dead = new LiveRanges(ranges)
    this.#keep(share, key, share.read(key), ({ index }) => !dead.has(index) && known?.dead.has(index) !== true)
  }

  /** Looks at runs that end at or before the cut, whole; the one that reaches beyond waits for a later cut. */
  #goThrough(share: Share): void {
    const { runs, isAll } = share.runs(entriesKey(this.stream, this.#from), this.#upTo)
    for (const { key, end } of runs) {
      if (share.isOver || share.hasChanged(positionOf(key))) return
      const first = positionOf(key)
      const last = end ?? (share.read(key).at(-1) as Entry).index
      if (last > this.#upTo) break
      const live = this.#live.share(first, last)
      if (live === 'none') share.remove(key)
      if (live === 'some') this.#keep(share, key, share.read(key), ({ index }) => this.#live.has(index))
      share.looked++
      this.#from = logIndex(last + 1)
    }
    this.#isThrough = isAll
  }

  #keep(share: Share, key: Uint8Array, entries: readonly Entry[], isLive: (entry: Entry) => boolean): void {
    const first = positionOf(key)
    const kept: Entry[] = []
    const dead = new Set<number>()
    for (const entry of entries) {
      if (isLive(entry)) kept.push(entry)
      else dead.add(entry.index)
    }
    if (dead.size === 0) return
    if (sizeOf(kept) * 2 >= sizeOf(entries)) {
      this.#remains.set(first, { size: entries.length, dead })
      return
    }
    this.#remains.delete(first)
    share.remove(key)
    if (kept.length > 0) share.put(runOf(this.stream, kept))
  }
}

/** What one transaction does of a sweep. What it has changed, the environment still shows as it was. */
class Share {
  looked = 0
  readonly environment: Environment
  readonly #stream: StreamId
  readonly #sweep: Sweep
  readonly #recordsMax: number
  readonly #changed = new Set<number>()
  #bytes = 0

  constructor(environment: Environment, stream: StreamId, sweep: Sweep, recordsMax: number) {
    this.environment = environment
    this.#stream = stream
    this.#sweep = sweep
    this.#recordsMax = recordsMax
  }

  get isOver(): boolean {
    return this.looked >= this.#recordsMax || this.#bytes >= limits.sweepBytesMax
  }

  hasChanged(first: number): boolean {
    return this.#changed.has(first)
  }

  /** Those that begin at this key or after it, up to an index; whether those are all. */
  runs(start: Uint8Array, to: LogIndex): { readonly runs: readonly Run[]; readonly isAll: boolean } {
    const max = this.#recordsMax - this.looked
    const keys = this.environment.keys({ ...runsFrom(this.#stream, to), start }, max + 1)
    const within = keys.filter((key) => positionOf(key) <= to).slice(0, max)
    const runs = within.map((key, place) => {
      const next = keys[place + 1]
      return { key, end: next === undefined ? null : logIndex(positionOf(next) - 1) }
    })
    return { runs, isAll: within.length < max }
  }

  read(key: Uint8Array): Entry[] {
    const entries = readRun(this.environment, key)
    this.#bytes += sizeOf(entries)
    return entries
  }

  remove(key: Uint8Array): void {
    this.#changed.add(positionOf(key))
    this.#sweep.removals.push(key)
  }

  put(put: Put): void {
    this.#sweep.puts.push(put)
  }
}

interface Run {
  readonly key: Uint8Array
  /** The index before the next one; null for the last of the log. */
  readonly end: LogIndex | null
}

const sizeOf = (entries: readonly Entry[]): number => entries.reduce((sum, entry) => sum + entryBytes(entry), 0)
