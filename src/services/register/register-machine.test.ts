import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { millis, wallMillis } from '#base/brand.ts'
import { logIndex, term } from '#core/raft/types.ts'
import type { ApplyContext } from '#runtime/state-machine.ts'
import { packValue } from '#wire/value.ts'
import { decodeRegisterAnswer, encodeRegisterCommand, RegisterMachine } from './register-machine.ts'

const context: ApplyContext = { index: logIndex(1), position: 0, term: term(1), time: millis(0), wall: wallMillis(0), version: 1 }
const stateOf = (machine: RegisterMachine): Uint8Array => Buffer.concat([...machine.snapshot()])
const nothing = { value: null, done: false }

test('any bytes at all are answered, and change nothing unless they are a command', () => {
  const machine = new RegisterMachine()
  const before = stateOf(machine)
  for (const bytes of [new Uint8Array(0), Uint8Array.of(0xc1), packValue('text'), packValue([9, 'k', 1]), packValue([1, 'k', 'one'])]) {
    deepEqual(decodeRegisterAnswer(machine.apply(bytes, context)), nothing)
  }
  fc.assert(fc.property(fc.uint8Array(), (bytes) => typeof decodeRegisterAnswer(machine.apply(bytes, context)).done === 'boolean'))
  deepEqual(stateOf(machine), before)
})

test('a restored machine goes on as the one it was taken from', () => {
  const first = new RegisterMachine()
  first.apply(encodeRegisterCommand({ type: 'write', key: 'k', value: 5 }), { ...context, version: 2 })
  const second = new RegisterMachine()
  second.restore(stateOf(first))
  deepEqual(decodeRegisterAnswer(second.query(new TextEncoder().encode('k'))), { value: 5, done: true })
  const add = encodeRegisterCommand({ type: 'add', key: 'k', by: 1 })
  deepEqual(second.apply(add, { ...context, version: 2 }), first.apply(add, { ...context, version: 2 }))
  deepEqual(stateOf(second), stateOf(first))
})

test('decision R9: what a machine does depends on the version that was agreed on, not on its build', () => {
  const states = [1, 2].map((version) => {
    const machine = new RegisterMachine()
    machine.apply(encodeRegisterCommand({ type: 'write', key: 'k', value: 1 }), { ...context, version })
    return Buffer.from(stateOf(machine)).toString('hex')
  })
  equal(states[0] === states[1], false)
})
