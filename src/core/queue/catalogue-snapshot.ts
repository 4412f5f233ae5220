import { unreachable } from '#base/assert.ts'
import type { ByteReader } from '#base/codec/byte-reader.ts'
import { readAll } from '#base/codec/byte-reader.ts'
import { ByteWriter } from '#base/codec/byte-writer.ts'
import { crc32 } from '#base/codec/checksum.ts'
import { malformed } from '#base/codec/schema.ts'
import type { Result } from '#base/result.ts'
import { err } from '#base/result.ts'
import type { CatalogueState } from './catalogue.ts'
import type { CatalogueRecord } from './catalogue-codec.ts'
import { catalogueRecord } from './catalogue-codec.ts'

const magic = [0x4c, 0x53, 0x51, 0x43] as const
const format = 1
const headerBytes = magic.length + 1
const trailerBytes = 4
const pieceBytes = 16 * 1024

/** Equal states give equal bytes: queues, deletions and changes by generation. The state must not change in between. */
export function* writeCatalogue(state: CatalogueState): IterableIterator<Uint8Array> {
  const writer = new ByteWriter(2 * pieceBytes)
  for (const byte of [...magic, format]) writer.byte(byte)
  let [records, checksum] = [0, 0]
  for (const record of recordsOf(state)) {
    catalogueRecord.write(writer, record)
    records++
    if (writer.length < pieceBytes) continue
    const piece = writer.take()
    checksum = crc32(piece, checksum)
    yield piece
  }
  catalogueRecord.write(writer, { type: 'end', records })
  const last = writer.take()
  yield last
  const trailer = new Uint8Array(trailerBytes)
  new DataView(trailer.buffer).setUint32(0, crc32(last, checksum))
  yield trailer
}

function* recordsOf({ version, queues, deleting, changed }: CatalogueState): IterableIterator<CatalogueRecord> {
  yield { type: 'catalogue', version }
  const definitions = [...queues.values()].sort((left, right) => left.generation - right.generation)
  for (const definition of definitions) yield { type: 'queue', definition }
  const deletions = [...deleting.values()].sort((left, right) => left.generation - right.generation)
  for (const each of deletions) yield { type: 'deleting', deleting: each }
  for (const { name } of definitions) if (changed.has(name)) yield { type: 'changed', name }
}

/** The state that a snapshot holds, or why it holds none. */
export function readCatalogue(bytes: Uint8Array): Result<CatalogueState, string> {
  if (bytes.length < headerBytes + trailerBytes) return err('cut short')
  if (magic.some((byte, at) => bytes[at] !== byte)) return err('not a snapshot of a catalogue')
  if (bytes[magic.length] !== format) return err(`format ${bytes[magic.length]}, which this build does not know`)
  const end = bytes.length - trailerBytes
  const checksum = new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(end)
  if (crc32(bytes.subarray(0, end)) !== checksum) return err('the checksum does not match')
  return readAll(bytes.subarray(headerBytes, end), readRecords)
}

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
