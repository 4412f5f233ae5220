import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HistoryRecorder, partitionByKey } from './history.ts'

function recorderAt(now: () => number): HistoryRecorder<string, string> {
  return new HistoryRecorder(now)
}

test('events of one instant keep the order in which they were recorded', () => {
  const recorder = recorderAt(() => 1_000_000)
  const first = recorder.call({ client: 'a', key: 'k', input: 'one' })
  recorder.returned(first, 'done')
  recorder.call({ client: 'a', key: 'k', input: 'two' })
  const [one, two] = recorder.operations()
  assert.ok(one?.outcome.type === 'returned' && two !== undefined)
  assert.ok(one.calledAt < one.outcome.at && one.outcome.at < two.calledAt)
  assert.ok(two.calledAt - 1_000_000 < 0.001)
})

test('an operation that is never ended has an unknown outcome, a refused one is forgotten', () => {
  const recorder = recorderAt(() => 0)
  recorder.call({ client: 'a', key: 'k', input: 'open' })
  recorder.refused(recorder.call({ client: 'a', key: 'k', input: 'refused' }))
  assert.deepEqual(
    recorder.operations().map(({ input, outcome }) => [input, outcome.type]),
    [['open', 'unknown']],
  )
})

test('an operation ends once', () => {
  const recorder = recorderAt(() => 0)
  const id = recorder.call({ client: 'a', key: 'k', input: 'one' })
  recorder.returned(id, 'done')
  assert.throws(() => recorder.returned(id, 'done'), /ends once/)
  assert.throws(() => recorder.refused(id), /ends once/)
})

test('a clock too far from its origin to tell two events apart is refused', () => {
  const recorder = recorderAt(() => 1.7e12)
  recorder.call({ client: 'a', key: 'k', input: 'one' })
  assert.throws(() => recorder.call({ client: 'a', key: 'k', input: 'two' }), /resolve a tick/)
})

test('a history falls into one part for each key, in its order', () => {
  const recorder = recorderAt(() => 0)
  for (const key of ['x', 'y', 'x']) recorder.call({ client: 'a', key, input: key })
  const parts = partitionByKey(recorder.operations())
  assert.deepEqual(
    [...parts].map(([key, operations]) => [key, operations.length]),
    [
      ['x', 2],
      ['y', 1],
    ],
  )
})
