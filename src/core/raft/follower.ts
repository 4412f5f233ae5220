import { assert } from '#base/assert.ts'
import { millis } from '#base/brand.ts'
import { campaign, campaignWithPreVote } from './election.ts'
import type { Receiving, Replica } from './replica.ts'
import type { Append, Entry, Heartbeat, LogIndex, ReplicaId, SnapshotChunk, SnapshotMeta, Term, TimeoutNow } from './types.ts'
import { logIndex, term } from './types.ts'

/**
 * The follower (paper 5.3): takes the leader's entries, truncates only at a real conflict (pitfall 6), learns the commit index only as
 * far as its log is known to agree (pitfall 7), and acknowledges only what is on its disk (pitfall 1).
 */

/** Both a follower whose time-out ran out and a candidate that got no answer start anew with a pre-vote. */
export function tickWithoutLeader(replica: Replica): void {
  if (replica.now < replica.electionDeadline) return
  if (replica.forgivesPause(replica.now - replica.electionDeadline)) {
    replica.electionDeadline = millis(replica.now + replica.timing.heartbeatMs)
  } else if (replica.mayCampaign) {
    campaignWithPreVote(replica)
  } else {
    replica.resetElectionDeadline()
  }
}

/** Every valid message of this term's leader ends a candidacy and restarts the time-out (pitfall 9). */
function follow(replica: Replica, leader: ReplicaId, restMs = 0): void {
  assert(replica.leader === null || replica.leader === leader, 'a term has one leader')
  if (replica.role.type !== 'follower') replica.role = { type: 'follower' }
  replica.leader = leader
  replica.heardFrom = leader
  replica.heardAt = replica.now
  replica.campaigns = 0
  replica.resetElectionDeadline(restMs)
}

export function handleAppend(replica: Replica, append: Append): void {
  const { log } = replica
  follow(replica, append.from)
  const start = Math.max(append.previousIndex, log.base.index)
  const overlap = append.entries.slice(start - append.previousIndex)
  const agrees = append.previousIndex < log.base.index || log.termAt(append.previousIndex) === append.previousTerm
  if (!agrees) {
    reject(replica, append)
    return
  }
  const lastNew = logIndex(Math.max(append.previousIndex + append.entries.length, log.base.index))
  const fresh = firstDisagreement(replica, overlap)
  if (fresh !== null) replace(replica, fresh)
  verify(replica, lastNew, append.commit)
  if (log.durable >= replica.verified) acknowledge(replica, append.from)
}

/** The suffix of `entries` that this log does not hold; null when it holds them all. */
function firstDisagreement(replica: Replica, entries: readonly Entry[]): readonly Entry[] | null {
  const position = entries.findIndex((entry) => replica.log.termAt(entry.index) !== entry.term)
  return position === -1 ? null : entries.slice(position)
}

function replace(replica: Replica, entries: readonly Entry[]): void {
  const first = (entries[0] as Entry).index
  if (first <= replica.log.lastIndex) {
    replica.log.truncateFrom(first)
    replica.out.truncateFrom(first)
  }
  replica.log.append(entries)
  replica.out.entries(entries)
}

/** Everything up to `index` is now known to agree; what is committed of it may be applied. */
function verify(replica: Replica, index: LogIndex, commit: LogIndex): void {
  replica.verified = logIndex(Math.max(replica.verified, index))
  const known = logIndex(Math.min(commit, replica.verified))
  if (known > replica.log.commit) replica.log.commitTo(known)
}

function acknowledge(replica: Replica, leader: ReplicaId): void {
  replica.answer({ type: 'append-ack', from: replica.self, to: leader, term: replica.term, match: durableMatch(replica) })
}

const durableMatch = (replica: Replica): LogIndex => logIndex(Math.min(replica.log.durable, replica.verified))

/** One acknowledgement per finished write, however many appends it holds. */
export function acknowledgePersisted(replica: Replica): void {
  if (replica.leader !== null && replica.leader !== replica.self && replica.role.type === 'follower') acknowledge(replica, replica.leader)
}

/** Names the largest index at which the logs can agree: where this log's term is not newer than the leader's. */
function reject(replica: Replica, append: Append): void {
  const { log } = replica
  let hint = logIndex(Math.min(append.previousIndex, log.lastIndex))
  while (hint > log.commit && (log.termAt(hint) as Term) > append.previousTerm) hint = logIndex(hint - 1)
  replica.out.send({
    type: 'append-reject',
    from: replica.self,
    to: append.from,
    term: replica.term,
    rejected: append.previousIndex,
    hintIndex: hint,
    hintTerm: log.termAt(hint) ?? term(0),
  })
}

