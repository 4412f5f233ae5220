import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { RegisterAnswer, RegisterCommand } from './register.ts'
import { Registers } from './register.ts'

const key = fc.constantFrom('a', 'b')
const value = fc.integer({ min: 0, max: 3 })
const command: fc.Arbitrary<RegisterCommand> = fc.oneof(
  fc.record({ type: fc.constant('read' as const), key }),
  fc.record({ type: fc.constant('write' as const), key, value }),
  fc.record({ type: fc.constant('add' as const), key, by: value }),
  fc.record({ type: fc.constant('compare-and-set' as const), key, expected: fc.option(value), value }),
)

function expected(values: Record<string, number>, asked: RegisterCommand): RegisterAnswer {
  const before = values[asked.key] ?? null
  if (asked.type === 'read') return { value: before, done: true }
  if (asked.type === 'compare-and-set' && before !== asked.expected) return { value: before, done: false }
  const after = asked.type === 'add' ? (before ?? 0) + asked.by : asked.value
  values[asked.key] = after
  return { value: after, done: true }
}

test('registers answer as a plain object does, also after a restore', () => {
  fc.assert(
    fc.property(fc.array(command), fc.nat(), (commands, cut) => {
      let registers = new Registers()
      const values: Record<string, number> = {}
      commands.forEach((asked, position) => {
        deepEqual(registers.apply(asked), expected(values, asked))
        if (position !== cut) return
        const entries = [...registers.entries()]
        registers = new Registers()
        registers.restore(entries)
      })
      equal(registers.size, Object.keys(values).length)
    }),
  )
})

test('a restore replaces everything', () => {
  const registers = new Registers()
  registers.apply({ type: 'write', key: 'old', value: 1 })
  registers.restore([['new', 2]])
  equal(registers.read('old'), null)
  deepEqual([...registers.entries()], [['new', 2]])
})
