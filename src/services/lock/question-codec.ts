import { lockApiLimits as limits } from '#api/locks/limits.ts'
import { readAll } from '#base/codec/byte-reader.ts'
import { ByteWriter } from '#base/codec/byte-writer.ts'
import { deadlockMode, mode, name, resource, session } from '#core/lock/command-codec.ts'
import { boolean, encodeWith, list, nullable, struct, text, uint, union, word } from '#base/codec/schema.ts'
import type { Schema } from '#base/codec/schema.ts'
import type { LockQuestion, LockView, LockViews } from './lock-questions.ts'

/** Questions and views as bytes. They stay within a cluster of one version, and are in no log. */

export const question = union<LockQuestion>({
  locks: [1, { prefix: name(), after: nullable(name()), limit: uint(limits.pageMax) }],
  lock: [2, { resource }],
  deadlocks: [3, {}],
  check: [4, { resource, token: uint() }],
  session: [5, { session }],
})

/** As `2026-01-31T12:00:00.000Z`; years beyond four digits have a sign and two more. */
const instant = text(32)
const client = name()

const lock = (listedMax: number): Schema<LockViews['lock']> =>
  struct<LockViews['lock']>({
    resource_id: resource,
    holders: list(struct({ client_id: client, lock_type: mode, fencing_token: uint(), expires_at: nullable(instant) }), listedMax),
    holder_count: uint(),
    waiters: list(
      struct({ client_id: client, lock_type: mode, position: uint(), upgrade: boolean, ends_at: nullable(instant) }),
      listedMax,
    ),
    waiter_count: uint(),
    closed_until: nullable(instant),
  })

type DeadlocksView = LockViews['deadlocks']
const behind = word<DeadlocksView['graph'][number]['behind']>({ holder: 0, waiter: 1 })
const link = struct<DeadlocksView['graph'][number]>({ client_id: client, waits_for: client, resource_id: resource, behind })
const recent = struct<DeadlocksView['recent'][number]>({
  at: instant,
  mode: deadlockMode,
  victim: client,
  cycle: list(client, limits.cycleMax),
  waits: list(link, limits.cycleMax),
  cycle_length: uint(),
})

const views: { readonly [Type in LockQuestion['type']]: Schema<LockViews[Type]> } = {
  locks: struct<LockViews['locks']>({ locks: list(lock(limits.listedPerLockMax), limits.pageMax), next: nullable(name()) }),
  lock: lock(limits.listedMax),
  deadlocks: struct<DeadlocksView>({
    mode: deadlockMode,
    graph: list(link, limits.edgesMax),
    truncated: boolean,
    found: uint(),
    recent: list(recent, limits.deadlocksMax),
  }),
  check: struct<LockViews['check']>({ valid: boolean, reason: word({ held: 0, expired: 1, superseded: 2 }) }),
  session: struct<LockViews['session']>({ open: boolean }),
}

const writer = new ByteWriter(1024)

export const encoded = <T>(schema: Schema<T>, value: T): Uint8Array => encodeWith(writer, schema, value)

/** Null for what the schema does not say. */
export function decoded<T>(schema: Schema<T>, bytes: Uint8Array): T | null {
  const read = readAll(bytes, (reader) => schema.read(reader))
  return read.ok ? read.value : null
}

export const encodeQuestion = (value: LockQuestion): Uint8Array => encoded(question, value)
export const decodeQuestion = (bytes: Uint8Array): LockQuestion | null => decoded(question, bytes)

/** The answer to a question of that type; each has its view. */
export const encodeView = (type: LockQuestion['type'], view: LockView): Uint8Array => encoded(views[type] as Schema<LockView>, view)
export const decodeView = <Type extends LockQuestion['type']>(type: Type, bytes: Uint8Array): LockViews[Type] | null =>
  decoded(views[type], bytes)
