import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Outcomes } from './outcomes.ts'
import type { LockAnswer } from './types.ts'

const keepMax = 4
const answer = (count: number): LockAnswer => ({ type: 'ended', count, more: false })

const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ type: fc.constant('record' as const), sequence: fc.integer({ min: 1, max: 20 }) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('confirm' as const), sequence: fc.integer({ min: 0, max: 20 }) }) },
)

test('outcomes are what a list that is searched from end to end gives', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
      const outcomes = new Outcomes()
      let kept: { readonly sequence: number; readonly count: number }[] = []
      let floor = 0
      steps.forEach(({ type, sequence }, count) => {
        if (type === 'confirm') {
          outcomes.confirm(sequence)
          kept = kept.filter((each) => each.sequence > sequence)
          floor = Math.max(floor, sequence)
        } else if (outcomes.find(sequence).type === 'new') {
          outcomes.record(sequence, answer(count), keepMax)
          kept.push({ sequence, count })
          if (kept.length > keepMax) floor = Math.max(floor, kept.shift()?.sequence ?? 0)
        }
        for (let number = 1; number <= 20; number++) {
          const known = kept.find((each) => each.sequence === number)
          const absent = { type: number <= floor ? 'forgotten' : 'new' }
          deepEqual(outcomes.find(number), known === undefined ? absent : { type: 'answered', answer: answer(known.count) })
        }
      })
    }),
  )
})

test('an answer that comes after it was confirmed is not kept, as nobody will ask about it', () => {
  const outcomes = new Outcomes()
  outcomes.confirm(3)
  outcomes.record(2, answer(1), keepMax)
  deepEqual(outcomes.find(2), { type: 'forgotten' })
  equal(outcomes.size, 0)
})

test('a session with one request that waits for long pays no more for each answer given meanwhile', () => {
  const outcomes = new Outcomes()
  const startedAt = performance.now()
  for (let sequence = 2; sequence < 100_000; sequence++) {
    outcomes.confirm(0)
    outcomes.record(sequence, answer(sequence), 4_096)
  }
  equal(outcomes.size, 4_096)
  ok(performance.now() - startedAt < 3_000)
})
