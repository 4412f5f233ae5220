import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Prng } from '#base/prng.ts'
import { atomicHistory, type RegisterOperation } from './linearizability-fixtures.ts'
import { problemOf } from './linearizability-problem.ts'
import { searchOrder } from './linearizability-search.ts'
import { checkLinearizability } from './linearizability.ts'
import { answerOfRegister, type RegisterInput, type RegisterOutput, registerModel } from './register-model.ts'

const key = 'k'
const workMax = 1_000_000
const mix: readonly RegisterInput['type'][] = ['read', 'read', 'write', 'write', 'add', 'compare-and-set']

/** Whether `first` must come before `second`. */
function precedes(first: RegisterOperation, second: RegisterOperation): boolean {
  return first.outcome.type === 'returned' && first.outcome.at < second.calledAt
}

function accepts(state: number | null, { input, outcome }: RegisterOperation): boolean {
  const { value, done } = answerOfRegister(state, input)
  return outcome.type === 'unknown' || (outcome.output.value === value && outcome.output.done === done)
}

/** Tries all permutations that keep real time of all choices of optional operations, without any cleverness. */
function hasOrder(required: readonly RegisterOperation[], optional: readonly RegisterOperation[], state: number | null = null): boolean {
  if (required.length === 0) return true
  return [...required, ...optional].some((operation) => {
    if (required.some((other) => other !== operation && precedes(other, operation)) || !accepts(state, operation)) return false
    const rest = (operations: readonly RegisterOperation[]): RegisterOperation[] => {
      return operations.filter((other) => other !== operation && !precedes(other, operation))
    }
    return hasOrder(rest(required), rest(optional), answerOfRegister(state, operation.input).value)
  })
}

function isLinearizable(history: readonly RegisterOperation[]): boolean {
  const { returned = [], unknown = [] } = Object.groupBy(history, ({ outcome }) => outcome.type)
  return hasOrder(returned, unknown)
}

/** Replays an order that the checker claims to explain a history. */
function assertExplains(order: readonly RegisterOperation[], history: readonly RegisterOperation[]): void {
  assert.equal(new Set(order).size, order.length, 'an operation takes effect once')
  for (const operation of history) assert.ok(operation.outcome.type === 'unknown' || order.includes(operation), 'nothing is left out')
  let state: number | null = null
  for (const [position, operation] of order.entries()) {
    assert.ok(
      order.slice(position + 1).every((later) => !precedes(later, operation)),
      'the order keeps real time',
    )
    assert.ok(accepts(state, operation), 'the register accepts the order')
    state = answerOfRegister(state, operation.input).value
  }
}

const anyValue = fc.integer({ min: 1, max: 3 })
const anyRead = fc.constant({ type: 'read' as const })
const anyWrite = fc.record({ type: fc.constant('write' as const), value: anyValue })
const anyAdd = fc.record({ type: fc.constant('add' as const), by: fc.integer({ min: 0, max: 2 }) })
const anyCas = fc.record({ type: fc.constant('compare-and-set' as const), expected: fc.option(anyValue), value: anyValue })
const anyOutput: fc.Arbitrary<RegisterOutput> = fc.record({ value: fc.option(anyValue, { freq: 6 }), done: fc.constant(true) })

function anyOperation(anyInput: fc.Arbitrary<RegisterInput>): fc.Arbitrary<RegisterOperation> {
  return fc
    .record({ calledAt: fc.nat(9), length: fc.nat(6), isUnknown: fc.nat(5), input: anyInput, output: anyOutput })
    .map(({ calledAt, length, isUnknown, input, output }) => {
      const answered = input.type === 'write' ? answerOfRegister(null, input) : output
      const outcome =
        isUnknown === 0 ? { type: 'unknown' as const } : { type: 'returned' as const, at: calledAt + length, output: answered }
      return { client: 'a', key, calledAt, input, outcome }
    })
}

/** Half of them only read and write, since those are the kinds that the search treats in a special way. */
const anySmallHistory = fc.oneof(
  fc.array(anyOperation(fc.oneof(anyRead, anyWrite)), { minLength: 1, maxLength: 7 }),
  fc.array(anyOperation(fc.oneof(anyRead, anyWrite, anyAdd, anyCas)), { minLength: 1, maxLength: 7 }),
)

test('any small history is judged as by trying all permutations', () => {
  const seen = { true: 0, false: 0 }
  fc.assert(
    fc.property(anySmallHistory, (history) => {
      const expected = isLinearizable(history)
      seen[`${expected}`]++
      assert.equal(checkLinearizability(registerModel, history).type, expected ? 'ok' : 'violation')
    }),
    { numRuns: 3000 },
  )
  assert.ok(seen.true > 300 && seen.false > 300, 'both verdicts were met often')
})

