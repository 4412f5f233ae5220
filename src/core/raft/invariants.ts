import { assert } from '#base/assert.ts'
import type { Raft } from './raft.ts'
import { logIndex } from './types.ts'

/** What holds between any two steps of one replica. For tests and the simulator: it costs more than the step itself. */
export function checkInvariants(raft: Raft): void {
  const replica = raft.inspect()
  const { log, role } = replica
  assert(log.base.index <= log.commit, 'base ≤ commit')
  assert(log.commit <= log.lastIndex, 'commit ≤ last')
  assert(log.durable <= log.lastIndex, 'durable ≤ last')
  assert(replica.emitted <= log.commit || replica.installing !== null, 'emitted ≤ commit')
  assert(replica.verified <= log.lastIndex, 'verified ≤ last')
  assert((log.snapshot?.index ?? 0) >= log.base.index, 'what is compacted is in a snapshot')
  assert((log.snapshot?.index ?? 0) <= log.commit, 'a snapshot holds only what is committed')
  assert(log.uncommittedBytes >= 0, 'the count of uncommitted bytes is not negative')
  assert(log.lastIndex > log.commit || log.uncommittedBytes === 0, 'nothing uncommitted counts for no bytes')
  for (let index = log.base.index + 1; index <= log.lastIndex; index++) {
    assert(log.entryAt(logIndex(index))?.index === index, 'the log has no holes')
  }
  if (role.type !== 'leader') return
  assert(replica.leader === replica.self, 'a leader follows itself')
  assert(replica.vote === replica.self, 'a leader has voted for itself')
  for (const progress of role.progress.values()) {
    assert(progress.match >= 0 && progress.match < progress.next, '0 ≤ match < next')
    assert(progress.match <= log.lastIndex && progress.next <= log.lastIndex + 1, 'nobody is ahead of the leader')
    assert(progress.round <= role.round, 'no answer to a round that was not sent')
  }
}
