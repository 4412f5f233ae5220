import type { Schema } from '#base/codec/schema.ts'
import { malformed, union, word } from '#base/codec/schema.ts'
import { queueLimits } from './limits.ts'
import { id } from './message-codec.ts'
import type { ItemResult, ProduceResult } from './types.ts'

/** Results of a batch, most of which are the same: each once, with how often it is repeated. So the answer to a thousand messages is as short as to one. */

const produceResult = union<ProduceResult>({
  enqueued: [0, {}],
  duplicate: [1, { id }],
  refused: [2, { code: word({ queue_full: 0, dedupe_full: 1, slot_full: 2, entry_full: 3 }) }],
})

const itemResult = word<ItemResult>({
  acknowledged: 0,
  returned: 1,
  dead: 2,
  extended: 3,
  cancelled: 4,
  forwarded: 5,
  postponed: 6,
  unknown_message: 7,
  stale_receipt: 8,
  not_delivered: 9,
  not_scheduled: 10,
  not_moving: 11,
})

/** What `isSame` says is written once. */
function runs<T>(schema: Schema<T>, isSame: (left: T, right: T) => boolean): Schema<readonly T[]> {
  return {
    write(writer, results) {
      writer.uint(results.length)
      for (let from = 0, end = 0; from < results.length; from = end) {
        const first = results[from] as T
        while (end < results.length && isSame(first, results[end] as T)) end++
        writer.uint(end - from)
        schema.write(writer, first)
      }
    },
    read(reader) {
      const length = reader.uint(queueLimits.batchMax)
      const results: T[] = []
      while (results.length < length) {
        const count = reader.uint(length - results.length)
        if (count === 0) malformed('a run of nothing')
        const first = schema.read(reader)
        for (let left = count; left > 0; left--) results.push(first)
      }
      return results
    },
  }
}

export const produceResults = runs(
  produceResult,
  (left, right) => left === right || (left.type === 'enqueued' && right.type === 'enqueued'),
)
export const itemResults = runs(itemResult, (left, right) => left === right)
