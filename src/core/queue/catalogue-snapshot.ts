import { unreachable } from '#base/assert.ts'
import type { ByteReader } from '#base/codec/byte-reader.ts'
import { malformed } from '#base/codec/schema.ts'
import { readFrame, writeFrame } from '#base/codec/snapshot-frame.ts'
import type { Result } from '#base/result.ts'
import type { CatalogueState } from './catalogue.ts'
import type { CatalogueRecord } from './catalogue-codec.ts'
import { catalogueRecord } from './catalogue-codec.ts'

const kind = { magic: [0x4c, 0x53, 0x51, 0x43], format: 1, of: 'a catalogue' } as const

/** Equal states give equal bytes: queues, deletions and changes by generation. The state must not change in between. */
export const writeCatalogue = (state: CatalogueState): IterableIterator<Uint8Array> => writeFrame(kind, catalogueRecord, recordsOf(state))

function* recordsOf({ version, queues, deleting, changed }: CatalogueState): IterableIterator<CatalogueRecord> {
  yield { type: 'catalogue', version }
  const definitions = [...queues.values()].sort((left, right) => left.generation - right.generation)
  for (const definition of definitions) yield { type: 'queue', definition }
  const deletions = [...deleting.values()].sort((left, right) => left.generation - right.generation)
  for (const each of deletions) yield { type: 'deleting', deleting: each }
  for (const { name } of definitions) if (changed.has(name)) yield { type: 'changed', name }
}

/** The state that a snapshot holds, or why it holds none. */
export const readCatalogue = (bytes: Uint8Array): Result<CatalogueState, string> => readFrame(kind, bytes, readRecords)

function readRecords(reader: ByteReader): CatalogueState {
  const first = catalogueRecord.read(reader)
  if (first.type !== 'catalogue') malformed('the first record is of the catalogue')
  const state: CatalogueState = { version: first.version, queues: new Map(), deleting: new Map(), changed: new Set() }
  for (let records = 1; ; records++) {
    const record = catalogueRecord.read(reader)
    if (record.type !== 'end') add(state, record)
    else if (record.records === records) return state
    else malformed('records are missing')
  }
}

function add(state: CatalogueState, record: Exclude<CatalogueRecord, { readonly type: 'end' }>): void {
  switch (record.type) {
    case 'catalogue':
      return malformed('a second catalogue')
    case 'queue': {
      const { definition } = record
      if (state.queues.has(definition.name)) malformed('two queues of one name')
      if (definition.generation > definition.revision || definition.revision > state.version) malformed('a queue from the future')
      state.queues.set(definition.name, definition)
      return undefined
    }
    case 'deleting': {
      const { deleting } = record
      if (deleting.pending.length === 0 || deleting.catalogueVersion > state.version) malformed('a deletion that cannot be')
      state.deleting.set(deleting.generation, deleting)
      return undefined
    }
    case 'changed':
      if (!state.queues.has(record.name)) malformed('a change of no queue')
      state.changed.add(record.name)
      return undefined
    default:
      return unreachable(record)
  }
}
