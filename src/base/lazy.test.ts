import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { lazy } from './lazy.ts'

test('it is made when it is asked for first, and once', () => {
  let made = 0
  const value = lazy(() => void made++)
  equal(made, 0)
  value()
  value()
  equal(made, 1)
})
