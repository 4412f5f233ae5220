import { unreachable } from '#base/assert.ts'
import type { Result } from '#base/result.ts'
import { readFrame } from '#base/codec/snapshot-frame.ts'
import type { ByteReader } from '#base/codec/byte-reader.ts'
import type { LockLimits } from './limits.ts'
import { attachHold, attachWait, holdOf, newHold, newWait } from './links.ts'
import { Outcomes } from './outcomes.ts'
import type { Owner, Resource, Session, SessionAttempt } from './records.ts'
import { malformed } from '#base/codec/schema.ts'
import { newClientSession } from './sessions.ts'
import { snapshotKind, snapshotRecord } from './snapshot-schema.ts'
import type { AttemptNumber, OwnerNumber, SnapshotRecord } from './snapshot-schema.ts'
import { LockState, ownOwnerOf, resourceOf } from './state.ts'
import { addVerdict } from './waits.ts'

/** The state that a snapshot holds, or why it holds none. Bytes that were damaged, or that nobody wrote, do no harm. */
export function readSnapshot(bytes: Uint8Array, limits: LockLimits): Result<LockState, string> {
  return readFrame(snapshotKind, bytes, (reader) => new SnapshotReader(limits).read(reader))
}

type RecordOf<T extends SnapshotRecord['type']> = Extract<SnapshotRecord, { readonly type: T }>

/** Puts the state together record by record; each must fit to those before it. */
class SnapshotReader {
  readonly #state: LockState
  readonly #sessions: Session[] = []
  #resource: Resource | null = null
  #lastWait = 0

  constructor(limits: LockLimits) {
    this.#state = new LockState(limits)
  }

  read(reader: ByteReader): LockState {
    for (let records = 0; ; records++) {
      const record = snapshotRecord.read(reader)
      expect((record.type === 'machine') === (records === 0), 'the first record, and no other, is of the machine')
      if (record.type !== 'end') this.#add(record)
      else if (record.records === records) return this.#state
      else malformed('records are missing')
    }
  }

  #add(record: Exclude<SnapshotRecord, RecordOf<'end'>>): void {
    switch (record.type) {
      case 'machine':
        return this.#addMachine(record)
      case 'client-session':
        return this.#addClientSession(record)
      case 'node-session':
        return this.#addNodeSession(record)
      case 'outcome':
        return this.#addOutcome(record)
      case 'resource':
        return this.#addResource(record)
      case 'hold':
        return this.#addHold(record)
      case 'wait':
        return this.#addWait(record)
      case 'wounded':
        return this.#addWounded(record)
      case 'verdict':
        return addVerdict(this.#state, { ...record, owner: this.#ownerOf(record.owner), deadline: null }, record.endsAt)
      case 'deadlock':
        return this.#addDeadlock(record)
      default:
        return unreachable(record)
    }
  }

