import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { catalogue } from './catalogue.ts'
import { checkerOf } from './checkers.ts'
import type { Mutant } from './mutant.ts'
import { test as testOf } from './mutant.ts'
import { faultOf, runUnmutated, tryMutant } from './trial.ts'

const check = testOf('src/base/deque.test.ts', 'there is nothing before the first and after the last item')

const mutant = (edit: Partial<Mutant>): Mutant => ({
  name: 'planted',
  guards: 'nothing',
  breaks: 'Nothing.',
  file: 'src/base/deque.ts',
  original: 'position >= this.#length) return undefined',
  mutated: 'position >= this.#length) return undefined',
  checks: [check],
  ...edit,
})

const fault = 'position >= this.#length) return this.#slots[this.#head]'

async function by(edit: Partial<Mutant>): Promise<string> {
  const planted = mutant(edit)
  const { killed, by: what } = await tryMutant({ mutant: planted, check: planted.checks[0] ?? check })
  return killed ? `killed by ${what}` : what
}

test('every decision R1–R9, L1–L11 and Q1–Q11 has a mutant', () => {
  const numbered = (letter: string, count: number): readonly string[] =>
    Array.from({ length: count }, (_, at) => `decision ${letter}${at + 1}`)
  const guarded = new Set(catalogue.map(({ guards }) => guards))
  const unguarded = (names: readonly string[]): readonly string[] => names.filter((name) => !guarded.has(name))
  deepEqual(unguarded([...numbered('R', 9), ...numbered('L', 11), ...numbered('Q', 11)]), [])
  deepEqual(unguarded(['decision R10', 'decision L12', 'decision Q12']), ['decision R10', 'decision L12', 'decision Q12'])
})

test('every mutant of the catalogue can be planted', () => {
  deepEqual(
    catalogue.filter((each) => faultOf(each) !== null).map(({ name }) => name),
    [],
  )
  ok(catalogue.every(({ checks }) => checks.length > 0))
})

test('a stale mutant is told: its original is gone, or is there twice', () => {
  match(faultOf(mutant({ original: 'this text is not there' })) ?? '', /occurs 0 times/)
  match(faultOf(mutant({ original: 'return' })) ?? '', /occurs \d+ times/)
})

test('a mutant is killed by a check that fails, and only by that', async () => {
  equal(await by({ mutated: fault }), `killed by ${check.test}`)
  equal(await by({}), 'survived')
  equal(await by({ mutated: fault.replace('this.#head', 'nobody') }), 'the mutant does not run')
  equal(await by({ mutated: fault.replace('return', 'return return') }), 'the mutant does not run')
  equal(await by({ file: 'src/base/heap.ts', original: 'pop()', mutated: 'pop()' }), 'the file is not loaded')
})

test('the explorer kills a mutant by a promise that is broken, and not by the number of its states', async () => {
  const explorer = testOf('sim/explorer/explorer.sim.test.ts', 'explorer: two writers:')
  const tellsMoreApart = {
    file: 'sim/explorer/canonical.ts',
    original: 'unknown[]).map(canonical).sort()',
    mutated: 'unknown[]).map(canonical)',
  }
  equal(await by({ ...tellsMoreApart, checks: [explorer] }), 'survived')
  const grantsTwice = catalogue.find(({ name }) => name === 'cache-transactions-side-by-side')
  match(await by({ ...grantsTwice, checks: [explorer] }), /^killed by explorer: two writers: no state breaks a promise/)
})

test('a check without a fault must pass, and must be there', async () => {
  equal(await runUnmutated([check]), null)
  match((await runUnmutated([testOf(check.file, 'a claim that nobody makes')])) ?? '', /no test is called/)
})

test('what the simulator says names its checker', () => {
  equal(checkerOf('group 1: n2 leads in term 5 while n1 may trust its lease of term 4'), 'no leader beside a lease')
  equal(checkerOf('not linearizable:\nKey x'), 'linearizability')
  equal(checkerOf('lease-1.1 and session-2.3 both believe that they hold hot-1'), 'mutual exclusion of clients')
  equal(checkerOf('entry 31: A is granted r before B, who is in front of it'), 'first come, first served')
  equal(checkerOf('something else'), null)
})
