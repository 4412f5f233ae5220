import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { sameJson } from './same-json.ts'

test('values are the same whatever the order of their fields and their spaces', () => {
  equal(sameJson('{"a":1,"b":[null,"x"]}', ' { "b" : [null, "\\u0078"], "a":1 }'), true)
})

test('what differs is told apart, numbers beyond doubles and texts that look like numbers too', () => {
  const values = [
    '9007199254740993',
    '9007199254740992',
    '"1"',
    '1',
    '{"text":"1"}',
    '{}',
    '[]',
    'null',
    '[1,2]',
    '[2,1]',
    '1e400',
    '2e400',
  ]
  for (const [at, left] of values.entries())
    for (const [place, right] of values.entries()) equal(sameJson(left, right), at === place, `${left} and ${right}`)
})
