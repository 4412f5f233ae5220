import { throws, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { assert, AssertionFailure, present, unreachable } from './assert.ts'

test('assert throws an AssertionFailure with its message on a broken invariant, and nothing otherwise', () => {
  assert(true, 'never seen')
  throws(() => assert(false, 'broken'), new AssertionFailure('broken'))
})

test('present gives back falsy values and stops only on null and undefined', () => {
  equal(present(0, 'never seen'), 0)
  equal(present('', 'never seen'), '')
  equal(present(false, 'never seen'), false)
  throws(() => present(null, 'gone'), new AssertionFailure('gone'))
  throws(() => present(undefined, 'gone'), new AssertionFailure('gone'))
})

test('unreachable names the value that got there', () => {
  throws(() => unreachable({ type: 'surprise' } as never), /unreachable: \{"type":"surprise"\}/)
})