export function handleHeartbeat(replica: Replica, heartbeat: Heartbeat): void {
  follow(replica, heartbeat.from, heartbeat.restMs)
  verify(replica, replica.verified, heartbeat.commit)
  replica.answer({
    type: 'heartbeat-ack',
    from: replica.self,
    to: heartbeat.from,
    term: replica.term,
    round: heartbeat.round,
    match: durableMatch(replica),
  })
}

/** The leader has given up its lease for this; a replica that must not lead lets it pass. */
export function handleTimeoutNow(replica: Replica, message: TimeoutNow): void {
  if (replica.role.type === 'follower' && replica.leader === message.from && replica.mayCampaign) campaign(replica, true)
}

/**
 * A chunk is stored before the next is asked for, so a transfer goes on where it stopped, also after a restart of either side.
 * A snapshot of the past is answered with how far this log agrees; one whose last entry is in the log only tells what is committed, and
 * the entries behind it stay (dissertation 5.1; pitfall 23).
 *
 * Two replicas need not write the same bytes for one state, for they may run different builds. So what is stored is of one sender only, and
 * nobody else is told how far it reaches:
 * 1. A sends a snapshot up to 500 kB and is deposed. 2. B sends its own of the same index, from the beginning.
 * 3. The receiver asks B to go on at 500 kB: half of it is A's.
 * After a restart it has forgotten who sent. But a leader begins at 0, and goes on only where it was told to: who sends more unasked has
 * sent all that is there, for in its term nobody else could.
 */
export function handleSnapshotChunk(replica: Replica, chunk: SnapshotChunk): void {
  const { snapshot } = chunk
  follow(replica, chunk.from)
  if (holds(replica, snapshot)) {
    passOver(replica, snapshot)
    return
  }
  const receiving = receivingFrom(replica, chunk)
  if (receiving.writing !== null) {
    askForNothing(replica, receiving, chunk)
    return
  }
  if (chunk.offset === receiving.offset) {
    receiving.writing = snapshot
    replica.out.snapshotWrite({ snapshot, offset: chunk.offset, bytes: chunk.bytes, last: chunk.last })
  } else {
    askForSnapshot(replica, receiving)
  }
}

/** What is stored of the sender's snapshot; begun anew for another snapshot, and for another sender once nothing is being written. */
function receivingFrom(replica: Replica, { from, offset, snapshot }: SnapshotChunk): Receiving {
  const known = replica.receiving
  if (known?.index === snapshot.index && known.term === snapshot.term) {
    if (known.from === null && offset > 0) known.from = from
    if (known.from === from || known.writing !== null) return known
  }
  replica.receiving = { index: snapshot.index, term: snapshot.term, from, offset: 0, writing: null }
  return replica.receiving
}

/** Whether the log reaches over the snapshot's last entry, which is committed, so that everything before it agrees too. */
function holds({ log }: Replica, snapshot: SnapshotMeta): boolean {
  return snapshot.index <= log.commit || log.termAt(snapshot.index) === snapshot.term
}

function passOver(replica: Replica, snapshot: SnapshotMeta): void {
  replica.receiving = null
  verify(replica, logIndex(Math.max(snapshot.index, replica.log.commit)), snapshot.index)
  acknowledgePersisted(replica)
}

/**
 * While the last chunk was being written, entries that were on their way may have filled the log up to the snapshot and beyond, and may
 * have been acknowledged: they must stay. A replica that leads by now holds every committed entry anyway.
 */
export function handleSnapshotWritten(replica: Replica, index: LogIndex, offset: number, last: boolean): void {
  const { receiving } = replica
  const snapshot = receiving?.writing
  if (!receiving || !snapshot || snapshot.index !== index) return
  receiving.writing = null
  receiving.offset = offset
  if (!last) {
    askForSnapshot(replica, receiving)
    return
  }
  replica.receiving = null
  if (replica.role.type === 'leader') return
  if (holds(replica, snapshot)) {
    passOver(replica, snapshot)
    return
  }
  replica.log.install(snapshot)
  replica.out.install(snapshot)
  replica.verified = snapshot.index
  replica.installing = { snapshot, writeId: Number.POSITIVE_INFINITY }
}

/** The last chunk is not done before the bodies are there. Until then the leader sends it again and again, so it is told to send an empty one. */
function askForNothing(replica: Replica, receiving: Receiving, { offset, bytes, last }: SnapshotChunk): void {
  if (last && offset === receiving.offset && bytes.length > 0) askForSnapshot(replica, { ...receiving, offset: offset + bytes.length })
}

function askForSnapshot(replica: Replica, { index, from, offset }: Receiving): void {
  if (replica.leader === null || replica.leader !== from) return
  replica.out.send({ type: 'snapshot-ack', from: replica.self, to: from, term: replica.term, index, offset })
}
