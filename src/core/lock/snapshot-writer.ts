import { writeFrame } from '#base/codec/snapshot-frame.ts'
import { waitsOf } from './links.ts'
import type { Hold, Owner, Resource, Session, SessionAttempt, Wait } from './records.ts'
import { itemsOf } from './reports.ts'
import { snapshotKind, snapshotRecord } from './snapshot-schema.ts'
import type { AttemptNumber, OwnerNumber, SnapshotRecord } from './snapshot-schema.ts'
import type { LockState } from './state.ts'

/** Equal states give equal bytes, whatever log or snapshot they came from. The state must not change in between. */
export const writeSnapshot = (state: LockState): IterableIterator<Uint8Array> => writeFrame(snapshotKind, snapshotRecord, recordsOf(state))

function* recordsOf(state: LockState): IterableIterator<SnapshotRecord> {
  const { token, waitNumber, deadlocksFound, mode, time, wall } = state
  yield { type: 'machine', token, waitNumber, deadlocksFound, mode, time, wall }
  const numbers = new Map<Session, number>()
  for (const session of state.sessions.values()) {
    numbers.set(session, numbers.size)
    yield* sessionRecords(session)
  }
  for (const resource of state.resources.values()) yield* resourceRecords(resource, numbers)
  const clients = [...state.clients.values()]
  const waits = clients.flatMap(waitsOf).sort((left, right) => left.number - right.number)
  for (const wait of waits) yield waitRecord(wait, numbers)
  const wounded = clients.filter((client) => client.wounded).map(({ id }) => id)
  for (const client of wounded.sort()) yield { type: 'wounded', client }
  for (const { number, owner, items, answer, deadline } of state.verdicts) {
    yield { type: 'verdict', number, owner: ownerNumber(owner, numbers), items, answer, endsAt: deadline?.at ?? null }
  }
  for (const found of state.deadlocks) yield { type: 'deadlock', found }
}

function* sessionRecords(session: Session): IterableIterator<SnapshotRecord> {
  const { id, ttlMs, index, outcomes } = session
  const { confirmed, floor } = outcomes
  if (session.type === 'node') yield { type: 'node-session', id, node: session.node, ttlMs, index, confirmed, floor }
  else
    yield { type: 'client-session', id, client: session.owner.client.id, ttlMs, lockDelayMs: session.lockDelayMs, index, confirmed, floor }
  for (const [sequence, answer] of outcomes.answers()) yield { type: 'outcome', sequence, answer }
}

function* resourceRecords(resource: Resource, numbers: ReadonlyMap<Session, number>): IterableIterator<SnapshotRecord> {
  const { name, lastExclusive, closure } = resource
  yield { type: 'resource', name, lastExclusive, closure: closure === null ? null : { at: closure.at, id: closure.id } }
  for (let hold = resource.firstHold; hold !== null; hold = hold.after) yield holdRecord(hold, numbers)
}

function holdRecord(hold: Hold, numbers: ReadonlyMap<Session, number>): SnapshotRecord {
  const { mode, token, index, lockDelayMs, lease } = hold
  return {
    type: 'hold',
    owner: ownerNumber(hold.owner, numbers),
    mode,
    token,
    index,
    lockDelayMs,
    leaseAt: lease?.at ?? null,
    attempt: attemptNumber(hold.attempt, numbers),
  }
}

function waitRecord(wait: Wait, numbers: ReadonlyMap<Session, number>): SnapshotRecord {
  const { number, index, upgrade, ttlMs, lockDelayMs, deadline } = wait
  return {
    type: 'wait',
    number,
    index,
    owner: ownerNumber(wait.owner, numbers),
    items: itemsOf(wait),
    upgrade,
    ttlMs,
    lockDelayMs,
    endsAt: deadline?.at ?? null,
    attempt: attemptNumber(wait.attempt, numbers),
  }
}

function ownerNumber({ client, session }: Owner, numbers: ReadonlyMap<Session, number>): OwnerNumber {
  const number = session === null ? undefined : numbers.get(session)
  return number === undefined ? { type: 'client', client: client.id } : { type: 'session', session: number }
}

/** A request under a session that has ended can be referred to no more. */
function attemptNumber(attempt: SessionAttempt | null, numbers: ReadonlyMap<Session, number>): AttemptNumber | null {
  const session = attempt === null ? undefined : numbers.get(attempt.session)
  return attempt === null || session === undefined ? null : { session, sequence: attempt.sequence }
}
