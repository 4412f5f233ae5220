import type { Result } from '#base/result.ts'
import { readAll } from '#base/codec/byte-reader.ts'
import { ByteWriter } from '#base/codec/byte-writer.ts'
import { lockLimits } from './limits.ts'
import type { Schema } from '#base/codec/schema.ts'
import { boolean, encodeWith, list, nullable, struct, text, time, uint, union, word } from '#base/codec/schema.ts'
import type {
  Attempt,
  ClientId,
  DeadlockMode,
  FencingToken,
  Grant,
  Holder,
  Hop,
  Identity,
  Item,
  LockAnswer,
  LockCommand,
  LockMode,
  OwnerRef,
  Proof,
  RefusalCode,
  ResourceName,
  SessionId,
} from './types.ts'

const writer = new ByteWriter(16 * 1024)

/**
 * Commands and answers as bytes: a fixed order of fields and no names. Fields and numbers that are in a log never change their meaning; a
 * new command gets a number that was never used.
 */

export const name = <T extends string>(): Schema<T> => text<T>(lockLimits.nameBytesMax)
export const client = name<ClientId>()
export const session = name<SessionId>()
export const resource = name<ResourceName>()
export const token = uint<FencingToken>()
export const mode = word<LockMode>({ shared: 0, exclusive: 1 })
export const deadlockMode = word<DeadlockMode>({ requester: 0, youngest: 1, 'fewest-locks': 2, 'wait-die': 3, 'wound-wait': 4 })

export const items = list(struct<Item>({ resource, mode }), lockLimits.itemsMax)
export const attempt = struct<Attempt>({ session, sequence: uint() })
const identity = nullable(struct<Identity>({ session, sequence: uint(), confirmed: uint() }))
const owner = struct<OwnerRef>({ client, session: nullable(session) })
const proof = union<Proof>({ token: [0, { token }], 'as-of': [1, { index: uint() }] })

const command = union<LockCommand>({
  acquire: [1, { identity, owner, items, ttlMs: uint(), lockDelayMs: uint(), waitMs: nullable(uint()) }],
  release: [2, { identity, owner, resource, proof }],
  downgrade: [3, { identity, owner, resource, proof }],
  extend: [4, { identity, owner, resource, ttlMs: uint(), token: nullable(token) }],
  cancel: [5, { attempt, ifGranted: word({ keep: 0, release: 1 }) }],
  'open-session': [6, { session, client, ttlMs: uint(), lockDelayMs: uint() }],
  'open-node-session': [7, { session, node: name(), ttlMs: uint() }],
  'close-session': [8, { session }],
  'expire-sessions': [9, { term: uint(), sessions: list(session, lockLimits.expiriesMax) }],
  'expire-due': [10, {}],
  'force-release': [11, { resource, client: nullable(client) }],
  configure: [12, { mode: deadlockMode }],
  'skip-tokens': [13, { count: uint() }],
})

const grants = list(struct<Grant>({ resource, mode, token }), lockLimits.itemsMax)
const holders = list(struct<Holder>({ client, mode, token }), lockLimits.listedMax)
export const hops = list(struct<Hop>({ client, resource, behind: word({ holder: 0, waiter: 1 }) }), lockLimits.hopsMax)

const code = word<RefusalCode>({
  malformed: 0,
  invalid: 1,
  session_lost: 2,
  session_exists: 3,
  wrong_client: 4,
  already_answered: 5,
  unknown_resource: 6,
  not_holder: 7,
  conflicting_request: 8,
  superseded: 9,
  hold_ended: 10,
  carried_by_session: 11,
  queue_full: 12,
  too_many_resources: 13,
  too_many_holders: 14,
  too_many_locks: 15,
  too_many_waits: 16,
  too_many_sessions: 17,
  wait_die: 18,
  wounded: 19,
  stale_term: 20,
  withdrawn: 21,
  newer: 22,
})

const queuedTag = 2

export const answer = union<LockAnswer>({
  granted: [1, { grants, ttlMs: nullable(uint()), expiresAt: nullable(time()) }],
  queued: [queuedTag, { position: uint(), holders, ttlMs: nullable(uint()) }],
  'timed-out': [3, { holders, retryAfterMs: nullable(uint()) }],
  deadlock: [4, { cycle: hops, length: uint() }],
  cancelled: [5, {}],
  released: [6, { grantedTo: holders }],
  extended: [7, { token, ttlMs: nullable(uint()), expiresAt: nullable(time()) }],
  session: [8, { session, ttlMs: uint() }],
  ended: [9, { count: uint(), more: boolean }],
  configured: [10, { mode: deadlockMode }],
  skipped: [12, { last: token }],
  refused: [11, { code, detail: text(lockLimits.nameBytesMax) }],
})

export const encodeCommand = (value: LockCommand): Uint8Array => encodeWith(writer, command, value)

/** The command, or what is wrong with the bytes. */
export const decodeCommand = (bytes: Uint8Array): Result<LockCommand, string> => readAll(bytes, (reader) => command.read(reader))

export const encodeAnswer = (value: LockAnswer): Uint8Array => encodeWith(writer, answer, value)

/** Of an encoded answer, without reading it. */
export const isQueuedAnswer = (encoded: Uint8Array): boolean => encoded[0] === queuedTag

export const decodeAnswer = (bytes: Uint8Array): Result<LockAnswer, string> => readAll(bytes, (reader) => answer.read(reader))
