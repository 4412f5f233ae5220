import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import type { Claim } from '#sim/cache/claims.ts'
import { Loads } from './loads.ts'

const claim = (id: number, key = 'k'): Claim => ({ id, client: 'c', key, input: { type: 'read' }, at: 0, floor: 0 })

test('a call is given only what a loader brought that began after it', () => {
  const loads = new Loads()
  loads.brought(claim(2), 7)
  equal(loads.isBrought(claim(1), 7), true)
  equal(loads.isBrought(claim(3), 7), false)
  equal(loads.isBrought(claim(1), 8), false)
  equal(loads.isBrought(claim(1, 'other'), 7), false)
})

test('that nothing is there is said only by a loader that began after the call', () => {
  const loads = new Loads()
  equal(loads.isBrought(claim(1), null), false)
  loads.broughtNothing(claim(2))
  equal(loads.isBrought(claim(1), null), true)
  equal(loads.isBrought(claim(3), null), false)
})
