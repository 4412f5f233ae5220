import { equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { parseNodeOptions } from './options.ts'

const where = ['--id', 'a', '--listen', '127.0.0.1:8001']

test('a node serves locks unless told otherwise', () => {
  equal(parseNodeOptions(where).service, 'lock')
  equal(parseNodeOptions([...where, '--service', 'register']).service, 'register')
  throws(() => parseNodeOptions([...where, '--service', 'bank']), /--service must be lock or register; it is bank/)
})

test('decision L8: the locks have one slot', () => {
  throws(() => parseNodeOptions([...where, '--slots', '2']), /--slots must be 1 for locks/)
  equal(parseNodeOptions([...where, '--service', 'register', '--slots', '2']).slots, 2)
})
