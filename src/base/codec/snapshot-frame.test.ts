import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { text, uint, union } from './schema.ts'
import { readFrame, writeFrame } from './snapshot-frame.ts'

type Row = { readonly type: 'row'; readonly name: string } | { readonly type: 'end'; readonly records: number }
const schema = union<Row>({ row: [1, { name: text(100) }], end: [2, { records: uint() }] })
const kind = { magic: [1, 2, 3, 4], format: 7, of: 'rows' } as const
type Named = Extract<Row, { readonly type: 'row' }>
const rows = (count: number): readonly Named[] => Array.from({ length: count }, (_, at) => ({ type: 'row', name: `row ${at}`.padEnd(60) }))

const bytesOf = (pieces: Iterable<Uint8Array>): Uint8Array => Buffer.concat([...pieces])
const read = (bytes: Uint8Array, of: Parameters<typeof readFrame>[0] = kind) =>
  readFrame(of, bytes, (reader) => {
    const found: Row[] = []
    do found.push(schema.read(reader))
    while (found.at(-1)?.type !== 'end')
    return found
  })

test('records come back as they were written, with how many there are, and leave in pieces', () => {
  for (const count of [0, 1, 2_000]) {
    const pieces = [...writeFrame(kind, schema, rows(count))]
    deepEqual(read(bytesOf(pieces)), { ok: true, value: [...rows(count), { type: 'end', records: count }] })
    deepEqual(
      pieces.every(({ length }) => length < 17 * 1_024),
      true,
    )
    deepEqual(pieces.length > 2, count === 2_000)
  }
})

test('what is no snapshot of that kind, of another format, cut short or changed anywhere is refused', () => {
  const bytes = bytesOf(writeFrame(kind, schema, rows(2)))
  const refused = (error: string) => ({ ok: false, error })
  deepEqual(read(bytes, { ...kind, magic: [1, 2, 3, 5] }), refused('not a snapshot of rows'))
  deepEqual(read(bytes, { ...kind, format: 8 }), refused('format 7, which this build does not know'))
  deepEqual(read(bytes.subarray(0, 8)), refused('cut short'))
  deepEqual(read(bytes.subarray(0, bytes.length - 1)), refused('the checksum does not match'))
  for (let at = kind.magic.length + 1; at < bytes.length; at++) {
    const changed = Uint8Array.from(bytes)
    changed[at] = (changed[at] ?? 0) ^ 1
    deepEqual(read(changed), refused('the checksum does not match'))
  }
})
