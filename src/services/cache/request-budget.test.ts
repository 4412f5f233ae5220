import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import type { ToHome } from '#core/cache/messages.ts'
import { agentSession, cacheKey, homeTerm, requestNumber, slotId } from '#core/cache/types.ts'
import { cacheServiceLimits } from './limits.ts'
import { RequestBudget } from './request-budget.ts'

const slot = slotId(1)
const { bytesPerClientMax: most, requestsPerClientMax } = cacheServiceLimits

const named = (term: number, session: number): Pick<Extract<ToHome, { type: 'request' }>, 'slot' | 'term' | 'session'> => ({
  slot,
  term: homeTerm(term),
  session: agentSession(session),
})

const request = (number: number, oldest: number, term = 5, session = 1): Extract<ToHome, { type: 'request' }> => ({
  type: 'request',
  ...named(term, session),
  number: requestNumber(number),
  oldest: requestNumber(oldest),
  key: cacheKey('k'),
  body: { type: 'read' },
})

test('what is under way counts by its bytes, then its answer does, until that is confirmed', () => {
  const budget = new RequestBudget()
  deepEqual([budget.takes(request(1, 1), most), budget.takes(request(2, 1), 1)], [true, false])
  equal(budget.takes(request(1, 1), most), true, 'it is the same again')
  budget.answered(named(5, 1), { number: requestNumber(1), bytes: most - 1 })
  deepEqual([budget.takes(request(2, 1), 1), budget.takes(request(3, 1), 1)], [true, false])
  deepEqual([budget.takes(request(3, 2), 1), budget.takes(request(4, 2), most)], [true, false])
})

test('the oldest that is open is always taken, so that something can be confirmed', () => {
  const budget = new RequestBudget()
  budget.takes(request(2, 1), most)
  deepEqual([budget.takes(request(3, 1), 1), budget.takes(request(1, 1), 1)], [false, true])
})

test('there are no more requests than may be, however small', () => {
  const budget = new RequestBudget()
  for (let number = 1; number <= requestsPerClientMax; number++) equal(budget.takes(request(number, 1), 1), true)
  equal(budget.takes(request(requestsPerClientMax + 1, 1), 1), false)
})

test('with another session that a home names everything is forgotten, and there is no way back', () => {
  const budget = new RequestBudget()
  budget.takes(request(1, 1), most)
  budget.told(named(6, 2))
  deepEqual([budget.takes(request(2, 1, 6, 2), most), budget.takes(request(1, 1), 1)], [true, false])
  for (const [term, session] of [
    [5, 1],
    [6, 1],
  ] as const)
    budget.told(named(term, session))
  equal(budget.takes(request(3, 1, 6, 2), 1), false)
  budget.told(named(6, 3))
  equal(budget.takes(request(3, 1, 6, 3), 1), true)
})

test('an application that makes up sessions and terms has no more room for it', () => {
  const budget = new RequestBudget()
  budget.told(named(5, 1))
  budget.takes(request(1, 1), most)
  for (const [term, session] of [
    [5, 2],
    [6, 1],
    [4, 1],
  ] as const) {
    budget.confirm(named(term, session), requestNumber(2 ** 50))
    equal(budget.takes(request(2, 1, term, session), 1), false)
  }
  equal(budget.takes(request(2, 1), 1), false, 'what it was made to keep counts still')
  equal(budget.takes(request(2, 2), 1), true)
})
