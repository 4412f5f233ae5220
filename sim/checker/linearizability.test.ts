import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { RegisterOperation } from './linearizability-fixtures.ts'
import { checkLinearizability, type Verdict } from './linearizability.ts'
import { type RegisterInput, registerModel, type RegisterOutput } from './register-model.ts'

/** From call to return; without a return the outcome is unknown. */
type Span = readonly [calledAt: number, returnedAt?: number]

function operationOf(client: string, [calledAt, at]: Span, input: RegisterInput, output: RegisterOutput): RegisterOperation {
  const outcome = at === undefined ? { type: 'unknown' as const } : { type: 'returned' as const, at, output }
  return { client, key: 'x', calledAt, input, outcome }
}

const read = (client: string, span: Span, value: number | null = null): RegisterOperation => {
  return operationOf(client, span, { type: 'read' }, { value, done: true })
}
const write = (client: string, span: Span, value: number): RegisterOperation => {
  return operationOf(client, span, { type: 'write', value }, { value, done: true })
}
const add = (client: string, span: Span, by: number, value = 0): RegisterOperation => {
  return operationOf(client, span, { type: 'add', by }, { value, done: true })
}
const cas = (client: string, span: Span, expected: number | null, value: number, found?: number | null): RegisterOperation => {
  const output = found === undefined ? { value, done: true } : { value: found, done: false }
  return operationOf(client, span, { type: 'compare-and-set', expected, value }, output)
}

function check(...history: readonly RegisterOperation[]): Verdict<RegisterInput, RegisterOutput> {
  return checkLinearizability(registerModel, history)
}

const good: Record<string, readonly RegisterOperation[]> = {
  'nothing at all': [],
  'only operations of unknown outcome': [write('a', [0], 1), read('b', [1])],
  'a read of an absent value': [read('a', [0, 1], null)],
  'a read of what was written': [write('a', [0, 1], 1), read('b', [2, 3], 1)],
  'a read that overlaps a write and sees the old value': [write('a', [0, 1], 1), write('a', [2, 5], 2), read('b', [3, 4], 1)],
  'a read that overlaps a write and sees the new value': [write('a', [0, 1], 1), write('a', [2, 5], 2), read('b', [3, 4], 2)],
  'a read called before a write that it sees': [read('b', [0, 5], 1), write('a', [1, 2], 1)],
  'two overlapping writes seen in one order': [
    write('a', [0, 9], 1),
    write('b', [0, 9], 2),
    read('c', [1, 2], 2),
    read('c', [3, 4], 1),
    read('d', [5, 6], 1),
  ],
  'operations that touch in time, in either order': [write('a', [0, 1], 1), write('b', [1, 2], 2), read('c', [3, 4], 1)],
  'a write of unknown outcome that is never seen': [write('a', [0, 1], 1), write('b', [2], 2), read('c', [3, 4], 1), read('c', [5, 6], 1)],
  'a write of unknown outcome that is seen at once': [write('a', [0, 1], 1), write('b', [2], 2), read('c', [3, 4], 2)],
  'a write of unknown outcome that is seen much later': [
    write('b', [0], 2),
    write('a', [1, 2], 1),
    read('c', [3, 4], 1),
    write('a', [5, 6], 3),
    read('c', [7, 8], 3),
    read('c', [9, 10], 2),
  ],
  'an addition of unknown outcome that explains a sum': [add('a', [0, 1], 1, 1), add('b', [2], 5), add('a', [3, 4], 1, 7)],
  'two alike additions of unknown outcome, of which one took effect': [
    add('a', [0], 1),
    add('b', [1], 1),
    read('c', [2, 3], 1),
    read('c', [4, 5], 1),
  ],
  'additions that overlap and count each other': [add('a', [0, 5], 1, 2), add('b', [1, 4], 1, 1)],
  'a compare-and-set that wins and one that loses': [write('a', [0, 1], 0), cas('a', [2, 5], 0, 1), cas('b', [3, 4], 0, 2, 1)],
  'a compare-and-set on an absent value': [cas('a', [0, 1], null, 1), read('b', [2, 3], 1)],
  'a chain through a compare-and-set of unknown outcome': [
    write('a', [0, 1], 1),
    cas('b', [2], 1, 2),
    cas('c', [3, 4], 2, 3),
    read('a', [5, 6], 3),
  ],
}

