import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { catalogue } from './catalogue.ts'

const guarded = new Set(catalogue.map(({ guards }) => guards))
const unguarded = (names: readonly string[]): readonly string[] => names.filter((name) => !guarded.has(name))
const numbered = (count: number, name: (number: number) => string): readonly string[] =>
  Array.from({ length: count }, (_, at) => name(at + 1))

test('each of the fifteen rules and thirteen decisions of the cache has a mutant', () => {
  deepEqual(unguarded(numbered(15, (number) => `cache rule ${number}`)), [])
  deepEqual(unguarded(numbered(13, (number) => `decision C${number}`)), [])
  deepEqual(unguarded(['cache rule 16', 'decision C14']), ['cache rule 16', 'decision C14'])
})
