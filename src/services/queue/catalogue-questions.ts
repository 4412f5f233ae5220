import { present } from '#base/assert.ts'
import { readAll } from '#base/codec/byte-reader.ts'
import { ByteWriter } from '#base/codec/byte-writer.ts'
import type { Schema } from '#base/codec/schema.ts'
import { boolean, encodeWith, list, nullable, struct, text, uint, union } from '#base/codec/schema.ts'
import type { Catalogue } from '#core/queue/catalogue.ts'
import type { Deleting, Listing } from '#core/queue/catalogue-types.ts'
import { definition } from '#core/queue/command-codec.ts'
import { catalogueLimits, queueLimits } from '#core/queue/limits.ts'
import type { QueueDefinition, QueueName } from '#core/queue/types.ts'

/** What may be asked of a replica of the catalogue. */
export type CatalogueQuestion =
  | { readonly type: 'find'; readonly name: QueueName }
  /** Those that begin so and come after that one, by name. */
  | { readonly type: 'list'; readonly prefix: string; readonly after: string | null; readonly limit: number }
  /** What slots have still to be told. */
  | { readonly type: 'pending' }

export interface CatalogueViews {
  readonly find: { readonly listing: Listing | null }
  readonly list: { readonly version: number; readonly queues: readonly QueueDefinition[]; readonly more: boolean }
  readonly pending: { readonly deleting: readonly Deleting[]; readonly changed: readonly Listing[] }
}

/** Of one answer. */
const listedMax = 1_000

const name = text<QueueName>(queueLimits.nameBytesMax)
const prefix = text(queueLimits.nameBytesMax)
const listing = struct<Listing>({ definition, catalogueVersion: uint() })

const question = union<CatalogueQuestion>({
  find: [1, { name }],
  list: [2, { prefix, after: nullable(prefix), limit: uint(listedMax) }],
  pending: [3, {}],
})

const slots = list(uint<number>(0xffff), catalogueLimits.slotsMax)
const deleting = struct<Deleting>({ name, generation: uint(), catalogueVersion: uint(), pending: slots })

const views: { readonly [Type in keyof CatalogueViews]: Schema<CatalogueViews[Type]> } = {
  find: struct({ listing: nullable(listing) }),
  list: struct({ version: uint(), queues: list(definition, listedMax), more: boolean }),
  pending: struct({ deleting: list(deleting, listedMax), changed: list(listing, listedMax) }),
}

const writer = new ByteWriter(4 * 1024)

export const encodeCatalogueQuestion = (value: CatalogueQuestion): Uint8Array => encodeWith(writer, question, value)

/** The answer of a replica, for a question that a node of this cluster has encoded. */
export function answerAbout(catalogue: Catalogue, bytes: Uint8Array): Uint8Array {
  const decoded = readAll(bytes, (reader) => question.read(reader))
  const asked = present(decoded.ok ? decoded.value : null, 'this node asks only questions')
  switch (asked.type) {
    case 'find':
      return encodeWith(writer, views.find, { listing: catalogue.find(asked.name) })
    case 'list': {
      const queues = [...take(catalogue.list(asked), asked.limit + 1)]
      const more = queues.length > asked.limit
      return encodeWith(writer, views.list, { version: catalogue.version, queues: queues.slice(0, asked.limit), more })
    }
    case 'pending':
      return encodeWith(writer, views.pending, {
        deleting: [...take(catalogue.deleting(), listedMax)],
        changed: [...take(catalogue.changed(), listedMax)],
      })
  }
}

export function decodeCatalogueView<Type extends keyof CatalogueViews>(type: Type, bytes: Uint8Array): CatalogueViews[Type] | null {
  const decoded = readAll(bytes, (reader) => views[type].read(reader))
  return decoded.ok ? decoded.value : null
}

function* take<T>(items: Iterable<T>, count: number): IterableIterator<T> {
  let left = count
  for (const item of items) {
    if (left-- === 0) return
    yield item
  }
}
