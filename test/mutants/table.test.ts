import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { test as testOf } from './mutant.ts'
import { toldBy, withTable } from './table.ts'

const begin = '<!-- table: written by `npm run mutants` -->'
const end = '<!-- end of table -->'
const pageOf = (...names: readonly string[]): string =>
  ['above', begin, '| mutant |', '| --- |', ...names.map((name) => `| \`${name}\`: it breaks. | old |`), end, 'below'].join('\n')

const rowOf = (name: string) => {
  const check = testOf('a.test.ts', 'it works')
  const mutant = { name, guards: 'a rule', breaks: 'It breaks.', file: 'a.ts', original: '1', mutated: '2', checks: [check] }
  return { trial: { mutant, check }, killed: true, by: 'it works', says: '1 < 2', seconds: 0.26 }
}

test('what was tried is put in the place that it has in the catalogue, the rest stays, and what is in it no more goes', () => {
  const page = withTable(pageOf('a', 'gone', 'c'), [rowOf('b'), rowOf('b'), rowOf('c')], ['a', 'b', 'c', 'never-tried'])
  const [above, , head, , ...lines] = page.split('\n')
  deepEqual([above, head], ['above', '| mutant | guards | killed by | first line of the failure | seconds |'])
  const tried = (name: string): string => `| \`${name}\`: It breaks. | a rule | it works | 1 &lt; 2 | 0.3 |`
  deepEqual(lines, ['| `a`: it breaks. | old |', tried('b'), tried('b'), tried('c'), end, 'below'])
})

test('the mutants that a page tells of are found by their names', () => {
  const told = toldBy(pageOf('a', 'b-c'))
  for (const name of ['a', 'b-c']) equal(told.has(name), true)
  equal(told.has('b'), false)
})
