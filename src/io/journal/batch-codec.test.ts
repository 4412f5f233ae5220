import { deepEqual, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { replicaId, term } from '#core/raft/types.ts'
import type { LogIndex } from '#core/raft/types.ts'
import { copyEntry } from '#io/entry-codec/entries.ts'
import { batchOf, entriesOf } from '#test/conformance/log-store-kit.ts'
import { batchBytes, decodeBatches, encodeBatches, isJournaled } from './batch-codec.ts'
import type { JournaledBatch, JournaledWrite } from './batch-codec.ts'

const bytes = fc.uint8Array({ maxLength: 40 })
const index = fc.integer({ min: 1, max: 2 ** 40 }).map((value) => value as LogIndex)
const write: fc.Arbitrary<JournaledWrite> = fc.record({
  group: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  hardState: fc.option(
    fc.record({ term: fc.maxSafeNat().map(term), vote: fc.option(fc.string().map(replicaId)) }, { noNullPrototype: true }),
  ),
  about: fc.option(bytes),
  truncateFrom: fc.option(index),
  entries: fc.tuple(index, fc.nat({ max: 3 })).map(([first, count]) => entriesOf(first, first + count - 1)),
})
const batch: fc.Arbitrary<JournaledBatch> = fc.record({ node: fc.option(bytes), groups: fc.array(write, { maxLength: 4 }) })

/** Plain bytes, so that values compare whatever buffer they lie in. */
const plain = ({ node, groups }: JournaledBatch): unknown => ({
  node: node === null ? null : [...node],
  groups: groups.map((each) => ({ ...each, about: each.about === null ? null : [...each.about], entries: each.entries.map(copyEntry) })),
})

test('batches come out as one, as they went in', () => {
  fc.assert(
    fc.property(fc.array(batch, { minLength: 1, maxLength: 4 }), fc.nat({ max: 30 }), (batches, reserved) => {
      const encoded = encodeBatches(batches, reserved)
      const node = batches.findLast((each) => each.node !== null)?.node ?? null
      deepEqual(plain(decodeBatches(encoded.subarray(reserved))), plain({ node, groups: batches.flatMap(({ groups }) => groups) }))
      const estimate = batches.reduce((sum, each) => sum + batchBytes(each), 0)
      ok(encoded.length <= reserved + 2 * estimate + 64 * batches.length + 400, `${encoded.length} bytes were estimated as ${estimate}`)
    }),
  )
})

test('snapshots, compactions and removals are not for the journal', () => {
  ok(isJournaled(batchOf({ group: 1, entries: entriesOf(1, 3) }, { group: 2, about: new Uint8Array(1) })))
  ok(!isJournaled(batchOf({ group: 1 }, { group: 2, remove: { tombstone: new Uint8Array(1) } })))
})
