import { assert, present } from '#base/assert.ts'
import type { Millis } from '#base/brand.ts'
import { entryBytes } from '#core/raft/log.ts'
import { logIndex } from '#core/raft/types.ts'
import type { LogIndex, ReplicaId, SnapshotMeta } from '#core/raft/types.ts'
import { emptyWrite } from '#ports/log-store.ts'
import type { Compaction, GroupWrite } from '#ports/log-store.ts'
import type { Group } from './group.ts'
import type { GroupHost } from './group-host.ts'
import { runtimeLimits as limits } from './limits.ts'
import type { CompactionPolicy } from './limits.ts'

/**
 * Snapshots of one group: taking them when the log has grown, reading them for followers that are too far behind, and restoring from them.
 *
 * A snapshot is pulled from the machine a bounded number of bytes per turn and written chunk by chunk, so that neither a large state nor a
 * slow disk holds up heartbeats (pitfall 42). It counts only from the write that names it; what was written of one that
 * was abandoned is never read.
 */
export class Snapshots {
  readonly #group: Group
  readonly #host: GroupHost
  readonly #policy: CompactionPolicy
  readonly #named: () => void
  #taking: Taking | null = null
  #restoring: SnapshotMeta | null = null
  /** Of the newest snapshot. */
  #stateBytes = 0
  /** As far as this life, and this state, has cut the log; null when the store has to be told of everything that lives. */
  #cutUpTo: LogIndex | null = null
  /** Snapshots that followers are reading, and when they last did. */
  readonly #readers = new Map<LogIndex, Millis>()

  constructor(group: Group, host: GroupHost, options: SnapshotsOptions) {
    this.#group = group
    this.#host = host
    this.#policy = options.policy
    this.#named = options.named
  }

  /** A log grows as large as the state, if that is large: so snapshots cost no more than the log does. */
  takeIfDue(): void {
    const { entries, bytes } = this.#group.applier.sinceSnapshot
    const isLong = entries >= this.#policy.entries || bytes >= this.#policy.bytes
    if (isLong && bytes + entries * limits.entryOverheadBytes >= this.#stateBytes) this.take()
  }

  take(): void {
    const { applier, raft } = this.#group
    if (this.#taking !== null || applier.held || raft.receivingSnapshot || applier.last.index === 0) return
    applier.hold()
    const known = raft.membershipAt(applier.last.index)
    const point = { ...applier.last, membership: known.membership, membershipIndex: known.index }
    this.#taking = { pieces: applier.machine.snapshot()[Symbol.iterator](), point }
    this.#pull(0, [])
  }

  /** The log is replaced by a newer snapshot from the leader: this one is of no use any more. */
  abandon(): void {
    if (this.#taking === null) return
    this.#taking = null
    this.#group.applier.release()
  }

  /** Nothing of this replica may be written any more: its place in the store may belong to another one soon. */
  close(): void {
    this.#taking = null
    this.#restoring = null
  }

  read(request: { readonly to: ReplicaId; readonly index: LogIndex; readonly offset: number }): void {
    const { to, index, offset } = request
    this.#readers.set(index, this.#host.instant().now)
    const { id, epoch } = this.#group
    this.#host.store.readSnapshot({ group: id, index, offset, bytesMax: limits.snapshotChunkBytes }, (chunk) => {
      this.#host.post(() => {
        if (this.#group.epoch !== epoch) return
        if (chunk !== null && 'type' in chunk) this.#host.storageFailed(chunk)
        else this.#group.step({ type: 'snapshot-read', to, index, offset, bytes: chunk?.bytes ?? null, last: chunk?.last ?? true })
      })
    })
  }

  /** Reads the newest snapshot back into the machine; entries wait meanwhile. */
  restore(snapshot: SnapshotMeta): void {
    this.abandon()
    const { applier } = this.#group
    if (!applier.held) applier.hold()
    this.#restoring = snapshot
    this.#stateBytes = snapshot.bytes
    this.#cutUpTo = null
    this.#load(snapshot, 0, new Uint8Array(snapshot.bytes))
  }

  /** A newer snapshot is being installed, and will be restored: the store has forgotten the one that is being read back. Entries wait on. */
  overtaken(): void {
    this.#restoring = null
  }