const bad: Record<string, readonly RegisterOperation[]> = {
  'a stale read': [write('a', [0, 1], 1), write('b', [2, 3], 2), read('c', [4, 5], 1)],
  'a read of absence after a write': [write('a', [0, 1], 1), read('b', [2, 3], null)],
  'a read of a value never written': [write('a', [0, 1], 1), read('b', [2, 3], 7)],
  'a read from the future': [read('b', [0, 1], 1), write('a', [2, 3], 1)],
  'a lost update': [add('a', [0, 3], 1, 1), add('b', [1, 2], 1, 1)],
  'an addition that did not last': [add('a', [0, 1], 1, 1), add('b', [2, 3], 1, 2), read('c', [4, 5], 1)],
  'reads by two clients that go back during one write': [
    write('a', [0, 1], 1),
    write('a', [2, 9], 2),
    read('b', [3, 4], 2),
    read('c', [5, 6], 1),
  ],
  'reads by one client that go back': [write('a', [0, 1], 1), write('b', [2, 9], 2), read('c', [3, 4], 2), read('c', [5, 6], 1)],
  'two overlapping writes seen in both orders': [
    write('a', [0, 9], 1),
    write('b', [0, 9], 2),
    read('c', [1, 2], 1),
    read('c', [3, 4], 2),
    read('d', [5, 6], 1),
  ],
  'two compare-and-sets of one value that both succeed': [write('a', [0, 1], 0), cas('a', [2, 5], 0, 1), cas('b', [3, 4], 0, 2)],
  'a compare-and-set that loses to nobody': [write('a', [0, 1], 0), cas('b', [2, 3], 0, 1, 5)],
  'a refused compare-and-set that took effect': [write('a', [0, 1], 0), cas('b', [2, 3], 1, 2, 0), read('c', [4, 5], 2)],
  'a write of unknown outcome that is seen and then gone': [
    write('a', [0, 1], 1),
    write('b', [2], 2),
    read('c', [3, 4], 2),
    read('c', [5, 6], 1),
  ],
  'a write of unknown outcome that is seen before its call': [read('a', [0, 1], 2), write('b', [2], 2)],
  'a write of unknown outcome that takes effect twice': [
    write('b', [0], 2),
    read('c', [1, 2], 2),
    write('a', [3, 4], 1),
    read('c', [5, 6], 2),
  ],
  'one addition of unknown outcome that counts twice': [add('a', [0], 1), read('b', [1, 2], 1), read('b', [3, 4], 2)],
  'an order of writes against real time across clients': [
    write('a', [0, 1], 1),
    write('b', [2, 3], 2),
    read('c', [4, 9], 2),
    read('d', [5, 6], 1),
  ],
  'a write whose effect comes after its return': [write('a', [0, 1], 1), read('b', [2, 3], null), read('b', [4, 5], 1)],
}

suite('a register history is linearizable with', () => {
  for (const [name, history] of Object.entries(good)) test(name, () => assert.equal(check(...history).type, 'ok'))
})

suite('a register history is not linearizable with', () => {
  for (const [name, history] of Object.entries(bad)) test(name, () => assert.equal(check(...history).type, 'violation'))
})

test('keys are judged one by one', () => {
  const other = { ...read('b', [2, 3], null), key: 'y' }
  assert.deepEqual(check(write('a', [0, 1], 1), other), { type: 'ok', keys: 2, operations: 2, work: 2 })
})

test('a search that meets its limit is undecided, never ok', () => {
  const history = [write('a', [0, 9], 1), write('b', [1, 8], 2), read('c', [2, 7], 2), read('d', [3, 6], 1)]
  const verdict = checkLinearizability(registerModel, history, { workMax: 5 })
  assert.ok(verdict.type === 'undecided')
  assert.deepEqual(verdict.keys, ['x'])
})

test('a violation on one key is reported even if another key is undecided', () => {
  const hard = Array.from({ length: 8 }, (_, n) => write(`c${n}`, [0, 9], n))
  const stale = [write('a', [0, 1], 1), read('b', [2, 3], null)].map((operation) => ({ ...operation, key: 'y' }))
  assert.equal(checkLinearizability(registerModel, [...hard, read('b', [10, 11], 99), ...stale], { workMax: 8 }).type, 'violation')
})
