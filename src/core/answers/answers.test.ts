import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { millis } from '#base/brand.ts'
import type { Admission, AnswerLimits, Identity, OriginSnapshot } from './answers.ts'
import { AnswerTable } from './answers.ts'

const limits: AnswerLimits = { originsMax: 3, answersPerOriginMax: 4, idleMs: 100 }

const answerOf = (number: number): Uint8Array => Uint8Array.of(number % 256)

/** The same with lists that are searched from end to end. */
class NaiveTable {
  origins: { id: number; usedAt: number; confirmed: number; answers: { sequence: number; answer: Uint8Array }[] }[] = []

  open(id: number, usedAt: number): void {
    this.origins.push({ id, usedAt, confirmed: 0, answers: [] })
    if (this.origins.length > limits.originsMax) this.origins.shift()
  }

  admit({ origin: id, sequence, confirmed }: Identity, time: number): Admission {
    const origin = this.origins.find((other) => other.id === id)
    if (origin === undefined) return { type: 'lost' }
    this.origins = [...this.origins.filter((other) => other !== origin), origin]
    origin.usedAt = time
    this.#confirm(origin, confirmed)
    if (sequence <= origin.confirmed) return { type: 'lost' }
    const known = origin.answers.find((other) => other.sequence === sequence)
    return known === undefined ? { type: 'new' } : { type: 'repeated', answer: known.answer }
  }

  record({ origin: id, sequence }: Identity, answer: Uint8Array): void {
    const origin = this.origins.find((other) => other.id === id)
    if (origin === undefined) throw new Error('the model admitted it')
    origin.answers.push({ sequence, answer })
    const [first] = origin.answers
    if (origin.answers.length > limits.answersPerOriginMax && first !== undefined) this.#confirm(origin, first.sequence)
  }

  expire(time: number): void {
    this.origins = this.origins.filter(({ usedAt }) => time - usedAt <= limits.idleMs)
  }

  snapshot(): OriginSnapshot[] {
    return this.origins.map(({ id: origin, usedAt, confirmed, answers }) => ({
      origin,
      usedAt,
      confirmed,
      answers: answers.map(({ sequence, answer }) => [sequence, answer] as const),
    }))
  }

  #confirm(origin: (typeof this.origins)[number], confirmed: number): void {
    origin.confirmed = Math.max(origin.confirmed, confirmed)
    origin.answers = origin.answers.filter(({ sequence }) => sequence > origin.confirmed)
  }
}

type Step =
  | { readonly type: 'open' }
  | { readonly type: 'restart' }
  | { readonly type: 'command'; readonly origin: number; readonly sequence: number; readonly confirmed: number }
  | { readonly type: 'wait'; readonly ms: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.constant({ type: 'open' as const }) },
  { weight: 1, arbitrary: fc.constant({ type: 'restart' as const }) },
  {
    weight: 20,
    arbitrary: fc.record({
      type: fc.constant('command' as const),
      origin: fc.integer({ min: 0, max: 5 }),
      sequence: fc.integer({ min: 0, max: 12 }),
      confirmed: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: 0, max: 14 }) }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 120 }) }) },
)

test('an answer table behaves as lists that are searched from end to end, also across snapshots', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150, size: 'max' }), (steps) => {
      let table = new AnswerTable(limits)
      const model = new NaiveTable()
      let time = millis(0)
      let origins = 0
      steps.forEach((each, position) => {
        table.expire(time)
        model.expire(time)
        if (each.type === 'open') {
          table.open(origins, time)
          model.open(origins++, time)
        } else if (each.type === 'wait') {
          time = millis(time + each.ms)
        } else if (each.type === 'restart') {
          const snapshot = [...table.snapshot()]
          table = new AnswerTable(limits)
          table.restore(snapshot)
        } else {
          const admission = table.admit(each, time)
          deepEqual(admission, model.admit(each, time))
          if (admission.type === 'new') {
            table.record(each, answerOf(position))
            model.record(each, answerOf(position))
          }
        }
        deepEqual([...table.snapshot()], model.snapshot())
      })
    }),
    { numRuns: 300 },
  )
})

test('decision C6: a retry under an origin that has ended is refused, never carried out', () => {
  const table = new AnswerTable(limits)
  const command = { origin: 7, sequence: 1, confirmed: 0 }
  table.open(7, millis(0))
  equal(table.admit(command, millis(0)).type, 'new')
  table.record(command, answerOf(1))
  table.expire(millis(limits.idleMs))
  equal(table.admit(command, millis(limits.idleMs)).type, 'repeated')
  table.expire(millis(2 * limits.idleMs + 1))
  equal(table.admit(command, millis(2 * limits.idleMs + 1)).type, 'lost')
})

test('an answer that was seen is forgotten, and its command is not carried out again', () => {
  const table = new AnswerTable(limits)
  table.open(1, millis(0))
  for (const sequence of [1, 2, 3]) {
    table.admit({ origin: 1, sequence, confirmed: 0 }, millis(0))
    table.record({ origin: 1, sequence, confirmed: 0 }, answerOf(sequence))
  }
  equal(table.admit({ origin: 1, sequence: 4, confirmed: 2 }, millis(1)).type, 'new')
  equal(table.admit({ origin: 1, sequence: 2, confirmed: 0 }, millis(1)).type, 'lost')
  equal(table.admit({ origin: 1, sequence: 3, confirmed: 0 }, millis(1)).type, 'repeated')
})

test('an origin with one command that never ends costs no more for each answer that is given meanwhile', () => {
  const answersPerOriginMax = 10_000
  const table = new AnswerTable({ ...limits, answersPerOriginMax })
  table.open(1, millis(0))
  const startedAt = performance.now()
  for (let sequence = 2; sequence < 100_000; sequence++) {
    const command = { origin: 1, sequence, confirmed: 0 }
    equal(table.admit(command, millis(0)).type, 'new')
    table.record(command, answerOf(sequence))
  }
  // Searching all kept answers each time takes a hundred times as long.
  equal(performance.now() - startedAt < 3_000, true)
  const [origin] = table.snapshot()
  equal(origin?.answers.length, answersPerOriginMax)
})
