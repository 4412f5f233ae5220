import type { ByteReader } from '#base/codec/byte-reader.ts'
import { malformed, nullable, time, uint, union } from '#base/codec/schema.ts'
import { readFrame, writeFrame } from '#base/codec/snapshot-frame.ts'
import type { Millis } from '#base/brand.ts'
import type { Result } from '#base/result.ts'
import type { CacheLimits } from './limits.ts'
import { capacity, key, name, outcome, outcomes, value, version } from './memory-codec.ts'
import type { Capacity, MemorySession } from './memory-state.ts'
import { MemoryState, newSession, recordBytes } from './memory-state.ts'
import type { AgentId, Key, Outcome, RequestNumber, SessionId, Value, Version } from './types.ts'

/** Every record is small, but for its value. */
const kind = { magic: [0x4c, 0x53, 0x43, 0x41], format: 1, of: 'cache memory' } as const

type SnapshotRecord =
  /** The first one. */
  | { readonly type: 'memory'; readonly removed: Version; readonly lastSession: number; readonly time: Millis }
  | { readonly type: 'capacity'; readonly capacity: Capacity }
  | { readonly type: 'generation'; readonly namespace: string; readonly count: number }
  | { readonly type: 'session'; readonly id: SessionId; readonly agent: AgentId; readonly nonce: number; readonly oldest: RequestNumber }
  /** Of the last session. */
  | { readonly type: 'answered'; readonly request: RequestNumber; readonly outcomes: readonly Outcome[] }
  | { readonly type: 'client'; readonly id: string; readonly usedAt: Millis; readonly confirmed: number; readonly forgotten: number }
  /** Of the last client. */
  | { readonly type: 'outcome'; readonly sequence: number; readonly outcome: Outcome }
  | {
      readonly type: 'value'
      readonly key: Key
      readonly value: Value
      readonly version: Version
      readonly expiresAt: Millis | null
      readonly generation: number
    }
  /** The last one; how many there were before it. */
  | { readonly type: 'end'; readonly records: number }

const record = union<SnapshotRecord>({
  memory: [1, { removed: version, lastSession: uint(), time: time() }],
  generation: [2, { namespace: name(), count: uint() }],
  session: [3, { id: uint(), agent: name(), nonce: uint(), oldest: uint() }],
  answered: [4, { request: uint(), outcomes }],
  client: [5, { id: name(), usedAt: time(), confirmed: uint(), forgotten: uint() }],
  outcome: [6, { sequence: uint(), outcome }],
  value: [7, { key, value, version, expiresAt: nullable(time<Millis>()), generation: uint() }],
  end: [8, { records: uint() }],
  capacity: [9, { capacity }],
})

/** Equal states give equal bytes. The state must not change in between. */
export const writeSnapshot = (state: MemoryState): IterableIterator<Uint8Array> => writeFrame(kind, record, recordsOf(state))

function* recordsOf(state: MemoryState): IterableIterator<SnapshotRecord> {
  const { removed, lastSession, time: at } = state
  yield { type: 'memory', removed, lastSession, time: at }
  yield { type: 'capacity', capacity: state.capacity }
  for (const [namespace, count] of state.generations) yield { type: 'generation', namespace, count }
  for (const { id, agent, nonce, oldest, outcomes: kept } of state.sessions.values()) {
    yield { type: 'session', id, agent, nonce, oldest }
    for (const [request, told] of kept) yield { type: 'answered', request, outcomes: told }
  }
  for (const [id, { usedAt, confirmed, forgotten, outcomes: kept }] of state.clients.clients) {
    yield { type: 'client', id, usedAt, confirmed, forgotten }
    for (const [sequence, told] of kept) yield { type: 'outcome', sequence, outcome: told }
  }
  for (const [of, fields] of state.records) yield { type: 'value', key: of, ...fields }
}

/** The state that a snapshot holds, or why it holds none. */
export const readSnapshot = (bytes: Uint8Array, limits: CacheLimits): Result<MemoryState, string> =>
  readFrame(kind, bytes, (reader) => read(reader, new MemoryState(limits)))

/** Puts the state together record by record. */
function read(reader: ByteReader, state: MemoryState): MemoryState {
  let session: MemorySession | null = null
  let client: string | null = null
  for (let records = 0; ; records++) {
    const next = record.read(reader)
    if ((next.type === 'memory') !== (records === 0)) malformed('the first record, and no other, is of the memory')
    if (next.type === 'end') return next.records === records ? state : malformed('records are missing')
    if (next.type === 'session') session = addSession(state, next)
    else if (next.type === 'answered') (session ?? malformed('an answer of no session')).outcomes.set(next.request, next.outcomes)
    else if (next.type === 'client') {
      const { usedAt, confirmed, forgotten } = next
      client = next.id
      state.clients.clients.set(client, { usedAt, confirmed, forgotten, outcomes: new Map() })
    } else if (next.type === 'outcome') {
      const of = client === null ? undefined : state.clients.clients.get(client)
      ;(of ?? malformed('an outcome of no client')).outcomes.set(next.sequence, next.outcome)
    } else add(state, next)
  }
}

function addSession(state: MemoryState, { id, agent, nonce, oldest }: Extract<SnapshotRecord, { type: 'session' }>): MemorySession {
  if (state.sessions.has(id) || id > state.lastSession) malformed('a session that cannot be')
  const session = newSession({ id, agent, nonce })
  session.oldest = oldest
  state.sessions.set(id, session)
  return session
}

function add(state: MemoryState, next: Extract<SnapshotRecord, { type: 'memory' | 'capacity' | 'generation' | 'value' }>): void {
  if (next.type === 'memory') {
    state.removed = next.removed
    state.lastSession = next.lastSession
    state.time = next.time
  } else if (next.type === 'capacity') state.capacity = next.capacity
  else if (next.type === 'generation') state.generations.set(next.namespace, next.count)
  else {
    const { key: of, value: content, version: number, expiresAt, generation } = next
    if (state.records.has(of)) malformed('a key that is there twice')
    state.records.set(of, { value: content, version: number, expiresAt, generation })
    state.bytes += content.size + recordBytes(of)
  }
}