  #addMachine({ token, waitNumber, deadlocksFound, mode, time, wall }: RecordOf<'machine'>): void {
    const state = this.#state
    state.token = token
    state.waitNumber = waitNumber
    state.deadlocksFound = deadlocksFound
    state.mode = mode
    state.time = time
    state.wall = wall
  }

  #addClientSession({ id, client, ttlMs, lockDelayMs, index, confirmed, floor }: RecordOf<'client-session'>): void {
    this.#addSession(newClientSession(this.#state, client, { id, ttlMs, lockDelayMs, index, outcomes: new Outcomes(confirmed, floor) }))
  }

  #addNodeSession({ id, node, ttlMs, index, confirmed, floor }: RecordOf<'node-session'>): void {
    this.#addSession({ type: 'node', id, node, ttlMs, index, outcomes: new Outcomes(confirmed, floor) })
  }

  #addSession(session: Session): void {
    expect(!this.#state.sessions.has(session.id), 'two sessions of one name')
    this.#state.sessions.set(session.id, session)
    this.#sessions.push(session)
  }

  #addOutcome({ sequence, answer }: RecordOf<'outcome'>): void {
    const session = this.#sessions.at(-1)
    expect(session?.outcomes.isAnswered(sequence) === false, 'an outcome without a session, or a second one')
    session?.outcomes.record(sequence, answer, Infinity)
  }

  #addResource({ name, lastExclusive, closure }: RecordOf<'resource'>): void {
    expect(this.#state.resources.get(name) === undefined, 'two resources of one name')
    expect(lastExclusive <= this.#state.token, 'a token that was never given out')
    const resource = resourceOf(this.#state, name)
    this.#resource = resource
    resource.lastExclusive = lastExclusive
    if (closure === null) return
    resource.closure = { type: 'closure', resource, ...closure, slot: -1 }
    this.#state.deadlines.push(resource.closure)
  }

  #addHold(record: RecordOf<'hold'>): void {
    const resource = this.#resource ?? malformed('a hold without a resource')
    const { mode, token, index, lockDelayMs, leaseAt } = record
    const owner = this.#ownerOf(record.owner)
    const { lastHold } = resource
    expect(token > (lastHold?.token ?? 0) && token <= this.#state.token, 'tokens out of order')
    expect(lastHold === null || (mode === 'shared' && lastHold.mode === 'shared'), 'two holders, one of them exclusive')
    expect(holdOf(resource, owner) === null, 'a resource held twice')
    const hold = newHold({ resource, owner, mode, token, index, lockDelayMs, attempt: this.#attemptOf(record.attempt) })
    attachHold(this.#state, hold)
    if (leaseAt === null) return
    hold.lease = { type: 'lease', hold, at: leaseAt, id: token, slot: -1 }
    this.#state.deadlines.push(hold.lease)
  }

  #addWait(record: RecordOf<'wait'>): void {
    const { number, index, items, upgrade, ttlMs, lockDelayMs, endsAt } = record
    expect(number > this.#lastWait && number <= this.#state.waitNumber, 'waits out of order')
    this.#lastWait = number
    const owner = this.#ownerOf(record.owner)
    const attempt = this.#attemptOf(record.attempt)
    expect(attempt === null || attempt.session.outcomes.find(attempt.sequence).type !== 'answered', 'a request that was answered waits')
    const wanted = items.map(({ resource: name, mode }) => {
      const resource = this.#state.resources.get(name) ?? malformed('a wait for no resource')
      return { resource, mode }
    })
    const [first] = wanted
    expect(first !== undefined && (!upgrade || holdOf(first.resource, owner)?.mode === 'shared'), 'an upgrade of nothing')
    const wait = newWait({ number, index, owner, upgrade, ttlMs, lockDelayMs, attempt }, wanted)
    attachWait(this.#state, wait)
    if (endsAt === null) return
    wait.deadline = { type: 'wait', wait, at: endsAt, id: number, slot: -1 }
    this.#state.deadlines.push(wait.deadline)
  }

  #addWounded({ client: id }: RecordOf<'wounded'>): void {
    const client = this.#state.clients.get(id) ?? malformed('a wounded client that is not there')
    client.wounded = true
  }

  #addDeadlock({ found }: RecordOf<'deadlock'>): void {
    expect(this.#state.deadlocks.length < this.#state.limits.deadlocksKept, 'too many deadlocks')
    this.#state.deadlocks.push(found)
  }

  #ownerOf(number: OwnerNumber): Owner {
    if (number.type === 'client') return ownOwnerOf(this.#state, number.client)
    const session = this.#sessions[number.session]
    return session?.type === 'client' ? session.owner : malformed('an owner that is no session')
  }

  #attemptOf(number: AttemptNumber | null): SessionAttempt | null {
    if (number === null) return null
    const session = this.#sessions[number.session] ?? malformed('a request under no session')
    return { session, sequence: number.sequence }
  }
}

function expect(condition: boolean, reason: string): void {
  if (!condition) malformed(reason)
}
