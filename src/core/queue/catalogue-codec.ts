import { readAll } from '#base/codec/byte-reader.ts'
import { ByteWriter } from '#base/codec/byte-writer.ts'
import { boolean, encodeWith, list, nullable, struct, text, uint, union, word } from '#base/codec/schema.ts'
import type { Result } from '#base/result.ts'
import type { CatalogueAnswer, CatalogueCommand, CatalogueRefusal, Deleting } from './catalogue-types.ts'
import { definition, settings } from './command-codec.ts'
import { catalogueLimits, queueLimits } from './limits.ts'
import type { Generation, QueueDefinition, QueueName } from './types.ts'

/** Commands, answers and snapshots of the catalogue as bytes. Numbers that are in a log never change their meaning. */

const name = text<QueueName>(queueLimits.nameBytesMax)
const generation = uint<Generation>()
const slots = list(uint<number>(0xffff), catalogueLimits.slotsMax)

const command = union<CatalogueCommand>({
  ensure: [1, { name }],
  put: [2, { name, partitions: nullable(uint()), settings, expectedRevision: nullable(uint()) }],
  delete: [3, { name, generation: nullable(generation), slots }],
  applied: [4, { generation, slots }],
  reached: [5, { name, revision: uint() }],
})

const code = word<CatalogueRefusal>({
  malformed: 0,
  invalid: 1,
  unknown_queue: 2,
  being_deleted: 3,
  partitions_fixed: 4,
  dead_letter_cycle: 5,
  stale_revision: 6,
  too_many_queues: 7,
  stale_generation: 8,
})

const answer = union<CatalogueAnswer>({
  queue: [1, { created: boolean, definition, catalogueVersion: uint() }],
  deleting: [2, { name, generation, catalogueVersion: uint(), pending: slots }],
  gone: [3, { generation }],
  refused: [4, { code, detail: text(queueLimits.nameBytesMax) }],
  noted: [5, {}],
})

export type CatalogueRecord =
  | { readonly type: 'catalogue'; readonly version: number }
  | { readonly type: 'queue'; readonly definition: QueueDefinition }
  | { readonly type: 'deleting'; readonly deleting: Deleting }
  | { readonly type: 'changed'; readonly name: QueueName }
  | { readonly type: 'end'; readonly records: number }

export const catalogueRecord = union<CatalogueRecord>({
  catalogue: [0, { version: uint() }],
  queue: [1, { definition }],
  deleting: [2, { deleting: struct<Deleting>({ name, generation, catalogueVersion: uint(), pending: slots }) }],
  end: [3, { records: uint() }],
  changed: [4, { name }],
})

const writer = new ByteWriter(4 * 1024)

export const encodeCatalogueCommand = (value: CatalogueCommand): Uint8Array => encodeWith(writer, command, value)
export const decodeCatalogueCommand = (bytes: Uint8Array): Result<CatalogueCommand, string> =>
  readAll(bytes, (reader) => command.read(reader))

export const encodeCatalogueAnswer = (value: CatalogueAnswer): Uint8Array => encodeWith(writer, answer, value)
export const decodeCatalogueAnswer = (bytes: Uint8Array): Result<CatalogueAnswer, string> => readAll(bytes, (reader) => answer.read(reader))
