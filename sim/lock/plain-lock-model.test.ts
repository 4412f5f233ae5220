import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import type { Operation } from '#sim/checker/history.ts'
import { checkLinearizability } from '#sim/checker/linearizability.ts'
import { plainLockModel } from './plain-lock-model.ts'
import type { PlainInput, PlainOutput } from './plain-lock-model.ts'

type Step = readonly [from: number, until: number | null, input: PlainInput, output?: PlainOutput]

const verdictOf = (...steps: readonly Step[]): string => {
  const history = steps.map(([calledAt, at, input, output], position): Operation<PlainInput, PlainOutput> => {
    const outcome = at === null || output === undefined ? { type: 'unknown' as const } : { type: 'returned' as const, at, output }
    return { client: `c${position}`, key: 'r', calledAt, input, outcome }
  })
  return checkLinearizability(plainLockModel, history).type
}

const acquire = (client: string, request = 1): PlainInput => ({ type: 'acquire', client, request })
const giveBack = (client: string, request: number): PlainInput => ({ type: 'give-back', client, request })
const release = (client: string, token: number | null = null): PlainInput => ({ type: 'release', client, token })
const check = (token: number): PlainInput => ({ type: 'check', token })
const granted = (token: number): PlainOutput => ({ type: 'granted', token })
const busy = (client: string, token: number): PlainOutput => ({ type: 'busy', holder: { client, token } })
const released: PlainOutput = { type: 'released' }
const notHolder: PlainOutput = { type: 'not-holder' }
const checked = (valid: boolean): PlainOutput => ({ type: 'checked', valid })

test('a lawful history of a lock is accepted', () => {
  const steps: readonly Step[] = [
    [1, 2, acquire('A'), granted(4)],
    [3, 4, acquire('B'), busy('A', 4)],
    [5, 6, acquire('A'), granted(4)],
    [7, 8, check(4), checked(true)],
    [9, 10, release('B', 4), notHolder],
    [11, 12, release('A', 4), released],
    [13, 14, check(4), checked(false)],
    [15, 16, acquire('B'), granted(9)],
    [17, 18, { type: 'look' }, { type: 'seen', holder: { client: 'B', token: 9 } }],
  ]
  equal(verdictOf(...steps), 'ok')
})

test('an acquire that nobody was told of may have been carried out, or not', () => {
  equal(verdictOf([1, null, acquire('A')], [2, 3, acquire('B'), busy('A', 4)], [4, 5, release('A'), released]), 'ok')
  equal(verdictOf([1, null, acquire('A')], [2, 3, acquire('B'), granted(4)]), 'ok')
  equal(verdictOf([1, null, acquire('A')], [2, 3, check(4), checked(true)], [4, 5, check(5), checked(true)]), 'violation')
})

test('what was granted to a request that was given up may be given back, unless its client was told of it by another', () => {
  const late: readonly Step[] = [
    [1, null, acquire('A', 7)],
    [2, 3, acquire('B'), busy('A', 4)],
    [4, null, giveBack('A', 7)],
  ]
  equal(verdictOf(...late, [5, 6, check(4), checked(true)], [7, 8, acquire('B'), granted(5)]), 'ok')
  equal(verdictOf(...late, [5, 6, acquire('A', 8), granted(4)], [7, 8, acquire('B'), granted(5)]), 'violation')
  equal(verdictOf(...late.slice(0, 2), [7, 8, acquire('B'), granted(5)]), 'violation', 'nobody gave it back')
  equal(verdictOf([1, 2, acquire('A', 7), granted(4)], [4, null, giveBack('A', 7)], [7, 8, acquire('B'), granted(5)]), 'violation')
})

test('two holders at one time are no lock', () => {
  equal(verdictOf([1, 2, acquire('A'), granted(4)], [3, 4, acquire('B'), granted(5)]), 'violation')
})

test('a token that is given out twice is no lock', () => {
  const steps: readonly Step[] = [
    [1, 2, acquire('A'), granted(4)],
    [3, 4, release('A'), released],
    [5, 6, acquire('B'), granted(4)],
  ]
  equal(verdictOf(...steps), 'violation')
})

test('a lock that is lost without a release is none', () => {
  equal(verdictOf([1, 2, acquire('A'), granted(4)], [3, 4, release('A', 4), notHolder]), 'violation')
  equal(verdictOf([1, 2, acquire('A'), granted(4)], [3, 4, check(4), checked(false)]), 'violation')
  equal(verdictOf([1, 2, acquire('A'), granted(4)], [3, 4, { type: 'look' }, { type: 'seen', holder: null }]), 'violation')
})

test('a stale token that is let in is found', () => {
  const steps: readonly Step[] = [
    [1, 2, acquire('A'), granted(4)],
    [3, 4, release('A'), released],
    [5, 6, acquire('B'), granted(5)],
    [7, 8, check(4), checked(true)],
  ]
  equal(verdictOf(...steps), 'violation')
})
