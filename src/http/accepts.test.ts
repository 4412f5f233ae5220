import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { preferredType } from './accepts.ts'

const offers = ['application/json', 'text/plain'] as const

const cases: readonly (readonly [accept: string | undefined, preferred: string])[] = [
  [undefined, 'application/json'],
  ['', 'application/json'],
  ['*/*', 'application/json'],
  ['text/plain', 'text/plain'],
  ['TEXT/Plain ; Q=0.4', 'text/plain'],
  ['text/*', 'text/plain'],
  ['text/plain, */*', 'text/plain'],
  ['application/json, text/plain, */*', 'application/json'],
  ['text/plain, application/json', 'text/plain'],
  ['text/plain;q=0.5, application/json;q=0.4', 'text/plain'],
  ['text/plain;q=0, */*', 'application/json'],
  ['image/png', 'application/json'],
  ['text/plain;q=x', 'application/json'],
]

for (const [accept, preferred] of cases) {
  test(`Accept: ${accept ?? 'nothing'} prefers ${preferred}`, () => equal(preferredType(accept, offers), preferred))
}

test('any header whatever prefers one of the offers', () => {
  fc.assert(fc.property(fc.string(), (accept) => offers.includes(preferredType(accept, offers))))
})
