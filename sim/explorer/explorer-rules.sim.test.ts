import { test } from 'node:test'
import { ruleConfigurations } from './configurations.ts'
import type { Exploration } from './explore.ts'
import { assertStates, exploreWhole } from './testing.ts'

const explored = new Map<string, Exploration>()

const states: Readonly<Record<string, number>> = {
  'messages of a former home': 11102,
  'additions and another home': 4815,
  'a life that is nearly over': 6136,
  'a directory that is empty again': 236,
}

for (const configuration of ruleConfigurations) {
  test(`explorer: ${configuration.name}: no state breaks a promise, and all of them are seen`, () => {
    explored.set(configuration.name, exploreWhole(configuration))
  })
}

test('explorer: for the other rules there are as many states as there were', () => {
  assertStates(explored, states)
})
