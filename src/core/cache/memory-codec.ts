import { readAll } from '#base/codec/byte-reader.ts'
import { ByteWriter } from '#base/codec/byte-writer.ts'
import type { Schema } from '#base/codec/schema.ts'
import { boolean, bytes, encodeWith, list, malformed, nullable, struct, text, uint, union, word } from '#base/codec/schema.ts'
import type { Result } from '#base/result.ts'
import type { MemoryAnswer, MemoryCommand } from './commands.ts'
import { cacheLimits } from './limits.ts'
import type { Capacity } from './memory-state.ts'
import type { Dirty, Push } from './messages.ts'
import { TextValue } from './text-value.ts'
import type { Change, Condition, Identity, Key, Operation, Outcome, Refusal, Value, Version } from './types.ts'

/**
 * Commands and answers of memory as bytes: a fixed order of fields and no names. Fields and numbers that are in a log never change their meaning;
 * a new command gets a number that was never used.
 */

const { keyBytesMax, valueBytesMax, batchMax } = cacheLimits
const nameBytesMax = 256

export const key = text<Key>(keyBytesMax)
export const name = <T extends string>(): Schema<T> => text<T>(nameBytesMax)

export const value: Schema<Value> = {
  write: (writer, { bytes: content }) => bytes(valueBytesMax).write(writer, content),
  read(reader) {
    const content = bytes(valueBytesMax).read(reader)
    try {
      return TextValue.ofBytes(content)
    } catch {
      return malformed('a value that is no UTF-8')
    }
  },
}

/** May be negative. */
const integer: Schema<number> = {
  write(writer, number) {
    writer.byte(number < 0 ? 1 : 0)
    writer.uint(Math.abs(number))
  },
  read(reader) {
    const isNegative = boolean.read(reader)
    const size = reader.uint(Number.MAX_SAFE_INTEGER)
    if (isNegative && size === 0) malformed('a negative zero')
    return isNegative ? -size : size
  },
}

export const version = struct<Version>({ term: uint(), grant: uint(), sequence: uint() })
export const dirty = struct<Dirty>({ grant: uint(), sequence: uint(), value })
export const push = struct<Push>({ key, version, value, held: boolean, carriedBy: nullable(uint()) })

const condition = union<Condition>({ none: [0, {}], absent: [1, {}], version: [2, { version }], token: [3, { token: uint() }] })
/** Of numbers that are added to before they are written again: the sum of two is an integer still. */
export const addend = <T extends number>(): Schema<T> => uint<T>(2 ** 52)

const change = union<Change>({
  set: [1, { value, ttlMs: nullable(addend()), condition }],
  delete: [2, { condition }],
  add: [3, { by: integer }],
})
const identity = struct<Identity>({ client: name(), sequence: uint(), confirmed: uint(), retry: boolean, again: boolean })
export const operations = list(struct<Operation>({ change, identity: nullable(identity) }), batchMax)

const refusal = word<Refusal>({
  not_a_number: 0,
  out_of_range: 1,
  memory_full: 2,
  too_many_clients: 3,
  token_lost: 4,
  too_many_requests: 5,
  invalid: 6,
})
export const outcome = union<Outcome>({
  done: [1, { version, number: nullable(integer) }],
  mismatch: [2, { version }],
  refused: [3, { code: refusal }],
  unknown: [4, {}],
})
export const outcomes = list(outcome, batchMax)

export const capacity = struct<Capacity>({ bytesMax: uint(), whenFull: word({ lru: 0, refuse: 1 }) })

const command = union<MemoryCommand>({
  'open-session': [1, { term: uint(), agent: name(), nonce: uint() }],
  'close-session': [2, { term: uint(), session: uint() }],
  write: [
    3,
    {
      term: uint(),
      key,
      session: uint(),
      request: uint(),
      oldest: uint(),
      grant: uint(),
      sequence: uint(),
      dirty: nullable(dirty),
      operations,
    },
  ],
  flush: [4, { term: uint(), key, dirty }],
  push: [5, { term: uint(), session: uint(), push }],
  expire: [6, { term: uint(), key, version, grant: uint() }],
  evict: [7, { term: uint(), key, grant: uint() }],
  clear: [8, { term: uint(), namespace: name(), grant: uint() }],
  'set-capacity': [9, { term: uint(), capacity }],
})

const answer = union<MemoryAnswer>({
  session: [1, { session: uint(), closed: nullable(uint()) }],
  written: [2, { outcomes }],
  done: [3, {}],
  refused: [4, { code: word({ stale_term: 0, session_closed: 1, too_many_sessions: 2, malformed: 3 }) }],
})

const writer = new ByteWriter(64 * 1024)

export const encodeCommand = (from: MemoryCommand): Uint8Array => encodeWith(writer, command, from)
/** The command, or what is wrong with the bytes. */
export const decodeCommand = (from: Uint8Array): Result<MemoryCommand, string> => readAll(from, (reader) => command.read(reader))
export const encodeAnswer = (from: MemoryAnswer): Uint8Array => encodeWith(writer, answer, from)
export const decodeAnswer = (from: Uint8Array): Result<MemoryAnswer, string> => readAll(from, (reader) => answer.read(reader))
