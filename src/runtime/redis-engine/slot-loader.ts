import { assert } from '#base/assert.ts'
import { logIndex } from '#core/raft/types.ts'
import type { LogIndex } from '#core/raft/types.ts'
import type { Reply, SlotRecord, SnapshotRecord } from '#ports/redis-slots.ts'
import type { Applier } from '#runtime/applier.ts'
import type { EngineHost } from './engine-host.ts'
import { redisEngineLimits } from './limits.ts'
import { isSameTail, RecentBatches } from './recent-batches.ts'

/** `broken`: Redis could not be read to the end. */
export type Loaded =
  | { readonly type: 'loaded'; readonly recent: RecentBatches }
  | { readonly type: 'broken' }
  | { readonly type: 'damaged'; readonly detail: string }

/**
 * Brings a new machine to where a slot's log ends: its snapshot first, then the log, in bounded parts. The ownership has been confirmed
 * before, so the log does not grow meanwhile.
 */
export class SlotLoader {
  readonly #host: EngineHost
  readonly #slot: number
  readonly #record: SlotRecord
  readonly #applier: Applier
  readonly #done: (loaded: Loaded) => void
  readonly #recent: RecentBatches

  constructor(
    host: EngineHost,
    load: { readonly slot: number; readonly record: SlotRecord; readonly applier: Applier },
    done: (loaded: Loaded) => void,
  ) {
    this.#host = host
    this.#slot = load.slot
    this.#record = load.record
    this.#applier = load.applier
    this.#done = done
    // Which batch wrote the last entry of a snapshot is known only when nothing follows it.
    const { snapshot, tail } = load.record
    const base = { index: snapshot?.index ?? logIndex(0), batch: '' }
    this.#recent = new RecentBatches(snapshot?.index === tail.index ? tail : base, redisEngineLimits.recentBytesMax)
  }

  start(): void {
    const { snapshot } = this.#record
    if (snapshot === null) {
      this.#readLog(logIndex(1))
      return
    }
    this.#applier.hold()
    this.#readChunk(snapshot, [])
  }

  #readChunk(snapshot: SnapshotRecord, chunks: readonly Uint8Array[]): void {
    if (chunks.length === snapshot.chunks) {
      this.#restore(snapshot, Buffer.concat(chunks))
      return
    }
    this.#host.redis.readChunk(this.#slot, snapshot.place, chunks.length, (reply) => {
      this.#answered(reply, (chunk) => {
        if ('type' in chunk) this.#done(chunk)
        else this.#readChunk(snapshot, [...chunks, chunk])
      })
    })
  }

  #restore(snapshot: SnapshotRecord, state: Uint8Array): void {
    if (state.length !== snapshot.bytes) {
      this.#done({ type: 'damaged', detail: `the snapshot has ${state.length} bytes instead of ${snapshot.bytes}` })
      return
    }
    const { index, epoch: term, time, bytes } = snapshot
    const nobody = { voters: [], outgoing: [], learners: [] }
    this.#applier.machine.restore(state)
    this.#applier.restored({ index, term, time, bytes, membership: nobody, membershipIndex: logIndex(0) })
    this.#applier.release()
    this.#readLog(logIndex(index + 1))
  }

  #readLog(from: LogIndex): void {
    const { tail } = this.#record
    if (from > tail.index) {
      this.#recent.readToEnd()
      if (isSameTail(this.#recent.tail, tail)) this.#done({ type: 'loaded', recent: this.#recent })
      else this.#done({ type: 'damaged', detail: `the log ends with ${this.#recent.tail.batch} at ${this.#recent.tail.index}` })
      return
    }
    this.#host.redis.readLog(this.#slot, { from, to: tail.index }, (reply) => {
      this.#answered(reply, (read) => {
        if ('type' in read) {
          this.#done(read)
        } else if (read.length === 0) {
          this.#done({ type: 'damaged', detail: `entry ${from} is missing` })
        } else {
          assert(read[0]?.entry.index === from, 'a log is read in order')
          this.#recent.readBack(read)
          this.#applier.apply(read.map(({ entry }) => entry))
          this.#readLog(logIndex(from + read.length))
        }
      })
    })
  }

  #answered<Value>(reply: Reply<Value>, then: (value: Value) => void): void {
    this.#host.post(() => {
      if (reply.type === 'done') then(reply.value)
      else this.#done({ type: 'broken' })
    })
  }
}
