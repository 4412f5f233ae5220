import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Operation } from './history.ts'
import { type Model, unanswered } from './linearizability-model.ts'
import { checkLinearizability } from './linearizability.ts'

function done<Input, Output>(input: Input, output: Output, [calledAt, at]: readonly [number, number]): Operation<Input, Output> {
  return { client: 'a', key: 'k', calledAt, input, outcome: { type: 'returned', at, output } }
}

function lost<Input, Output>(input: Input, calledAt: number): Operation<Input, Output> {
  return { client: 'b', key: 'k', calledAt, input, outcome: { type: 'unknown' } }
}

/** A number puts it at the end, `take` takes the first. */
type QueueInput = number | 'take'
type QueueOutput = number | 'empty' | 'put'

const queueModel: Model<readonly number[], QueueInput, QueueOutput> = {
  initial: [],
  step(queue, input, output) {
    if (input !== 'take') return [[...queue, input]]
    if (output === unanswered || output === (queue[0] ?? 'empty')) return [queue.slice(1)]
    return []
  },
  effect: (_input, output) => (output === 'empty' ? 'read' : 'change'),
  keyOfState: (queue) => queue.join(),
  keyOfInput: (input) => String(input),
  describe: (input, output) => `${input} → ${String(output)}`,
}

suite('the checker takes a queue', () => {
  const check = (...history: readonly Operation<QueueInput, QueueOutput>[]): string => checkLinearizability(queueModel, history).type

  test('that is first in, first out', () => {
    assert.equal(check(done(1, 'put', [0, 1]), done(2, 'put', [2, 3]), done('take', 1, [4, 5])), 'ok')
    assert.equal(check(done(1, 'put', [0, 1]), done(2, 'put', [2, 3]), done('take', 2, [4, 5])), 'violation')
  })

  test('whose lost take explains a missing item', () => {
    assert.equal(check(done(1, 'put', [0, 1]), done(2, 'put', [2, 3]), lost('take', 3), done('take', 2, [4, 5])), 'ok')
    assert.equal(check(done(1, 'put', [0, 1]), done(2, 'put', [2, 3]), lost('take', 6), done('take', 2, [4, 5])), 'violation')
  })

  test('in which nothing is delivered twice', () => {
    assert.equal(check(done(1, 'put', [0, 1]), done('take', 1, [2, 9]), done('take', 1, [3, 8])), 'violation')
    assert.equal(check(done(1, 'put', [0, 1]), done('take', 1, [2, 9]), done('take', 'empty', [3, 8])), 'ok')
  })
})

/** A number puts it; the value may be evicted at once, never later. */
type CacheInput = number | 'get'

const forgetfulModel: Model<number | null, CacheInput, number | null> = {
  initial: null,
  step(held, input, output) {
    if (input !== 'get') return [input, null]
    return output === unanswered || output === held ? [held] : []
  },
  effect: (input) => (input === 'get' ? 'read' : 'overwrite'),
  keyOfState: (held) => String(held),
  keyOfInput: (input) => String(input),
  describe: (input, output) => `${input} → ${String(output)}`,
}

suite('the checker takes a model that may go on in several states', () => {
  const check = (...history: readonly Operation<CacheInput, number | null>[]): string => checkLinearizability(forgetfulModel, history).type

  test('and finds the one that fits', () => {
    assert.equal(check(done(1, null, [0, 1]), done('get', 1, [2, 3])), 'ok')
    assert.equal(check(done(1, null, [0, 1]), done('get', null, [2, 3])), 'ok')
  })

  test('and sees when none fits', () => {
    assert.equal(check(done(1, null, [0, 1]), done('get', null, [2, 3]), done('get', 1, [4, 5])), 'violation')
    assert.equal(check(done(1, null, [0, 1]), done('get', 1, [2, 3]), done('get', null, [4, 5])), 'violation')
  })
})
