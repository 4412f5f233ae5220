import { test } from 'node:test'
import { longConfigurations } from './configurations.ts'
import { exploreWhole } from './testing.ts'

const states: Readonly<Record<string, number>> = {
  'a lapse, then another home': 46609,
  'another home, then a lapse': 57986,
}

for (const configuration of longConfigurations) {
  test(`explorer: ${configuration.name}: no state breaks a promise, and all of them are seen`, () => {
    exploreWhole(configuration, states[configuration.name])
  })
}
