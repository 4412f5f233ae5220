import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { jsonOf, numberOf, textIn, textOf } from './body.ts'
import { Ledger } from './ledger.ts'

test('a body has 256 bytes, and says which message it is', () => {
  for (const number of [0, 7, 123_456_789, 9_999_999_999]) {
    equal(Buffer.byteLength(jsonOf(textOf(number))), 256)
    equal(numberOf(textIn(jsonOf(textOf(number)))), number)
  }
})

test('a body with a byte that is wrong anywhere is no message', () => {
  const text = textOf(42)
  for (const at of [0, 9, 100, 253]) equal(numberOf(`${text.slice(0, at)}x${text.slice(at + 1)}`), null)
  for (const wrong of ['', text.slice(1), `${text}0`]) equal(numberOf(wrong), null)
})

test('what was confirmed is missing until it came, in whatever order it is heard of', () => {
  const ledger = new Ledger(1_000)
  const early = ledger.issue(1, 5)
  const late = ledger.issue(2, 6)
  deepEqual(early.texts.map(ledger.deliver.bind(ledger)), [5])
  ledger.confirm(early)
  equal(ledger.missing, 0)
  ledger.confirm(late)
  equal(ledger.missing, 2)
  deepEqual(late.texts.map(ledger.deliver.bind(ledger)), [6, 6])
  deepEqual([ledger.missing, ledger.delivered, ledger.confirmed, ledger.duplicates], [0, 3, 3, 0])
})

test('what comes twice is counted, and makes up for nothing that is missing', () => {
  const ledger = new Ledger(0)
  const sending = ledger.issue(2, 0)
  ledger.confirm(sending)
  for (const _ of [1, 2]) ledger.deliver(sending.texts[0] ?? '')
  deepEqual([ledger.missing, ledger.delivered, ledger.duplicates], [1, 1, 1])
})

test('what nobody has sent, or another run has, is a wrong answer', () => {
  const ledger = new Ledger(1_000)
  ledger.issue(1, 0)
  for (const number of [999, 1_001]) throws(() => ledger.deliver(textOf(number)), /nobody has sent/)
  throws(() => ledger.deliver('hello'), /nobody has sent/)
})

test('a ledger keeps what it knows when it grows', () => {
  const ledger = new Ledger(0)
  const first = ledger.issue(1, 3)
  ledger.confirm(first)
  const many = ledger.issue(200_000, 4)
  ledger.confirm(many)
  equal(ledger.missing, 200_001)
  equal(ledger.deliver(first.texts[0] ?? ''), 3)
  equal(ledger.deliver(many.texts.at(-1) ?? ''), 4)
  equal(ledger.missing, 199_999)
})
