import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { sequentialOutcomes, textOf } from './outcomes.ts'
import { programs } from './programs.ts'

for (const program of programs) {
  test(`litmus ${program.name}: one order of all steps never shows ${program.forbidden}`, () => {
    const outcomes = sequentialOutcomes(program)
    ok(!outcomes.has(program.forbidden), [...outcomes].join(', '))
    const sample = [...outcomes][0] ?? ''
    equal(sample.split(' | ').length, program.forbidden.split(' | ').length, 'what is forbidden is written as what is shown')
    equal(sample.includes('='), program.forbidden.includes('='))
  })
}

test('two threads that write and then read the other variable: at least one sees the other', () => {
  const program = programs.find(({ name }) => name === 'SB')
  ok(program !== undefined)
  deepEqual([...sequentialOutcomes(program)].sort(), ['0 | 1', '1 | 0', '1 | 1'])
})

test('what was shown is told in the words of what is allowed', () => {
  equal(textOf({ reads: [[], [1, 0], [1, 0]], finals: new Map() }), '1 0 | 1 0')
  equal(textOf({ reads: [[]], finals: new Map([['x', 2]]) }), '; x=2')
})
