import { assert, present } from '#base/assert.ts'
import { entryBytes } from './log.ts'
import { limits } from './limits.ts'
import type { Progress } from './progress.ts'
import type { Leader, Replica } from './replica.ts'
import { logIndex } from './types.ts'
import type { Entry, ReplicaId, SnapshotAck } from './types.ts'

/** How a leader's entries and snapshots get on their way. */

export function replicateToAll(replica: Replica, role: Leader): void {
  for (const progress of role.progress.values()) replicate(replica, progress)
}

/** Sends whatever the follower's window has room for, behind a question when that window may have been lost: a gap is refused. */
export function replicate(replica: Replica, progress: Progress): void {
  if (progress.inDoubt) remind(replica, progress)
  progress.inDoubt = false
  while (progress.open && progress.next <= replica.log.lastIndex) {
    const previousIndex = logIndex(progress.next - 1)
    const previousTerm = replica.log.termAt(previousIndex)
    if (previousTerm === null) {
      startSnapshot(replica, progress)
      return
    }
    const bytes = progress.sending.type === 'probe' ? limits.probeBytesMax : limits.appendBytesMax
    const entries = replica.log.slice(progress.next, { entries: limits.appendEntriesMax, bytes })
    const last = present(entries.at(-1), 'there is something to send').index
    sendAppend(replica, progress, entries)
    progress.sent(last, sumBytes(entries))
  }
}

/** Tells the commit index without waiting for the next heartbeat. */
export function sendCommit(replica: Replica, progress: Progress): void {
  if (progress.toldCommit < replica.log.commit) remind(replica, progress)
}

/**
 * A follower that restarted within this term does not know any more how far its log agrees, and learns no commit index from heartbeats
 * alone; on an idle group no entry would come to tell it.
 */
export function remind(replica: Replica, progress: Progress): void {
  if (progress.sending.type !== 'replicate' || progress.next <= replica.log.base.index) return
  sendAppend(replica, progress, [])
}

function sendAppend(replica: Replica, progress: Progress, entries: readonly Entry[]): void {
  const previousIndex = logIndex(progress.next - 1)
  progress.toldCommit = replica.log.commit
  replica.out.send({
    type: 'append',
    from: replica.self,
    to: progress.replica,
    term: replica.term,
    previousIndex,
    previousTerm: present(replica.log.termAt(previousIndex), 'the entry before an append is known'),
    entries,
    commit: replica.log.commit,
  })
}

function startSnapshot(replica: Replica, progress: Progress): void {
  const snapshot = present(replica.log.snapshot, 'a compacted log has a snapshot')
  progress.sending = { type: 'snapshot', snapshot, offset: 0 }
  progress.moved()
  replica.out.snapshotRead({ to: progress.replica, index: snapshot.index, offset: 0 })
}

/** The driver has read a chunk. One that is gone was replaced by a newer snapshot, from which the follower starts over. */
export function handleSnapshotRead(
  replica: Replica,
  role: Leader,
  read: {
    readonly to: ReplicaId
    readonly index: number
    readonly offset: number
    readonly bytes: Uint8Array | null
    readonly last: boolean
  },
): void {
  const progress = role.progress.get(read.to)
  if (progress?.sending.type !== 'snapshot') return
  const { snapshot, offset } = progress.sending
  if (snapshot.index !== read.index || offset !== read.offset) return
  if (read.bytes === null) {
    if (replica.log.snapshot?.index !== snapshot.index) startSnapshot(replica, progress)
    return
  }
  const { bytes, last } = read
  replica.out.send({ type: 'snapshot-chunk', from: replica.self, to: read.to, term: replica.term, snapshot, offset, bytes, last })
}

export function handleSnapshotAck(replica: Replica, role: Leader, ack: SnapshotAck): void {
  const progress = role.progress.get(ack.from)
  if (progress?.sending.type !== 'snapshot' || progress.sending.snapshot.index !== ack.index) return
  if (progress.sending.offset === ack.offset) return
  assert(ack.offset >= 0, 'offsets are not negative')
  progress.sending.offset = ack.offset
  progress.moved()
  replica.out.snapshotRead({ to: ack.from, index: ack.index, offset: ack.offset })
}

function sumBytes(entries: readonly Entry[]): number {
  let bytes = 0
  for (const entry of entries) bytes += entryBytes(entry)
  return bytes
}
