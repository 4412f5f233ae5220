import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { millis } from '#base/brand.ts'
import { runtimeLimits } from './limits.ts'
import { Origin } from './origin.ts'

test('nothing is confirmed that may still be asked for, and everything below it is', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 9 }), { maxLength: 60 }), (choices) => {
      const origin = new Origin(1, millis(0))
      const open: number[] = []
      let last = 0
      for (const choice of choices) {
        const ended = open[choice]
        if (ended === undefined) {
          open.push(origin.begin())
          equal(open.at(-1), ++last, 'numbers are never used twice')
        } else {
          origin.end(ended)
          open.splice(choice, 1)
        }
        equal(origin.confirmed, open.length === 0 ? last : Math.min(...open) - 1)
      }
    }),
  )
})

test('an origin is left before the group could forget it', () => {
  const origin = new Origin(1, millis(1_000))
  equal(origin.fresh(millis(1_000 + runtimeLimits.originUseMs - 1)), true)
  equal(origin.fresh(millis(1_000 + runtimeLimits.originUseMs)), false)
})
