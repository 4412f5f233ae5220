import { Type } from '#api/type.ts'
import { boolean, closed, integer, listOf, literal, nullable, oneOf, optional } from '#api/schemas.ts'
import type { Data, JsonBytes } from '#api/schemas.ts'
import { cacheApiLimits as limits } from './limits.ts'
import { ack, by, changedFields, hit, identity, ifAbsent, ifVersion, itemError, key, lineState, ttlMs, value, version } from './words.ts'

/** Reads and changes, one at a time or many. */

export const keyPath = closed({ key })
export type KeyPath = Data<typeof keyPath>

const found = { value, state: lineState, version, hit, found: literal(true) } as const
const absent = {
  value: Type.Null(),
  state: { ...lineState, description: 'Of the line on this node: that there is nothing is known like any value.' },
  version,
  hit,
  found: literal(false),
} as const

export const readFound = closed({ key, ...found }, { title: 'CacheRead' })
export const readAbsent = closed({ key, ...absent }, { title: 'CacheAbsent' })
/** `value` is null for what is absent; JSON's null is a value like any other, and so its bytes. */
export type ReadAnswer = Data<typeof readFound> | Data<typeof readAbsent>

export const writeRequest = closed(
  { value, ttl_ms: optional(ttlMs), ack: optional(ack), if_version: optional(ifVersion), if_absent: optional(ifAbsent), ...identity },
  { title: 'WriteRequest' },
)
export type WriteRequest = Data<typeof writeRequest>
export const changed = closed({ key, ...changedFields }, { title: 'Written' })
export type Changed = Data<typeof changed>

export const deleteQuery = closed({ if_version: optional(ifVersion), operation_id: identity.operation_id })
export type DeleteRequest = KeyPath & Data<typeof deleteQuery> & { readonly retry?: boolean }

export const incrementRequest = closed({ by: optional(by), ...identity }, { title: 'IncrementRequest' })
export type IncrementRequest = KeyPath & Data<typeof incrementRequest>
const number = integer(-Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, { description: 'The sum.' })
export const incremented = closed({ key, value: number, ...changedFields }, { title: 'Incremented' })
export type Incremented = Data<typeof incremented>

const operation = closed(
  {
    type: oneOf(['read', 'write', 'delete', 'increment']),
    key,
    value: optional(value),
    by: optional(by),
    ttl_ms: optional(ttlMs),
    ack: optional(ack),
    if_version: optional(ifVersion),
    if_absent: optional(ifAbsent),
    ...identity,
  },
  { title: 'BatchOperation', description: 'With the fields of the call for one.' },
)
export const batchRequest = closed(
  { operations: listOf(operation, { minItems: 1, maxItems: limits.itemsMax, description: 'Carried out side by side, each by itself.' }) },
  { title: 'BatchRequest' },
)
export type BatchRequest = Data<typeof batchRequest>

const result = closed(
  {
    key,
    value: optional(Type.Unsafe<JsonBytes | number | null>({ description: 'Of a read, or the sum.' })),
    found: optional(boolean({ description: 'Of a read.' })),
    hit: optional(hit),
    state: optional(lineState),
    version: optional(version),
    invalidated: optional(changedFields.invalidated),
    error: optional(nullable(itemError)),
  },
  { title: 'BatchResult', description: 'The fields of the answer to a call for one, or `error`.' },
)
export const batchAnswer = closed(
  { results: listOf(result, { maxItems: limits.itemsMax, description: 'In order.' }) },
  { title: 'BatchAnswer' },
)
