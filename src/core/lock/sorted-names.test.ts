import { deepEqual, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '#base/prng.ts'
import { SortedNames } from './sorted-names.ts'

test('names are found from any of them on, as in a list that is sorted each time, while thousands come and go', () => {
  const prng = new Prng(1)
  const names = new SortedNames()
  const known = new Set<string>()
  const anyName = (): string => `${prng.pick(['a', 'b', 'é', 'z'])}${prng.between(0, 3_000)}`
  for (let round = 0; round < 40; round++) {
    // Now more come than go, now the other way round.
    const growing = round % 10 < 6 ? 0.9 : 0.1
    for (let step = 0; step < 1_500; step++) {
      const name = anyName()
      if (known.has(name) === prng.chance(growing)) continue
      if (known.delete(name)) names.delete(name)
      else {
        known.add(name)
        names.add(name)
      }
    }
    const sorted = [...known].toSorted((left, right) => (left < right ? -1 : 1))
    deepEqual([...names.from('')], sorted)
    for (const start of [anyName(), anyName(), 'zz']) {
      deepEqual(
        [...names.from(start)],
        sorted.filter((name) => name >= start),
      )
    }
  }
  for (const name of known) names.delete(name)
  deepEqual([...names.from('')], [])
})

test('a name is there once, and only what is there is taken out', () => {
  const names = new SortedNames()
  names.add('a')
  throws(() => names.add('a'))
  throws(() => names.delete('b'))
})
