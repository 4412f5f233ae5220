import { logIndex, term } from '#core/raft/types.ts'
import type { HardState, LogIndex, SnapshotMeta, Term } from '#core/raft/types.ts'
import { recordOf } from '#io/entry-codec/record.ts'
import type { StreamId } from './keys.ts'
import { groupKey, storeKey, tailKey } from './keys.ts'

/**
 * Records that change seldom are JSON: short, and readable with any tool. Their checksum vouches for their shape, for only
 * the encoders here make them; so the decoders may cast.
 */

/** A place in a log: the entry at `index` bears `term`; (0, 0) lies before the first. */
export interface Point {
  readonly index: LogIndex
  readonly term: Term
}

export const origin: Point = { index: logIndex(0), term: term(0) }

/** What must be there: a record that is gone altogether would not fail its checksum. */
export interface StoreRecord {
  readonly nextStream: StreamId
  readonly node: boolean
  readonly groups: readonly number[]
  readonly tombstones: readonly number[]
}

export interface StoredSnapshot {
  readonly stream: StreamId
  readonly meta: SnapshotMeta
}

/** A snapshot whose chunks are still arriving; how many there are, the chunks themselves tell. */
export interface PartialSnapshot extends Point {
  readonly stream: StreamId
}

/** Bodies for a snapshot that is still arriving: those in (after, upTo], which the log itself will not have. */
export interface FetchedStream {
  readonly stream: StreamId
  readonly after: LogIndex
  readonly upTo: LogIndex
}

/** What is left of a former log: entries up to here are read from it. */
export interface FormerLog {
  readonly stream: StreamId
  readonly upTo: LogIndex
}

export interface GroupRecord {
  readonly about: Uint8Array | null
  readonly hardState: HardState
  readonly log: StreamId
  readonly base: Point
  readonly snapshot: StoredSnapshot | null
  readonly partials: readonly PartialSnapshot[]
  readonly fetched: FetchedStream | null
  /** Ascending. */
  readonly formerLogs: readonly FormerLog[]
}

export const encodeStore = (record: StoreRecord): Uint8Array => json(storeKey, record)
export const decodeStore = (payload: Uint8Array): StoreRecord => parsed(payload) as StoreRecord

export const encodeGroup = (group: number, { about, ...rest }: GroupRecord): Uint8Array =>
  json(groupKey(group), { ...rest, about: about === null ? null : Buffer.from(about).toString('base64') })

export function decodeGroup(payload: Uint8Array): GroupRecord {
  const { about, ...rest } = parsed(payload) as Omit<GroupRecord, 'about'> & { readonly about: string | null }
  return { ...withoutBodies, ...rest, about: about === null ? null : new Uint8Array(Buffer.from(about, 'base64')) }
}

/** A record that was written before there were these. */
const withoutBodies: Pick<GroupRecord, 'fetched' | 'formerLogs'> = { fetched: null, formerLogs: [] }

/** Written with every append, so it is bytes: index and term, float64, little-endian. */
export function encodeTail(group: number, tail: Point): Uint8Array {
  const payload = new Uint8Array(16)
  const view = new DataView(payload.buffer)
  view.setFloat64(0, tail.index, true)
  view.setFloat64(8, tail.term, true)
  return recordOf(tailKey(group), payload)
}

export function decodeTail(payload: Uint8Array): Point {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length)
  return { index: logIndex(view.getFloat64(0, true)), term: term(view.getFloat64(8, true)) }
}

const json = (key: Uint8Array, value: unknown): Uint8Array => recordOf(key, Buffer.from(JSON.stringify(value)))

const parsed = (payload: Uint8Array): unknown => JSON.parse(Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString())
