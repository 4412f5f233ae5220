import { assert } from '#base/assert.ts'
import { logIndex } from '#core/raft/types.ts'
import type { LogIndex, LogRange } from '#core/raft/types.ts'
import { trimMax } from '#ports/redis-slots.ts'
import type { Fenced, Ownership, Reply, SnapshotPlace, SnapshotRecord, Trim } from '#ports/redis-slots.ts'
import type { Applier, AppliedPoint } from '#runtime/applier.ts'
import { runtimeLimits } from '#runtime/limits.ts'
import type { EngineHost } from './engine-host.ts'

/** How far a slot's log has been cut in Redis. */
export interface Cut {
  readonly snapshot: SnapshotRecord | null
  readonly trimmed: LogIndex
}

/**
 * Snapshots of one owned slot: the machine's state goes to Redis in chunks, counts from its installation, and then the log behind it is trimmed, but
 * for entries whose bodies are alive. The machine stands still until the installation; entries wait in the applier. What breaks is
 * left as it is, and done anew later.
 */
export class SlotSnapshots {
  readonly #host: EngineHost
  readonly #slot: number
  readonly #ownership: Ownership
  readonly #applier: Applier
  /** What was written may not be what counts: the slot has to be compared. */
  readonly #doubt: () => void
  #cut: Cut
  #isBusy = false
  #isHolding = false
  #closed = false

  constructor(host: EngineHost, slot: SnapshotOf, doubt: () => void) {
    this.#host = host
    this.#slot = slot.slot
    this.#ownership = slot.ownership
    this.#applier = slot.applier
    this.#cut = slot.cut
    this.#doubt = doubt
  }

  get isBusy(): boolean {
    return this.#isBusy
  }

  takeIfDue(): void {
    const { entries, bytes } = this.#applier.sinceSnapshot
    const { compaction } = this.#host
    const isDue = entries > 0 && (entries >= compaction.entries || bytes >= compaction.bytes)
    if (!isDue || this.#isBusy || this.#closed || this.#applier.held) return
    this.#isBusy = true
    this.#isHolding = true
    this.#applier.hold()
    const { machine } = this.#applier.machine
    const live = new Set(indexesOf(machine.bodies?.live(logIndex(1), this.#applier.last.index) ?? []))
    machine.bodies?.dropped()
    const place = this.#cut.snapshot?.place === 'a' ? 'b' : 'a'
    const taking: Taking = { point: this.#applier.last, place, live, pieces: this.#applier.machine.snapshot()[Symbol.iterator]() }
    this.#writeChunk(taking, { number: 0, bytes: 0, rest: Buffer.alloc(0) })
  }

  /** What Redis has now, which may have been less before. */
  knows(cut: Cut): void {
    this.#cut = cut
  }

  /** Lets the machine go on; nothing more is done for this owner. */
  close(): void {
    this.#closed = true
    this.#stop()
  }

  #writeChunk(taking: Taking, written: Written): void {
    const { bytes, rest, isLast } = pull(taking.pieces, written.rest)
    const chunk = { place: taking.place, index: taking.point.index, number: written.number, bytes }
    this.#host.redis.writeChunk(this.#slot, this.#ownership, chunk, (reply) => {
      this.#answered(reply, () => {
        const now = { number: written.number + 1, bytes: written.bytes + bytes.length, rest }
        if (isLast) this.#install(taking, now)
        else this.#writeChunk(taking, now)
      })
    })
  }