  #load(snapshot: SnapshotMeta, offset: number, state: Uint8Array): void {
    const { id, epoch, applier } = this.#group
    const request = { group: id, index: snapshot.index, offset, bytesMax: limits.snapshotBytesPerTurn }
    this.#host.store.readSnapshot(request, (chunk) => {
      this.#host.post(() => {
        if (this.#group.epoch !== epoch || this.#restoring !== snapshot) return
        if (chunk !== null && 'type' in chunk) {
          this.#host.storageFailed(chunk)
          return
        }
        const { bytes, last } = present(chunk, 'an installed snapshot is in the store')
        state.set(bytes, offset)
        if (!last) {
          this.#load(snapshot, offset + bytes.length, state)
          return
        }
        assert(offset + bytes.length === snapshot.bytes, 'a snapshot is as long as it says')
        this.#restoring = null
        applier.machine.restore(state)
        applier.restored(snapshot)
        applier.release()
      })
    })
  }

  /** One turn's share of the machine's state; `rest` is what did not fill a chunk yet. */
  #pull(written: number, rest: readonly Uint8Array[]): void {
    const taking = present(this.#taking, 'pulling belongs to a snapshot')
    const buffered: Uint8Array[] = [...rest]
    let bytes = buffered.reduce((sum, piece) => sum + piece.length, 0)
    let done = false
    while (!done && bytes < limits.snapshotBytesPerTurn) {
      const next = taking.pieces.next()
      if (next.done === true) done = true
      else {
        buffered.push(next.value)
        bytes += next.value.length
      }
    }
    this.#write({ state: Buffer.concat(buffered), written, done })
  }

  /** Whole chunks now, the remainder with the next pull or at the end; the last chunk's durability carries on. */
  #write(pulled: { readonly state: Uint8Array; readonly written: number; readonly done: boolean }): void {
    const { state, done } = pulled
    const taking = present(this.#taking, 'writing belongs to a snapshot')
    const size = limits.snapshotChunkBytes
    const end = done ? state.length : Math.floor(state.length / size) * size
    if (end === 0) {
      assert(done, 'a pull that is not the last fills a chunk')
      this.#wrote(taking, pulled.written, state, done)
      return
    }
    let offset = 0
    while (offset < end) {
      const bytes = state.subarray(offset, Math.min(offset + size, end))
      const chunk = { index: taking.point.index, term: taking.point.term, offset: pulled.written + offset, bytes }
      offset += bytes.length
      const whole = offset === end
      this.#host.write({ ...emptyWrite(this.#group.id), snapshotChunk: chunk }, () => {
        if (whole) this.#wrote(taking, pulled.written + end, state.subarray(end), done)
      })
    }
  }

  #wrote(taking: Taking, written: number, rest: Uint8Array, done: boolean): void {
    if (this.#taking !== taking) return
    if (!done) {
      this.#pull(written, [rest])
      return
    }
    this.#group.applier.snapshotTaken()
    this.#name({ ...taking.point, bytes: written })
    this.#host.post(() => this.#releaseAfter(taking))
  }

  /** Not in the turn that names the snapshot: which bodies are alive is asked then, and that must be as of the snapshot. */
  #releaseAfter(taking: Taking): void {
    if (this.#taking !== taking) return
    this.#taking = null
    this.#group.applier.release()
  }

  /** From this write on the snapshot counts, and the log behind it is dropped. */
  #name(snapshot: SnapshotMeta): void {
    const { raft, id, epoch } = this.#group
    this.#stateBytes = snapshot.bytes
    const dropUpTo = this.#dropUpTo(snapshot.index)
    const dropTerm = present(raft.termAt(dropUpTo), 'the log reaches back to where it is cut')
    const compact = { snapshot, dropUpTo, dropTerm, ...this.#changesUpTo(dropUpTo), keepSnapshots: this.#pinned() }
    const write: GroupWrite = { ...emptyWrite(id), compact }
    this.#host.write(write, () => {
      if (this.#group.epoch === epoch) this.#group.step({ type: 'compact', snapshot, dropUpTo })
    })
    this.#named()
    this.#host.telemetry.count('lockstep_raft_snapshots_total', { group: String(id) })
  }

  /** Large entries are kept for fewer followers that lag, or a log of them would fill the memory. */
  #dropUpTo(index: LogIndex): LogIndex {
    const { raft } = this.#group
    const lowest = Math.max(raft.base, index - this.#policy.keepEntries)
    let bytes = 0
    for (let at = index; at > lowest; at = logIndex(at - 1)) {
      bytes += entryBytes(present(raft.entryAt(at), 'the log reaches back to its base'))
      if (bytes > limits.keepBytesMax) return at
    }
    return logIndex(lowest)
  }

  /** What the machine needs of the log behind the cut, as of the snapshot. Costs what has changed, but for the first cut of a life. */
  #changesUpTo(index: LogIndex): Pick<Compaction, 'live' | 'dead'> {
    const { bodies } = this.#group.applier.machine.machine
    const former = this.#cutUpTo
    this.#cutUpTo = index
    const live = bodies === null ? [] : [...bodies.live(logIndex((former ?? 0) + 1), index)]
    const dead = former === null ? null : (bodies?.dead() ?? [])
    bodies?.dropped()
    return { live, dead }
  }

  #pinned(): LogIndex[] {
    const { now } = this.#host.instant()
    for (const [index, readAt] of this.#readers) if (now - readAt > limits.snapshotPinMs) this.#readers.delete(index)
    return [...this.#readers.keys()]
  }
}

export interface SnapshotsOptions {
  readonly policy: CompactionPolicy
  /** A snapshot of this replica's own counts from now on. */
  readonly named: () => void
}

interface Taking {
  readonly pieces: Iterator<Uint8Array>
  readonly point: Omit<SnapshotMeta, 'bytes'>
}