test('any small history of which some operations are spared is judged as by trying all permutations', () => {
  const seen = { true: 0, false: 0 }
  fc.assert(
    fc.property(anySmallHistory, fc.array(fc.boolean(), { minLength: 7, maxLength: 7 }), (history, choices) => {
      const spared = new Set(history.filter((_, position) => choices[position] === true))
      const isOptional = (operation: RegisterOperation): boolean => spared.has(operation) || operation.outcome.type === 'unknown'
      const expected = hasOrder(
        history.filter((operation) => !isOptional(operation)),
        history.filter(isOptional),
      )
      seen[`${expected}`]++
      assert.equal(searchOrder(problemOf(registerModel, history, spared), workMax).type, expected ? 'order' : 'stuck')
    }),
    { numRuns: 3000 },
  )
  assert.ok(seen.true > 300 && seen.false > 300, 'both verdicts were met often')
})

test('whatever order a system tells of, right or wrong, the verdict is that of all permutations', () => {
  fc.assert(
    fc.property(anySmallHistory, fc.array(fc.option(fc.nat(8)), { minLength: 7, maxLength: 7 }), (history, places) => {
      const told = history.map((operation, at) => ({ ...operation, place: places[at] ?? undefined }))
      assert.equal(checkLinearizability(registerModel, told).type, isLinearizable(history) ? 'ok' : 'violation')
    }),
    { numRuns: 3000 },
  )
})

function mutated(prng: Prng, history: readonly RegisterOperation[]): RegisterOperation[] {
  const returned = history.filter(({ outcome }) => outcome.type === 'returned')
  const [left, right] = prng.shuffle(returned)
  if (left === undefined || right === undefined) return [...history]
  return history.map((operation) => {
    if (operation === left) return swapped(left, right)
    return operation === right ? swapped(right, left) : operation
  })
}

function swapped(operation: RegisterOperation, other: RegisterOperation): RegisterOperation {
  const { outcome } = operation
  if (outcome.type !== 'returned' || other.outcome.type !== 'returned') return operation
  return { ...operation, outcome: { ...outcome, output: other.outcome.output } }
}

test('histories with two answers swapped are judged as by trying all permutations', () => {
  const seen = { true: 0, false: 0 }
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const prng = new Prng(seed)
      const workload = { key, clients: prng.between(2, 4), operations: 7, unknown: 0.2, values: prng.pick([null, 2]), mix }
      const history = mutated(prng, atomicHistory(prng, workload))
      const expected = isLinearizable(history)
      seen[`${expected}`]++
      assert.equal(checkLinearizability(registerModel, history).type, expected ? 'ok' : 'violation')
    }),
    { numRuns: 2000 },
  )
  assert.ok(seen.true > 200 && seen.false > 200, 'both verdicts were met often')
})

test('the history of a true register is accepted, with an order that replays', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const prng = new Prng(seed)
      const workload = { key, clients: prng.between(1, 8), operations: prng.between(0, 60), unknown: prng.pick([0, 0.05, 0.2]) }
      const history = atomicHistory(prng, { ...workload, values: prng.pick([null, 2, 5]), mix })
      const result = searchOrder(problemOf(registerModel, history, new Set()), workMax)
      assert.ok(result.type === 'order', result.type)
      assertExplains(result.order, history)
    }),
    { numRuns: 1000 },
  )
})

test('a counterexample is true: its prefix replays, its core contradicts itself and nothing in it can be spared', () => {
  let violations = 0
  fc.assert(
    fc.property(anySmallHistory, (history) => {
      const verdict = checkLinearizability(registerModel, history)
      if (verdict.type !== 'violation') return
      violations++
      const { core, prefix, culprit, states } = verdict.counterexample
      const end = culprit.outcome.type === 'returned' ? culprit.outcome.at : Infinity
      assertExplains(
        prefix,
        history.filter(({ outcome }) => outcome.type === 'returned' && outcome.at < end),
      )
      assert.ok(core.includes(culprit) && states.length > 0)

      const isExplained = (required: readonly RegisterOperation[]): boolean => {
        return hasOrder(
          required,
          history.filter((operation) => !required.includes(operation)),
        )
      }
      assert.equal(isExplained(core), false)
      for (const spared of core) assert.equal(isExplained(core.filter((kept) => kept !== spared)), true)
    }),
    { numRuns: 1000 },
  )
  assert.ok(violations > 100, 'violations were met often')
})
