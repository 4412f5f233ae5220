import { test } from 'node:test'
import { longConfigurations } from './configurations.ts'
import type { Exploration } from './explore.ts'
import { assertStates, exploreWhole } from './testing.ts'

const explored = new Map<string, Exploration>()

const states: Readonly<Record<string, number>> = {
  'a lapse, then another home': 26428,
  'another home, then a lapse': 82614,
  'a session that lingers, and another home': 46856,
}

for (const configuration of longConfigurations) {
  test(`explorer: ${configuration.name}: no state breaks a promise, and all of them are seen`, () => {
    explored.set(configuration.name, exploreWhole(configuration))
  })
}

test('explorer: with two kinds of faults there are as many states as there were', () => {
  assertStates(explored, states)
})