  #install({ place, point, live }: Taking, { number: chunks, bytes }: Written): void {
    const snapshot: SnapshotRecord = { place, chunks, bytes, index: point.index, epoch: point.term, time: point.time }
    this.#host.redis.install(this.#slot, this.#ownership, snapshot, (reply) => {
      this.#answered(reply, () => {
        this.#cut = { snapshot, trimmed: this.#cut.trimmed }
        this.#applier.snapshotTaken()
        this.#release()
        this.#host.telemetry.count('lockstep_redis_snapshots_total', { group: String(this.#slot) })
        this.#trim(live)
      })
    })
  }

  /** What lies between what was trimmed before and the snapshot; then what was kept before and is not alive any more. */
  #trim(live: ReadonlySet<LogIndex>): void {
    const end = this.#cut.snapshot?.index ?? logIndex(0)
    const from = logIndex(this.#cut.trimmed + 1)
    if (from > end) {
      this.#sweep(live, logIndex(0))
      return
    }
    const to = logIndex(Math.min(end, from + trimMax - 1))
    const indexes = Array.from({ length: to - from + 1 }, (_, at) => logIndex(from + at))
    const trim = { drop: indexes.filter((index) => !live.has(index)), keep: indexes.filter((index) => live.has(index)), trimmed: to }
    this.#writeTrim(trim, () => this.#trim(live))
  }

  #sweep(live: ReadonlySet<LogIndex>, after: LogIndex): void {
    this.#host.redis.readKept(this.#slot, after, (reply) => {
      this.#answered(reply.type === 'done' ? { type: 'done', value: 'written' } : reply, () => {
        const kept = reply.type === 'done' ? reply.value : []
        const last = kept.at(-1)
        if (last === undefined) {
          this.#stop()
          return
        }
        const drop = kept.filter((index) => !live.has(index))
        if (drop.length === 0) this.#sweep(live, last)
        else this.#writeTrim({ drop, keep: [], trimmed: this.#cut.trimmed }, () => this.#sweep(live, last))
      })
    })
  }

  #writeTrim(trim: Trim, then: () => void): void {
    this.#host.redis.trim(this.#slot, this.#ownership, trim, (reply) => {
      this.#answered(reply, () => {
        this.#cut = { ...this.#cut, trimmed: trim.trimmed }
        then()
      })
    })
  }

  /** Only what is written and confirmed is gone on from. */
  #answered(reply: Reply<Fenced | 'incomplete'>, then: () => void): void {
    this.#host.post(() => {
      if (this.#closed) return
      if (reply.type === 'done' && reply.value === 'written') {
        then()
        return
      }
      this.#stop()
      this.#doubt()
    })
  }

  #stop(): void {
    this.#isBusy = false
    this.#release()
  }

  #release(): void {
    if (!this.#isHolding) return
    this.#isHolding = false
    this.#applier.release()
  }
}

interface SnapshotOf {
  readonly slot: number
  readonly ownership: Ownership
  readonly applier: Applier
  readonly cut: Cut
}

interface Taking {
  readonly point: AppliedPoint
  readonly place: SnapshotPlace
  readonly live: ReadonlySet<LogIndex>
  readonly pieces: Iterator<Uint8Array>
}

interface Written {
  readonly number: number
  readonly bytes: number
  /** Of the state, pulled but not written. */
  readonly rest: Buffer
}

/** The next chunk of the state: full, but for the last. */
function pull(pieces: Iterator<Uint8Array>, rest: Buffer): { readonly bytes: Uint8Array; readonly rest: Buffer; readonly isLast: boolean } {
  const size = runtimeLimits.snapshotChunkBytes
  const pulled: Uint8Array[] = [rest]
  let length = rest.length
  let isEnd = false
  while (!isEnd && length <= size) {
    const next = pieces.next()
    if (next.done === true) isEnd = true
    else {
      pulled.push(next.value)
      length += next.value.length
    }
  }
  const state = Buffer.concat(pulled)
  const isLast = isEnd && state.length <= size
  assert(isLast || state.length > size, 'a chunk that is not the last is full')
  return { bytes: state.subarray(0, size), rest: state.subarray(size), isLast }
}

function* indexesOf(ranges: Iterable<LogRange>): Iterable<LogIndex> {
  for (const { from, to } of ranges) for (let index = from; index <= to; index = logIndex(index + 1)) yield index
}
